//! The client's race down the cascade: one descent, from the roots to a TURN server.
//!
//! [`Descent`] puts the parts together, each of which owns its state: `race` asks, hears and goes
//! down, with `candidates` (whom it knows) and `entry` (what of each), `schedule` (what is due and awaited, until when), `down`
//! (the levels), `budget` (what it may send, whatever lists say) and `post` (what it has sent); `roots`
//! has the names that are still looked up. The rules stand apart from them:
//! `rank` says who is better, who can still win and who is near enough, `copies` how often a candidate
//! is asked, `finish` whom the last round asks and who is chosen, beside `urls`, `reserve` who is called up
//! where nobody else lives. `left_out` is whom the caller's policy leaves out. `detour` is the way to IPv4 where a host has none, `link` the link of a
//! link-local address. `outcome`, `results`, `report`, `contender` and `ice` are what comes out.

mod budget;
mod candidate_id;
mod candidates;
mod contender;
mod copies;
#[expect(clippy::module_inception, reason = "the descent is what its room is called for")]
mod descent;
mod detour;
mod down;
mod entry;
mod event;
mod failure;
mod finish;
mod heard;
mod ice;
mod last_round;
mod left_out;
mod limits;
pub(super) mod link;
mod options;
pub(super) mod outcome;
mod post;
mod race;
pub(crate) mod rank;
mod report;
mod reserve;
mod results;
mod role;
mod roots;
mod schedule;
#[cfg(feature = "serde")]
mod serialize;
mod trace;
mod unoffered;
mod urls;

pub use crate::net::wire::View;
pub use contender::Contender;
pub use descent::Descent;
#[cfg(feature = "internals")]
pub use event::DescentEvent;
pub use failure::Failure;
pub use ice::{IceConfiguration, IceServer};
pub use left_out::LeftOut;
pub use limits::Limits;
pub use options::{Options, Progress, Strategy, Verify};
pub use report::{
    CandidateState, Cost, Hop, Obstacle, Parent, RunnerUp, Selection, Transport, Unasked, Why,
};
pub use trace::{Candidate, Trace};
