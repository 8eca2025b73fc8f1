//! What a descent tells when it is over.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::options::Strategy;
use crate::types::{Labels, Load, Name, TurnUrl, UnresolvedRoot};

/// The result of a descent: a TURN server, and how it was found.
///
/// [How it is used](crate#with-options-and-how-it-was-found). With the feature `serde` it is written
/// as the document of `tb probe --json`, without its `schema`: times in milliseconds, `null` for what
/// is not known. What reads the one reads the other.
///
#[cfg_attr(feature = "serde", doc = "```no_run")]
#[cfg_attr(not(feature = "serde"), doc = "```ignore")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use turn_balance::Balance;
///
/// let balance = Balance::new("203.0.113.7:3001".parse()?).await?;
/// let line = serde_json::to_string(&balance.select().await?)?;
/// println!("{line}"); // {"turn":"203.0.113.52:3478","name":"fra-b","rtt_ms":11.97,...
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// The TURN server's address, to be used.
    pub turn: SocketAddr,
    /// How it is listed, where a NAT64 leads to it: `turn` is what carries this IPv4 address. `None`: it
    /// is used as it is listed.
    pub listed: Option<SocketAddr>,
    /// What the leaf beside it, or the list that named it, calls it.
    pub name: Option<Name>,
    /// The least round-trip time measured to the TURN server or, where it was not asked itself,
    /// to the leaf that names it. By HTTPS: the least time that a TCP connection to it took.
    pub rtt: Duration,
    /// Whether the TURN server itself has answered (STUN Binding). Where none does, or none is asked, that
    /// of the fastest leaf is chosen on the leaf's word, unless [`Verify::Require`](crate::Verify::Require)
    /// forbids it.
    pub verified: bool,
    /// Among how many it was drawn that are as near as one another, by what each has free; `None`: the
    /// least time won, as it does where no server tells how full it is.
    pub drawn: Option<u32>,
    /// How full it is, where that is told.
    pub load: Option<Load>,
    /// What it is labelled with, where there is a policy: nobody asks for labels else.
    pub labels: Labels,
    /// By which means it was found. By [`Transport::Https`] it is reached by the first of `urls`: over UDP it
    /// may not be.
    pub transport: Transport,
    /// How the TURN server is reached, the best first, where [`Builder::urls`](crate::Builder::urls) asks for
    /// it: as its leaf says, or the server that checks it; `turn` over UDP where nobody does. Empty:
    /// it was not asked for. By HTTPS they are always known: what works without UDP comes first, TLS at port
    /// 443 before all.
    pub urls: Vec<TurnUrl>,
    /// From the start, look-ups of names included, to the decision.
    pub elapsed: Duration,
    /// The strategy that chose.
    pub strategy: Strategy,
    /// The balance servers on the way, root first.
    pub path: Vec<Hop>,
    /// The other TURN servers that could have been chosen, in the order to try: those of a draw as they
    /// were drawn, then the others, best first.
    pub runners_up: Vec<RunnerUp>,
    /// What the descent cost.
    pub cost: Cost,
    /// The roots that could not be asked.
    pub unresolved: Vec<UnresolvedRoot>,
}

/// By which means a descent goes down, and reaches TURN servers.
///
/// [How it is used](crate#where-udp-is-blocked).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Transport {
    /// UDP: balance servers and TURN servers answer datagrams.
    Udp,
    /// HTTPS for lists, and TCP for TURN servers.
    Https,
}

impl Transport {
    /// The word for it on the command line and in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Https => "https",
        }
    }
}

/// A balance server on the way down.
///
/// [How it is used](crate#with-options-and-how-it-was-found).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hop {
    /// Its step of the cascade; the root is level 0.
    pub level: u8,
    /// Its address.
    pub addr: SocketAddr,
    /// How it is listed, as [`Selection::listed`].
    pub listed: Option<SocketAddr>,
    /// Its name.
    pub name: Option<Name>,
    /// Its least round-trip time; `None` where a list that it stands in sufficed.
    pub rtt: Option<Duration>,
    /// What it says of itself though the way leads through it: that it is full or draining, and nobody
    /// else was found.
    pub says: Option<CandidateState>,
}

/// A TURN server that was measured and not chosen.
///
/// [How it is used](crate#with-options-and-how-it-was-found).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunnerUp {
    /// The TURN server's address, to be used.
    pub turn: SocketAddr,
    /// How it is listed, as [`Selection::listed`].
    pub listed: Option<SocketAddr>,
    /// What the leaf beside it calls it.
    pub name: Option<Name>,
    /// Its least round-trip time, measured as [`Selection::rtt`] is.
    pub rtt: Duration,
    /// Whether it has answered itself, as [`Selection::verified`].
    pub verified: bool,
    /// How full it is, as [`Selection::load`].
    pub load: Option<Load>,
    /// What it is labelled with, as [`Selection::labels`].
    pub labels: Labels,
    /// How it is reached, as [`Selection::urls`]; of those that are far from the best the default.
    pub urls: Vec<TurnUrl>,
    /// Why another was chosen.
    pub why: Why,
}

/// Why a [`RunnerUp`] was not chosen.
///
/// [How it is used](crate#with-options-and-how-it-was-found).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// It has less of what is preferred than the one that was.
    Unpreferred,
    /// It is slower than the one that was.
    Slower,
    /// It is as near as the one that was, and was drawn later, by what both have free.
    Drawn,
    /// Its leaf answered; the TURN server itself, asked in the last round, did not.
    Silent,
    /// The strategy was [`Strategy::First`], and another answered first.
    Later,
}

