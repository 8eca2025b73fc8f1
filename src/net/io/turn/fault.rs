//! Why a server cannot be used, as the system says it.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

use crate::types::{Day, TurnFault};

/// Why a check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckFault {
    pub(crate) fault: TurnFault,
    /// When its certificate ended, in seconds since 1970, where that is why.
    pub(crate) expired: Option<u64>,
    /// Which address that is about, of those that the server has named.
    pub(crate) blamed: Option<SocketAddr>,
}

impl From<TurnFault> for CheckFault {
    fn from(fault: TurnFault) -> Self {
        Self { fault, expired: None, blamed: None }
    }
}

impl fmt::Display for CheckFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.expired {
            Some(end) => write!(f, "shows a certificate that expired on {}", Day::of(end)),
            None => self.fault.fmt(f),
        }
    }
}

/// What an error of the system says about a server.
pub(crate) fn fault(error: &Error) -> TurnFault {
    match error.kind() {
        ErrorKind::ConnectionRefused => TurnFault::Closed,
        ErrorKind::TimedOut => TurnFault::Silent,
        _ => TurnFault::Unreachable,
    }
}
