use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::input::{Datagram, Input};
use super::shared::SharedSocket;
use super::sockets::Sockets;
use crate::error::Error;
use crate::net::engine::client::descent::{Descent, Options, Progress, Selection, Trace};
use crate::net::io::random;
use crate::net::io::socket::unreachable::Unreachable;

/// A client of the cascade.
///
/// Cheap to clone. Each descent has ids and, unless [`Builder::socket`](crate::Builder::socket) gave
/// one, a socket and a source port of its own, so many can run at once; dropping the future of one
/// stops it.
#[derive(Debug, Clone)]
pub struct Balance {
    pub(super) settings: Arc<Settings>,
}

/// What every descent of a [`Balance`] goes by.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) roots: Vec<SocketAddr>,
    pub(super) options: Options,
    pub(super) linger: Duration,
    /// What the application gave to send from; `None`: a fresh one each.
    pub(super) socket: Option<Arc<SharedSocket>>,
}

impl Balance {
    /// The best TURN server's address, found in at most this many seconds.
    ///
    /// # Errors
    /// [`Error::NotFound`], and whatever kept it from asking.
    pub async fn probe(&self, seconds: u8) -> Result<SocketAddr, Error> {
        let timeout = Duration::from_secs(seconds.into());
        let options = Options { timeout, ..self.settings.options.clone() };
        let descent = self.descend(options, |_| {}).await?;
        Ok(conclude(&descent)?.turn)
    }

    /// The best TURN server, how it was found and what that cost.
    ///
    /// # Errors
    /// As [`Balance::probe`].
    pub async fn select(&self) -> Result<Selection, Error> {
        self.select_with(|_| {}).await
    }

    /// As [`Balance::select`], and calls `progress` after every step: its
    /// [`provisional`](Progress::provisional) is there long before the choice is final.
    ///
    /// # Errors
    /// As [`Balance::probe`].
    pub async fn select_with(
        &self,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Selection, Error> {
        conclude(&self.descend(self.settings.options.clone(), progress).await?)
    }

    /// Everything that a descent sees, names and slow candidates included. A descent that finds
    /// nothing is no error here: [`Trace::outcome`] says why.
    ///
    /// # Errors
    /// What kept it from asking.
    pub async fn trace(&self) -> Result<Trace, Error> {
        self.trace_with(|_| {}).await
    }

    /// As [`Balance::trace`], and calls `progress` after every step.
    ///
    /// # Errors
    /// As [`Balance::trace`].
    pub async fn trace_with(&self, progress: impl FnMut(Progress) + Send) -> Result<Trace, Error> {
        let Settings { options, linger, .. } = &*self.settings;
        let options = Options { names: true, linger: *linger, ..options.clone() };
        let descent = self.descend(options, progress).await?;
        // A descent only returns when it is finished, and then has a trace.
        descent.trace().ok_or(Error::NoRoots)
    }

    async fn descend(
        &self,
        options: Options,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Descent, Error> {
        let roots = &self.settings.roots;
        let mut sockets = Sockets::new(self.settings.socket.clone());
        let mut descent = Descent::new(options, roots, Instant::now(), random::rng()?);
        let mut sent = false;
        let mut refusal = None;
        loop {
            while let Some(transmit) = descent.poll_transmit(Instant::now()) {
                match sockets.send(&transmit) {
                    Ok(()) => sent = true,
                    Err(error) => {
                        descent.handle_unreachable(Instant::now(), transmit.to);
                        refusal = Some(error);
                    }
                }
            }
            if let Some(error) = refusal.take_if(|_| !sent && descent.is_finished()) {
                return Err(error); // not one datagram left this host
            }
            progress(descent.progress());
            let Some(deadline) = descent.poll_timeout() else {
                return Ok(descent);
            };
            tokio::select! {
                input = sockets.receive() => match input {
                    Input::Datagram(Datagram { from, bytes, at }) => {
                        descent.handle_datagram(at, from, &bytes);
                    }
                    Input::Unreachable(Unreachable { to, obstacle, quoted }) => {
                        descent.handle_icmp(Instant::now(), to, obstacle, &quoted);
                    }
                },
                () = tokio::time::sleep_until(deadline.into()) => {
                    descent.handle_timeout(Instant::now());
                }
            }
        }
    }
}

fn conclude(descent: &Descent) -> Result<Selection, Error> {
    // A descent that is finished has a selection or a failure; without roots it has neither.
    Ok(descent.selection().ok_or(Error::NoRoots)??)
}
