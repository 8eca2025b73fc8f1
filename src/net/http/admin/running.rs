use std::path::PathBuf;
use std::thread;

use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::{oneshot, watch};

use super::desk::AdminDesk;
use super::gate::AdminGate;
use super::routes::router;
#[cfg(unix)]
use super::unix::UnixDoor;
use crate::config::{Admin, AdminAddr};
use crate::error::Error;
use crate::net::http::admission::ConnectionRoom;
use crate::net::http::listener::{Service, listen, run};
use crate::net::io::server::{Server, Watcher};
use crate::types::ListenAddr;

use std::sync::Arc;

/// Where an operator and his monitoring ask what a server is doing: its status, metrics, health and topology,
/// and that it drains.
///
/// It has a thread and a runtime of its own, and does not keep the server. Dropping it stops it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use turn_balance::{AdminListener, Config, Server};
///
/// let config = Config::load("balance.toml")?;
/// let admin = config.admin.clone();
/// let server = Server::start(config).await?;
/// if let Some(admin) = AdminListener::start(admin, &server).await? {
///     println!("status at {}", admin.addr());
///     let error = admin.failed().await; // only where it cannot go on
///     admin.stop().await;
///     return Err(error.into());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AdminListener {
    addr: AdminAddr,
    stopping: watch::Sender<bool>,
    /// Is closed when all has ended.
    ended: watch::Receiver<()>,
}

impl AdminListener {
    /// Opens the socket of one and starts to answer; `None`: the configuration has none.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Key`], [`Error::Listen`], [`Error::ListenUnix`], [`Error::Random`],
    /// [`Error::Thread`].
    pub async fn start(config: Admin, server: &Server) -> Result<Option<Self>, Error> {
        config.validate()?;
        let Some(bind) = config.bind.clone() else { return Ok(None) };
        let watcher = server.watcher();
        let gate = AdminGate::new(&config)?;
        let (started, is_started) = oneshot::channel();
        let work = move || serve(&bind, gate, watcher, started);
        thread::Builder::new().name("tb admin".into()).spawn(work).map_err(Error::Thread)?;
        // A thread that says nothing has panicked.
        is_started.await.unwrap_or(Err(Error::Task { task: "admin interface" })).map(Some)
    }

    /// Whether what a configuration names can be used, beyond what its text shows.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Key`].
    pub fn check(config: &Admin) -> Result<(), Error> {
        config.validate()?;
        AdminGate::new(config).map(drop)
    }

    /// Where it listens; port 0 there is the real port here.
    pub fn addr(&self) -> &AdminAddr {
        &self.addr
    }

    /// Waits until it has stopped where it must not. Safe to drop and call again.
    pub async fn failed(&self) -> Error {
        let mut ended = self.ended.clone();
        // Nothing is ever sent: this ends when the thread does.
        while ended.changed().await.is_ok() {}
        Error::Task { task: "admin interface" }
    }

    /// Takes no more connections, lets those end that are answered, for 10 s at most, and waits for it.
    pub async fn stop(self) {
        let _ = self.stopping.send(true);
        self.failed().await;
    }
}

impl Drop for AdminListener {
    fn drop(&mut self) {
        let _ = self.stopping.send(true);
    }
}

/// What is open.
enum OpenDoor {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixDoor),
}

/// The thread of one, with a runtime of its own: what comes here takes no time from the workers.
fn serve(
    bind: &AdminAddr,
    gate: AdminGate,
    watcher: Watcher,
    started: oneshot::Sender<Result<AdminListener, Error>>,
) {
    let (_end, ended) = watch::channel(());
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(Error::Thread(error)))),
    };
    runtime.block_on(async {
        let (door, addr) = match open(bind) {
            Ok(open) => open,
            Err(error) => return drop(started.send(Err(error))),
        };
        let router = router(AdminDesk::new(watcher), gate);
        let admission = Arc::new(ConnectionRoom::of_operators());
        let service = Service { router, certificate: None, admission, trusted: Arc::default() };
        let (stopping, stopped) = watch::channel(false);
        // One that nobody takes any more is dropped, and so stopped.
        let _ = started.send(Ok(AdminListener { addr, stopping, ended }));
        match door {
            OpenDoor::Tcp(listener) => run(listener, service, stopped).await,
            #[cfg(unix)]
            OpenDoor::Unix(listener) => run(listener, service, stopped).await,
        }
    });
}

fn open(bind: &AdminAddr) -> Result<(OpenDoor, AdminAddr), Error> {
    match bind {
        AdminAddr::Tcp(bind) => {
            let addr = bind.addr();
            let listener = listen(addr, &[addr])?;
            let addr = listener.local_addr().unwrap_or(addr);
            Ok((OpenDoor::Tcp(listener), AdminAddr::Tcp(ListenAddr::from(addr))))
        }
        AdminAddr::Unix(path) => unix(path.clone()),
    }
}

#[cfg(unix)]
fn unix(path: PathBuf) -> Result<(OpenDoor, AdminAddr), Error> {
    Ok((OpenDoor::Unix(UnixDoor::open(&path)?), AdminAddr::Unix(path)))
}

#[cfg(not(unix))]
fn unix(path: PathBuf) -> Result<(OpenDoor, AdminAddr), Error> {
    Err(Error::ListenUnix { path, source: std::io::ErrorKind::Unsupported.into() })
}
