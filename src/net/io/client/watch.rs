use std::fmt;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tracing::debug;

use super::balance::Balance;
use super::input::Input;
use super::network::NetworkWatch;
use super::settings::Settings;
use super::sockets::Sockets;
use super::udp;
use crate::error::Error;
use crate::net::engine::client::descent::{Contender, Failure, Options, Selection, Transport};
use crate::net::engine::client::watch::{WatchChange, WatchEngine};
use crate::net::io::random;
use crate::net::io::socket::asking::Datagram;
use crate::net::io::source::Source;

/// What a descent on its way comes to.
type Descending = Pin<Box<dyn Future<Output = Result<WatchDescent, Error>> + Send>>;

/// What a descent has come to.
struct WatchDescent {
    found: Result<Vec<Contender>, Failure>,
    /// Where those are listed whom the caller's policy leaves out.
    ruled_out: Vec<SocketAddr>,
}

impl Balance {
    /// Selects, and stays: measures the TURN server that was selected and two that stand by, and tells when
    /// another is to be used; and where [runners-up](crate::Builder::runners_up) are wanted, when others are. Must be called on a tokio runtime.
    ///
    /// [How it is used](crate#staying).
    ///
    /// # Errors
    /// [`Error::NoRootBy`] where there is no root by UDP, which is all that it goes by; [`Error::Random`].
    pub fn watch(&self) -> Result<Watching, Error> {
        if self.settings.roots.is_none() {
            return Err(Error::NoRootBy { transport: Transport::Udp });
        }
        Ok(Watching {
            settings: self.settings.clone(),
            engine: WatchEngine::new(&self.settings.options, Instant::now(), random::rng()?),
            sockets: sockets(&self.settings),
            descent: Mutex::default(),
            network: NetworkWatch::new(),
            failed: None,
        })
    }
}

/// Stays at the best TURN server, as [`Balance::watch`] begins it. Dropped it stops.
///
/// [How it is used](crate#staying).
#[must_use = "it does nothing by itself"]
pub struct Watching {
    settings: Arc<Settings>,
    engine: WatchEngine,
    sockets: Sockets,
    /// `None`: there is none. Never locked: it has a whole `Watching` be shared.
    descent: Mutex<Option<Descending>>,
    network: NetworkWatch,
    /// Why the last descent has found nothing, where nothing else is in hand.
    failed: Option<Error>,
}

impl Watching {
    /// Waits for the next change: first for the selection. It measures while it is waited for, and not
    /// otherwise. Safe to drop and call again.
    ///
    /// # Errors
    /// Why a descent has found nothing, where nothing is in hand, as that of [`Balance::select`]. It is not the
    /// end: the next call waits for the next descent, a second later at first and a minute in the end, or as
    /// soon as this host's network changes.
    pub async fn next(&mut self) -> Result<WatchChange, Error> {
        loop {
            if let Some(change) = self.engine.poll_event() {
                return Ok(change);
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if self.engine.poll_descent(Instant::now()) {
                self.descent = Mutex::new(Some(descend(self.settings.clone())));
            }
            while let Some(transmit) = self.engine.poll_transmit(Instant::now()) {
                if let Err(error) = self.sockets.send(&transmit) {
                    debug!(to = %transmit.to, %error, "cannot measure");
                }
            }
            let until = self.engine.poll_timeout();
            let input = tokio::select! {
                ended = ended(&mut self.descent) => {
                    self.descent = Mutex::default();
                    self.take(ended);
                    continue;
                }
                () = self.network.changed() => {
                    debug!("the network has changed");
                    // What they are bound to may be gone.
                    self.sockets = sockets(&self.settings);
                    self.engine.handle_network_change(Instant::now());
                    continue;
                }
                input = self.sockets.receive(until) => input,
            };
            match input {
                Input::Datagram(Datagram { from, bytes, came }) => {
                    self.engine.handle_datagram(came.moment(), from, &bytes);
                }
                // Of one that has answered nothing else counts than answers.
                Input::Unreachable(..) => {}
                Input::Timeout(at) => self.engine.handle_timeout(at),
            }
        }
    }

    /// The TURN server to use now, as the last measurement has it. `None`: nobody is known to live.
    pub fn selection(&self) -> Option<Selection> {
        self.engine.selection()
    }

    fn take(&mut self, ended: Result<WatchDescent, Error>) {
        let (found, ruled_out) = match ended {
            Ok(WatchDescent { found, ruled_out }) => (found.map_err(Error::from), ruled_out),
            Err(error) => (Err(error), Vec::new()),
        };
        let (found, error) = match found {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        self.engine.handle_descent(Instant::now(), found, &ruled_out);
        if let Some(error) = error {
            debug!(%error, "a descent has found nothing");
            self.failed = self.engine.selection().is_none().then_some(error);
        }
    }
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").field("engine", &self.engine).finish_non_exhaustive()
    }
}

fn sockets(settings: &Settings) -> Sockets {
    match &settings.socket {
        Some(socket) => Sockets::shared(socket.clone()),
        None => Sockets::fresh(Source::default()),
    }
}

/// Goes down, by UDP alone.
fn descend(settings: Arc<Settings>) -> Descending {
    Box::pin(async move {
        let roots = settings.roots.as_ref().ok_or(Error::NoRoots)?;
        // What a TURN server is called that a list names, none but the list says.
        let options = Options { names: true, ..settings.options.clone() };
        let start = Instant::now();
        let ended = udp::descend(
            &settings,
            roots,
            options,
            start,
            |_| {},
            |descent| {
                Some(WatchDescent { found: descent.contenders()?, ruled_out: descent.ruled_out()? })
            },
        );
        ended.await
    })
}

/// Waits for the end of a descent; for ever where there is none.
async fn ended(descent: &mut Mutex<Option<Descending>>) -> Result<WatchDescent, Error> {
    match descent.get_mut().unwrap_or_else(PoisonError::into_inner) {
        Some(descent) => descent.await,
        None => pending().await,
    }
}
