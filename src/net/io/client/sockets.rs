//! The sockets of a descent: fresh ones, or a part in one that the application gave.

use std::sync::Arc;
use std::time::Instant;

use super::fresh::FreshSockets;
use super::input::Input;
use super::shared::{Share, SharedSocket};
use crate::error::Error;
use crate::net::engine::Transmit;
use crate::net::io::source::Source;

/// How much is taken in a row that may have come before a timer was due or after, until that is believed
/// all the same: more than waits at any socket, and an end to a flood.
const MOST_DOUBTFUL: usize = 16_384;

/// What one descent sends and receives with.
///
/// What has arrived is read before any timer is believed, for a process that was stopped finds all of
/// them due.
#[derive(Debug)]
pub(super) struct Sockets {
    origin: Origin,
    /// What came after a timer was due, and so waits.
    held: Option<Input>,
    /// How much was taken in a row while a timer was due.
    doubtful: usize,
}

#[derive(Debug)]
enum Origin {
    Fresh(Box<FreshSockets>),
    Shared(Share),
}

impl Sockets {
    pub(super) fn fresh(source: Source) -> Self {
        Self::of(Origin::Fresh(Box::new(FreshSockets::new(source))))
    }

    pub(super) fn shared(socket: Arc<SharedSocket>) -> Self {
        Self::of(Origin::Shared(Share::new(socket)))
    }

    fn of(origin: Origin) -> Self {
        Self { origin, held: None, doubtful: 0 }
    }

    /// Sends one datagram, or says why the system does not.
    pub(super) fn send(&mut self, transmit: &Transmit) -> Result<(), Error> {
        match &mut self.origin {
            Origin::Fresh(sockets) => sockets.send(transmit),
            Origin::Shared(share) => share.send(transmit),
        }
    }

    /// Waits for what comes next, until this moment at the longest. Safe to drop and call again.
    pub(super) async fn receive(&mut self, until: Option<Instant>) -> Input {
        loop {
            let looked = Instant::now();
            let due = until.filter(|until| *until <= looked);
            match (self.held.take().or_else(|| self.look(looked)), due) {
                (Some(next), Some(due)) => {
                    self.doubtful += 1;
                    if next.is_after(due) || self.doubtful > MOST_DOUBTFUL {
                        self.doubtful = 0;
                        let until = next.known_until(looked);
                        self.held = Some(next);
                        return Input::Timeout(until);
                    }
                    return next;
                }
                (Some(next), None) => return next,
                (None, Some(_)) => {
                    self.doubtful = 0;
                    return Input::Timeout(looked);
                }
                (None, None) => self.wait(until).await,
            }
        }
    }

    /// What is there now, and came first.
    fn look(&mut self, looked: Instant) -> Option<Input> {
        match &mut self.origin {
            Origin::Fresh(sockets) => sockets.look(looked),
            Origin::Shared(share) => share.look().map(Input::Datagram),
        }
    }

    /// Waits until there may be something, or for so long.
    async fn wait(&mut self, until: Option<Instant>) {
        let ready = async {
            match &mut self.origin {
                Origin::Fresh(sockets) => sockets.ready().await,
                Origin::Shared(share) => share.ready().await,
            }
        };
        tokio::select! {
            () = ready => {}
            () = sleep_until(until) => {}
        }
    }
}

/// Waits for a moment; for ever where there is none.
async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
