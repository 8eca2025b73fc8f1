//! The sockets of a descent: fresh ones, or a part in one that the application gave.

use std::sync::Arc;

use super::fresh::{FreshSockets, Source};
use super::input::Input;
use super::shared::{Share, SharedSocket};
use crate::error::Error;
use crate::net::engine::Transmit;

/// What one descent sends and receives with.
#[derive(Debug)]
pub(super) enum Sockets {
    Fresh(FreshSockets),
    Shared(Share),
}

impl Sockets {
    pub(super) fn new(shared: Option<Arc<SharedSocket>>) -> Self {
        match shared {
            Some(socket) => Self::Shared(Share::new(socket)),
            None => Self::Fresh(FreshSockets::new(Source::default())),
        }
    }

    /// Sends one datagram, or says why the system does not.
    pub(super) fn send(&mut self, transmit: &Transmit) -> Result<(), Error> {
        match self {
            Self::Fresh(sockets) => sockets.send(transmit),
            Self::Shared(share) => share.send(transmit),
        }
    }

    /// Waits for what comes next. Safe to drop and call again.
    pub(super) async fn receive(&mut self) -> Input {
        match self {
            Self::Fresh(sockets) => sockets.receive().await,
            Self::Shared(share) => Input::Datagram(share.receive().await),
        }
    }
}
