//! STUN Binding, for who measures a balance server with it: a browser has nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use super::handled::Handled;
use super::snapshot::Snapshot;
use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::limit::Limiter;
use crate::net::wire::stun::{BINDING_PASSWORD, BindingError, BindingKey, BindingRequest};
use crate::types::Family;

/// Answers the Binding requests of one worker.
#[derive(Debug)]
pub(super) struct BindingResponder {
    key: BindingKey,
}

impl BindingResponder {
    pub(super) fn new() -> Self {
        Self { key: BindingKey::new(BINDING_PASSWORD) }
    }

    /// Writes the response to `out`, which must be empty.
    ///
    /// # Errors
    /// There is none: as to a bare probe, there is none either where nothing is offered.
    #[inline(never)]
    pub(super) fn respond(
        &self,
        snapshot: &Snapshot,
        limiter: &Limiter,
        uptime: Duration,
        from: &SocketAddr,
        datagram: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Handled, DropReason> {
        if snapshot.bare(Family::of(*from)).is_none() {
            return Err(DropReason::NothingToOffer);
        }
        // Before what signs it is judged, which costs more than all else.
        let room = limiter.admit_binding(uptime, from, datagram.len())?;
        let request = BindingRequest::decode(datagram, &self.key)?;
        request.respond(*from, &self.key, out);
        if out.len() > room {
            out.clear();
            return Err(DropReason::NoRoom);
        }
        Ok(Handled::Answer)
    }
}

impl From<BindingError> for DropReason {
    fn from(error: BindingError) -> Self {
        match error {
            BindingError::NoRequest => Self::Stun,
            BindingError::WrongIntegrity => Self::WrongIntegrity,
        }
    }
}
