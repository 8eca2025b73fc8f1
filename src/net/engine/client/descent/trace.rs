//! Everything that a descent has seen.

use std::net::SocketAddr;
use std::time::Duration;

use super::failure::Failure;
use super::options::Strategy;
use super::report::{CandidateState, Cost, Selection, Transport, Unasked};
use crate::net::wire::View;
use crate::types::{Labels, Load, Name, Prefix, TurnFault, UnresolvedRoot};

/// Everything a descent has seen.
///
/// With the feature `serde` it is written as the document of `tb trace --json`, without its `schema`.
/// Of a failure the `message` is what [`Failure`] displays; the command's says before it which roots
/// were asked, as its user called them.
///
/// [How it is used](crate#every-candidate).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// All candidates: by level, then with the best first and the silent last. Behind those of a level
    /// stand nodes that their superior does not offer: they were not asked.
    pub candidates: Vec<Candidate>,
    /// What it came to.
    pub outcome: Result<Selection, Failure>,
    /// How it was to choose.
    pub strategy: Strategy,
    /// By which means it went.
    pub transport: Transport,
    /// Which lists it asked for.
    pub view: View,
    /// From the start, look-ups of names included, to the end.
    pub elapsed: Duration,
    /// What the descent cost.
    pub cost: Cost,
    /// The roots that could not be asked.
    pub unresolved: Vec<UnresolvedRoot>,
}

/// One line of a [`Trace`].
///
/// [How it is used](crate#every-candidate).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Its step of the cascade; the root is level 0.
    pub level: u8,
    /// Its address, as it was or would be asked.
    pub addr: SocketAddr,
    /// How it is listed, as [`Selection::listed`].
    pub listed: Option<SocketAddr>,
    /// Its name.
    pub name: Option<Name>,
    /// The candidate that listed it: an index into [`Trace::candidates`]; `None`: it is a root.
    pub via: Option<usize>,
    /// The TURN server beside it, for a leaf.
    pub turn: Option<SocketAddr>,
    /// Its least round-trip time.
    pub rtt: Option<Duration>,
    /// The round-trip times from the root down to it, added up: the least time in which a descent
    /// gets there. `None`: the descent did not go through it.
    pub total: Option<Duration>,
    /// How full the TURN server beside it is, where that is told.
    pub load: Option<Load>,
    /// What it is labelled with, as [`Selection::labels`], below those above it.
    pub labels: Labels,
    /// Datagrams sent to it.
    pub sent: u32,
    /// What became of it.
    pub state: CandidateState,
    /// What it says of itself, where its state is another: on the way, as [`Hop::says`](super::report::Hop::says).
    pub says: Option<CandidateState>,
    /// Why, as far as a TURN server is to blame: its own, or the one beside it. Of a node that its
    /// superior does not offer, and which the client does not ask: why not.
    pub fault: Option<TurnFault>,
    /// From where its answer came, where that is another address than was asked. It counts for nothing.
    pub answered_from: Option<SocketAddr>,
    /// Why it was never asked, where that is its state.
    pub unasked: Option<Unasked>,
    /// How many nodes it says that it lists beside those that came: its list is longer than an answer, and
    /// the answers that had them were lost or were not awaited.
    pub unlisted: u32,
    /// Of one that is refused: what [`Limits::allow`](crate::Limits::allow) would have to hold for it,
    /// or the TURN server that it names, to be asked. `None`: nothing opens it.
    pub allow: Option<Prefix>,
}
