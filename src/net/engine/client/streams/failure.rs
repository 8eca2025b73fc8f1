//! Why a descent by HTTPS and TCP ends with nothing.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::net::engine::client::descent::LeftOut;
use crate::types::{HttpsFault, HttpsUrl, TurnFault};

/// A descent by HTTPS and TCP that ended without a TURN server, in
/// [`Failure::Https`](crate::Failure::Https).
///
/// [How it is matched](crate#where-udp-is-blocked).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpsFailure {
    /// No https root has told what it lists.
    #[non_exhaustive]
    NoList {
        /// Why not, of each.
        roots: Vec<HttpsRootFault>,
    },
    /// It lists nobody.
    #[non_exhaustive]
    Nobody {
        /// The root whose list that is.
        root: HttpsUrl,
    },
    /// None of the TURN servers that it lists can be reached by TCP, as far as their URLs say.
    #[non_exhaustive]
    UdpOnly {
        /// The root whose list that is.
        root: HttpsUrl,
        /// How many there are.
        servers: usize,
    },
    /// None of the TURN servers that it lists may be asked, or can be looked up.
    #[non_exhaustive]
    Refused {
        /// The root whose list that is.
        root: HttpsUrl,
        /// How many there are.
        servers: usize,
    },
    /// The caller's policy, by [`Builder::require`](crate::Builder::require) and
    /// [`exclude`](crate::Builder::exclude), leaves out whoever it lists.
    #[non_exhaustive]
    RuledOut {
        /// The root whose list that is.
        root: HttpsUrl,
        /// By each of its rules those that it leaves out.
        left_out: Vec<LeftOut>,
        /// Why none of the others was chosen; `None`: there are none.
        others: Option<Box<HttpsFailure>>,
    },
    /// No TCP connection to any of the TURN servers came about.
    #[non_exhaustive]
    NoConnection {
        /// The root whose list that is.
        root: HttpsUrl,
        /// How many TURN servers were tried.
        servers: usize,
        /// How long that was waited for.
        waited: Duration,
        /// Why not, of the first that told.
        fault: Option<TurnFault>,
    },
    /// No TURN server has answered itself by TCP or TLS, and
    /// [`Verify::Require`](crate::Verify::Require) is asked for.
    #[non_exhaustive]
    Unverified {
        /// The root whose list that is.
        root: HttpsUrl,
        /// The best TURN server, which would be chosen without it.
        turn: SocketAddr,
        /// Why that is of no use.
        fault: Option<TurnFault>,
    },
}

/// An https root that did not tell what it lists, in [`HttpsFailure::NoList`].
///
/// [How it is matched](crate#where-udp-is-blocked).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpsRootFault {
    /// The root.
    pub root: HttpsUrl,
    /// Why not.
    pub fault: HttpsFault,
}

impl fmt::Display for HttpsRootFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.root, self.fault)
    }
}

impl fmt::Display for HttpsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoList { roots } => {
                for (i, root) in roots.iter().enumerate() {
                    let between = if i == 0 { "" } else { ", and " };
                    write!(f, "{between}{root}")?;
                }
                Ok(())
            }
            Self::Nobody { root } => write!(f, "`{root}` lists nobody"),
            Self::UdpOnly { root, servers: 1 } => {
                write!(f, "the one TURN server that `{root}` lists has no URL by TCP")
            }
            Self::UdpOnly { root, servers } => {
                write!(f, "none of {servers} TURN servers that `{root}` lists has a URL by TCP")
            }
            Self::Refused { root, servers: 1 } => {
                write!(
                    f,
                    "the one TURN server that `{root}` lists has no address that may be asked"
                )
            }
            Self::Refused { root, servers } => write!(
                f,
                "none of {servers} TURN servers that `{root}` lists has an address that may be asked"
            ),
            Self::RuledOut { root, left_out, others } => {
                write!(f, "of the list of `{root}`: ")?;
                LeftOut::tell(left_out, f)?;
                others.as_ref().map_or(Ok(()), |others| write!(f, "; of the others: {others}"))
            }
            Self::NoConnection { root, servers: 1, fault: Some(fault), .. } => {
                write!(f, "the one TURN server that `{root}` lists {fault} (by TCP)")
            }
            Self::NoConnection { root, servers, waited, .. } => {
                let ms = waited.as_millis();
                write!(
                    f,
                    "none of {servers} TURN servers that `{root}` lists took a TCP connection \
                     within {ms} ms"
                )
            }
            Self::Unverified { root, turn, fault } => {
                write!(f, "of those that `{root}` lists no TURN server answered itself")?;
                match fault {
                    Some(fault) => write!(f, ": `{turn}` {fault}"),
                    None => write!(f, ", nor did `{turn}`"),
                }
            }
        }
    }
}
