//! Where the system has no such option, datagrams are short enough all the same.

use crate::types::Family;

pub(super) fn dont_fragment<S>(_socket: &S, _family: Family) {}
