//! Where the system has no such option, datagrams are short enough all the same.

pub(crate) fn dont_fragment<S>(_socket: &S, _ipv6: bool) {}
