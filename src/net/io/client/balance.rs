use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::input::Input;
use super::nat64::{Nat64LookUps, Nat64Search};
use super::roots::{Found, Roots};
use super::shared::SharedSocket;
use super::sockets::Sockets;
use crate::error::Error;
use crate::net::engine::client::descent::{Descent, Options, Progress, Selection, Trace};
use crate::net::io::interfaces::on_link;
use crate::net::io::random;
use crate::net::io::socket::asking::Datagram;
use crate::net::io::socket::unreachable::Unreachable;
use crate::net::io::source::Source;

/// A client of the cascade.
///
/// Cheap to clone. Each descent has ids and, unless [`Builder::socket`](crate::Builder::socket) gave
/// one, a socket and a source port of its own, so many can run at once; dropping the future of one
/// stops it.
///
/// [How it is used](crate#the-address-alone).
#[derive(Debug, Clone)]
pub struct Balance {
    pub(super) settings: Arc<Settings>,
}

/// What every descent of a [`Balance`] goes by.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) roots: Roots,
    pub(super) options: Options,
    pub(super) linger: Duration,
    pub(super) nat64: Nat64LookUps,
    /// What the application gave to send from; `None`: a fresh one each.
    pub(super) socket: Option<Arc<SharedSocket>>,
}

impl Balance {
    /// The best TURN server's address, found in at most this many seconds.
    ///
    /// # Errors
    /// [`Error::NotFound`], and whatever kept it from asking: [`Error::Resolve`] and
    /// [`Error::NoAddress`] where no root has an address, [`Error::Socket`], [`Error::Random`].
    pub async fn probe(&self, seconds: u8) -> Result<SocketAddr, Error> {
        let timeout = Duration::from_secs(seconds.into());
        let options = Options { timeout, ..self.settings.options.clone() };
        let selection = self.descend(options, |_| {}, Descent::selection).await??;
        Ok(selection.turn)
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
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use turn_balance::Balance;
    ///
    /// let balance = Balance::new("203.0.113.7:3001".parse()?).await?;
    /// let mut early = None;
    /// let selection = balance.select_with(|progress| early = progress.provisional).await?;
    /// println!("{} in the end, {early:?} at first", selection.turn);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Balance::probe`].
    pub async fn select_with(
        &self,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Selection, Error> {
        let options = self.settings.options.clone();
        Ok(self.descend(options, progress, Descent::selection).await??)
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
        let options = Options { names: true, down: true, linger: *linger, ..options.clone() };
        self.descend(options, progress, Descent::trace).await
    }

    /// Goes down until `result` has something to say, which it has once the descent is finished.
    async fn descend<T>(
        &self,
        mut options: Options,
        mut progress: impl FnMut(Progress) + Send,
        result: impl Fn(&Descent) -> Option<T> + Send,
    ) -> Result<T, Error> {
        let start = Instant::now();
        options.on_link = on_link();
        let mut nat64 = Nat64Search::new(&self.settings.nat64, &options.on_link, options.timeout);
        let mut look_ups = self.settings.roots.look_up();
        let mut sockets = match &self.settings.socket {
            Some(socket) => Sockets::shared(socket.clone()),
            None => Sockets::fresh(Source::default()),
        };
        // All that came before this moment was read.
        let mut known = start;
        let mut descent = Descent::new(options, &look_ups.known, start, random::rng()?);
        look_ups.hosts.iter().for_each(|host| descent.await_root(host.clone()));
        let mut found: Option<Found> = None;
        let mut sent = false;
        let mut refusal = None;
        if nat64.is_closed() && nat64.begin() {
            descent.seek_nat64(true);
        }
        loop {
            while let Some(transmit) = descent.poll_transmit(Instant::now()) {
                match sockets.send(&transmit) {
                    Ok(()) => sent = true,
                    Err(error) => {
                        if nat64.may_help(transmit.to, &error) && nat64.begin() {
                            descent.seek_nat64(false);
                        }
                        descent.handle_unreachable(known, transmit.to);
                        refusal = Some(error);
                    }
                }
            }
            if let Some(error) = refusal.take_if(|_| !sent && descent.is_finished()) {
                return Err(error); // not one datagram left this host
            }
            if descent.is_finished()
                && let Some(error) = look_ups.error()
            {
                return Err(error);
            }
            progress(descent.progress());
            if let Some(result) = result(&descent) {
                return Ok(result);
            }
            let until = descent.poll_timeout().into_iter().chain(found.as_ref().map(|one| one.at));
            let input = tokio::select! {
                one = look_ups.next(), if found.is_none() => {
                    found = Some(one);
                    continue;
                }
                nat64 = nat64.found() => {
                    descent.handle_nat64(known, nat64);
                    continue;
                }
                input = sockets.receive(until.min()) => input,
            };
            match input {
                Input::Datagram(Datagram { from, bytes, came }) => {
                    known = known.max(came.moment());
                    descent.handle_datagram(came.moment(), from, &bytes);
                }
                Input::Unreachable(at, Unreachable { to, obstacle, quoted }) => {
                    known = at;
                    descent.handle_icmp(at, to, obstacle, &quoted);
                }
                Input::Timeout(at) => {
                    known = at;
                    // It waits as a timer does: what has arrived before comes first.
                    if let Some(Found { host, addrs, .. }) = found.take_if(|one| one.at <= at) {
                        descent.handle_root(at, &host, addrs);
                    }
                    descent.handle_timeout(at);
                }
            }
        }
    }
}
