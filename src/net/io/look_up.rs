//! The system's resolver, which blocks.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::thread;

use tokio::sync::oneshot;

/// Has a name looked up, on a thread of its own: one that takes long holds up nobody, not even the
/// end of a runtime, and a thread that cannot be started is an error. tokio's `lookup_host` panics.
pub(super) async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = host.to_owned();
    let (answer, answered) = oneshot::channel();
    let work = move || {
        let _ = answer.send((host, port).to_socket_addrs().map(Vec::from_iter));
    };
    thread::Builder::new().name("tb look-up".into()).spawn(work)?;
    answered.await.unwrap_or_else(|_| Err(io::Error::other("the look-up has panicked")))
}
