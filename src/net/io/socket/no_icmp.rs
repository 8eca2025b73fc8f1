//! Where the system tells nothing of ICMP errors, a closed port is as silent as a lost datagram.

use std::io;

use super::unreachable::Unreachable;
use crate::types::Family;

pub(crate) fn keep<S>(_socket: &S, _family: Family) -> io::Result<()> {
    Ok(())
}

pub(crate) fn take<S>(_socket: &S) -> io::Result<Option<Unreachable>> {
    Err(io::ErrorKind::WouldBlock.into())
}
