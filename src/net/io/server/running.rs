use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use tokio::runtime;
use tokio::sync::oneshot;
use tracing::debug;

use super::joined_file;
use super::part::Part;
use super::reload::Wishes;
use super::shared::SharedState;
use super::start::{Started, start};
#[cfg(feature = "http")]
use super::watcher::Watcher;
use super::watcher::{set_draining, status};
use crate::config::{Config, Reloaded};
use crate::error::Error;
use crate::types::{Load, Status};

/// A running balance server. Dropping it stops it, within a second: its port is free when
/// [`stop`](Self::stop) returns, but not yet when `drop` does, which waits for nothing.
///
/// It has threads of its own, and needs nothing of the runtime that it is used on: neither sockets nor
/// timers, nor that it lives on.
///
/// [How it is used](crate#a-server).
#[derive(Debug)]
pub struct Server {
    addrs: Vec<SocketAddr>,
    shared: Arc<SharedState>,
    wishes: Wishes,
    /// Comes when all is closed.
    ended: oneshot::Receiver<()>,
}

impl Server {
    /// Opens the sockets and starts to answer.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Key`], [`Error::Socket`], [`Error::Random`], [`Error::Thread`].
    pub async fn start(config: Config) -> Result<Self, Error> {
        let (started, is_started) = oneshot::channel();
        let work = move || run(config, started);
        thread::Builder::new().name("tb server".into()).spawn(work).map_err(Error::Thread)?;
        // A thread that says nothing has panicked.
        is_started.await.unwrap_or(Err(Error::Task { task: "start" }))
    }

    /// Where it listens, in the order of `net.bind`; port 0 there is the real port here.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Waits until a part of it has stopped without which it cannot go on, and says which. Safe to
    /// drop and call again.
    pub async fn failed(&self) -> Error {
        self.shared.parts.failed().await.into()
    }

    /// Asks not to be chosen any more, for as long as it runs or until [`undrain`](Self::undrain). It
    /// goes on answering; its superiors hear of it at once, and take it off their lists. Clients that
    /// have it in hand pass it over, unless they find nobody else.
    ///
    /// Before a planned end, wait a few seconds between this and [`stop`](Self::stop): by then nobody
    /// comes any more.
    pub fn drain(&self) {
        set_draining(&self.shared, true);
    }

    /// Takes [`drain`](Self::drain) back.
    pub fn undrain(&self) {
        set_draining(&self.shared, false);
    }

    /// The TURN server beside it is so full, as this program knows. It is told to clients, who spread over
    /// servers that are equally near by what these have free, and from 95 % on the server offers nothing to
    /// those who find another. `None`: that is not known any more. It counts until another is set, so set one every
    /// few seconds. Where [`Turn::load`](crate::Turn::load) says where to read it, that is read and counts.
    ///
    /// ```no_run
    /// # #[cfg(feature = "server")] fn example(server: &turn_balance::Server, calls: u32) {
    /// use turn_balance::Load;
    ///
    /// server.set_load(Load::new(calls.into(), 400));
    /// # }
    /// ```
    pub fn set_load(&self, load: Option<Load>) {
        self.shared.engine().set_load(load);
        self.shared.publish();
    }

    /// What it is doing now: its nodes, superiors and TURN servers, and what came of all datagrams.
    ///
    /// The workers that answer do not notice.
    pub fn status(&self) -> Status {
        status(&self.shared)
    }

    /// Who sees the same, and does not keep it.
    #[cfg(feature = "http")]
    pub(crate) fn watcher(&self) -> Watcher {
        Watcher::new(&self.shared)
    }

    /// Takes another configuration, while it goes on answering: what stays keeps what is known of it, nodes
    /// that have joined among it, unless they may not join any more. Either all of it counts or, where it
    /// fails, nothing; what cannot change before the next start is told in [`Reloaded::kept`]. Limits
    /// count within a second. `log` and `net.drain` are matters of whoever runs it, as from the start.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use turn_balance::{Config, Server};
    ///
    /// let server = Server::start(Config::load("balance.toml")?).await?;
    /// // Some time later, when somebody has changed the file:
    /// let reloaded = server.reload(Config::load("balance.toml")?).await?;
    /// println!("nodes: {}", reloaded.nodes); // nodes: +2 -1
    /// for key in reloaded.kept {
    ///     println!("{key} counts after a restart");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Key`]; [`Error::Task`] where it has stopped.
    pub async fn reload(&self, config: Config) -> Result<Reloaded, Error> {
        self.wishes.wish(config).await
    }

    /// Stops it, and waits until its sockets are closed.
    pub async fn stop(mut self) {
        self.shared.parts.stop();
        let _ = (&mut self.ended).await; // an error where the thread panicked: closed too
        let SharedState { counters, log_limit, .. } = &*self.shared;
        debug!(%counters, left_out = log_limit.take_left_out(), "stopped answering");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.parts.stop();
    }
}

/// The thread that a server waits on. It has a runtime of its own: one of an application may have
/// neither sockets nor timers, which nobody can ask it, be busy, or end before the server does.
fn run(config: Config, started: oneshot::Sender<Result<Server, Error>>) {
    let (_end, ended) = oneshot::channel();
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(Error::Thread(error)))),
    };
    runtime.block_on(async {
        let (running, wishes) = match start(config) {
            Ok(started) => started,
            Err(error) => return drop(started.send(Err(error))),
        };
        let Started { addrs, shared, .. } = &running;
        let _watched = shared.parts.watch(Part::Task("thread"));
        let server = Server { addrs: addrs.clone(), shared: shared.clone(), wishes, ended };
        // One that nobody takes any more is dropped, and so stopped.
        let _ = started.send(Ok(server));
        shared.parts.stopped().await;
        let shared = shared.clone();
        drop(running);
        joined_file::save(&shared); // nobody waits for this thread any more but who stops it
    });
}
