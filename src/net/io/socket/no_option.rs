//! Where the system has no such option, datagrams are short enough all the same.

use crate::types::Family;

pub(super) fn dont_fragment<S>(_socket: &S, _family: Family) {}

/// No round-trip time of a TCP connection is known here.
#[cfg(feature = "https")]
pub(super) fn tcp_rtt<T>(_: &T) -> Option<std::time::Duration> {
    None
}
