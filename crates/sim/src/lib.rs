//! An internet of engines on simulated time: no socket, no clock, one seed is one run, bit for
//! bit. Tests, benchmarks, examples and the fuzzer share it.
//!
//! A [`World`] has [`Host`]s, and a [`Path`] between each two of them; [`storm`] draws whole worlds
//! in which everything goes wrong, and [`invariants`] take any bytes.
#![expect(missing_docs, reason = "not published: what needs no word has none")]

pub mod invariants;
pub mod storm;
pub mod turn;

mod host;
mod look_up;
mod path;
mod queue;
mod stay;
mod watch;
mod world;

pub(crate) use host::own_addr;
pub use host::{Actor, Answer, Host, Live, Peer, Site};
pub use look_up::LookUp;
pub use path::{Access, Jitter, Outages, Path, lognormal, ms};
pub(crate) use queue::{Datagram, Origin};
pub use stay::Stayer;
pub use watch::{Watched, watch};
pub(crate) use world::Note;
pub use world::{Sent, World, node};
