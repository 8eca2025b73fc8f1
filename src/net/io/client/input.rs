use std::time::Instant;

use crate::net::io::socket::asking::Datagram;
use crate::net::io::socket::unreachable::Unreachable;

/// Room for any answer: the first implementation may send as much as UDP holds, 65,535 bytes.
///
/// It is more than that so that the allocator has it from the system (from 128 KiB on; mallopt(3)),
/// as pages that are zero already and exist once they are touched: a descent touches one or two,
/// and to zero all of them took a tenth of its processor time.
const ROOM: usize = 256 << 10;

/// What came to a descent.
#[derive(Debug)]
pub(super) enum Input {
    Datagram(Datagram),
    /// Of its own sockets only: on a shared one the application may want them itself. All that came
    /// before this moment was taken.
    Unreachable(Instant, Unreachable),
    /// The wait is over: it was to end by this moment, and all that came before that was taken.
    Timeout(Instant),
}

/// Room to read datagrams into.
pub(super) fn room() -> Vec<u8> {
    vec![0; ROOM]
}

impl Input {
    /// The moment up to which all is known, where a look at this moment has found this.
    pub(super) fn known_until(&self, looked: Instant) -> Instant {
        match self {
            Self::Datagram(datagram) => datagram.came.moment().min(looked),
            Self::Unreachable(at, _) | Self::Timeout(at) => *at,
        }
    }

    /// Whether it is known to have come after a moment.
    pub(super) fn is_after(&self, moment: Instant) -> bool {
        match self {
            Self::Datagram(datagram) => datagram.came.is_after(moment),
            Self::Unreachable(..) | Self::Timeout(_) => false,
        }
    }
}
