//! Where the system has no such option, datagrams are short enough all the same.

pub(crate) fn never_cut<S>(_socket: &S, _ipv6: bool) {}