impl Why {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unpreferred => "unpreferred",
            Self::Slower => "slower",
            Self::Drawn => "drawn",
            Self::Silent => "silent",
            Self::Later => "later",
        }
    }
}

/// What a descent cost and met.
///
/// [How it is used](crate#with-options-and-how-it-was-found).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Cost {
    /// Nodes that stood in the lists or were roots.
    pub candidates: u32,
    /// Candidates that were asked, and of which nothing was heard: no answer, from wherever, and no word of
    /// the network that they cannot be reached.
    pub silent: u32,
    /// Candidates that might have been asked, and never were.
    pub unasked: u32,
    /// Nodes that servers say they list, and that no answer told of:
    /// [`Candidate::unlisted`](crate::Candidate::unlisted) says whose.
    pub unlisted: u32,
    /// Candidates that the caller's policy left out: none of them was asked further, nor anybody below.
    pub ruled_out: u32,
    /// Datagrams sent.
    pub datagrams: u32,
    /// Bytes of UDP payload sent.
    pub bytes: u64,
    /// TCP connections begun to TURN servers to measure them.
    pub connections: u32,
    /// Datagrams received and ignored: from an address that was not asked.
    pub misplaced: u32,
    /// Datagrams received and ignored: with an id, nonce or transaction that was not sent there.
    pub mismatched: u32,
    /// Datagrams received and ignored: a second answer to one request.
    pub repeated: u32,
    /// Datagrams received and ignored: no message of the protocol.
    pub malformed: u32,
}

/// What became of a candidate.
///
/// [How it is used](crate#every-candidate).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CandidateState {
    /// On the way to the selection.
    Path,
    /// The TURN server that was chosen.
    Selected,
    /// The descent went down into it, and chose another.
    Explored,
    /// It answered, later than those that were chosen.
    Lost,
    /// It is as near as the one that was chosen, which was drawn, by what they have free.
    Undrawn,
    /// It answered, and the TURN server that it names did not, as
    /// [`Verify::Require`](crate::Verify::Require) asks for.
    Unverified,
    /// It never answered.
    Silent,
    /// It was never asked; [`Candidate::unasked`](crate::Candidate::unasked) says why.
    Unasked,
    /// The network, or this host, says that there is no way to it, or that nothing listens there.
    Unreachable,
    /// It said that it has nothing to offer.
    Nothing,
    /// It said that the TURN server beside it is down.
    TurnDown,
    /// It said that it is full.
    Full,
    /// It said that it asks not to be chosen any more.
    Draining,
    /// An address that this client does not send to.
    Refused,
    /// The caller's policy leaves it out, by its labels or its name, and all below it.
    RuledOut,
    /// Its answer came from another address; [`Candidate::answered_from`](crate::Candidate::answered_from)
    /// says which.
    Misplaced,
}

impl CandidateState {
    /// The word for it in tables and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Selected => "selected",
            Self::Explored => "explored",
            Self::Lost => "lost",
            Self::Undrawn => "undrawn",
            Self::Unverified => "unverified",
            Self::Silent => "silent",
            Self::Unasked => "unasked",
            Self::Unreachable => "unreachable",
            Self::Nothing => "nothing",
            Self::TurnDown => "turn-down",
            Self::Full => "full",
            Self::Draining => "draining",
            Self::Refused => "refused",
            Self::RuledOut => "ruled-out",
            Self::Misplaced => "misplaced",
        }
    }
}

/// Why a candidate was never asked.
///
/// [How it is used](crate#every-candidate).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Unasked {
    /// What a descent may send was for others: those before it in its list, and the levels below.
    Budget,
    /// Its host, an IPv4 address or an IPv6 /64, left [`Limits::unanswered`](crate::Limits::unanswered)
    /// datagrams to others there unanswered.
    Host,
    /// The descent ended before it was due.
    Ended,
    /// It has no URL that is reached by TCP, and the descent had no UDP.
    UdpOnly,
}

impl Unasked {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Host => "host",
            Self::Ended => "ended",
            Self::UdpOnly => "udp-only",
        }
    }
}

/// Half a sentence, with the candidates before it.
impl fmt::Display for Unasked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Budget => "all that a descent may send was for others",
            Self::Host => "too many requests to the same host were unanswered",
            Self::Ended => "the descent had ended",
            Self::UdpOnly => "it has no URL by TCP",
        })
    }
}

/// What stands before a candidate, as the network or this host says.
///
/// [How it is matched](crate#when-it-fails).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Obstacle {
    /// Nothing listens at its port.
    Port,
    /// There is no way to its host.
    Path,
}

/// With the address behind it: "nothing listens at" or "there is no way to".
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Port => "nothing listens at",
            Self::Path => "there is no way to",
        })
    }
}

/// The server that a [`Failure`](super::failure::Failure) speaks of.
///
/// [How it is matched](crate#when-it-fails).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parent {
    /// Its address.
    pub addr: SocketAddr,
    /// Its name.
    pub name: Option<Name>,
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "`{name}` ({})", self.addr),
            None => write!(f, "`{}`", self.addr),
        }
    }
}
