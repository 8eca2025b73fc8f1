//! The system's resolver, which blocks.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::thread;

use tokio::sync::oneshot;

/// Has a name looked up, on a thread of its own: one that takes long holds up nobody, not even the
/// end of a runtime, and a thread that cannot be started is an error. tokio's `lookup_host` panics.
pub(super) async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (answer, answered) = oneshot::channel();
    start(host, port, |found| {
        let _ = answer.send(found);
    })?;
    answered.await.unwrap_or_else(|_| Err(io::Error::other("the look-up has panicked")))
}

/// The same, for whoever waits otherwise: `then` is called on the look-up's thread.
pub(super) fn start(
    host: &str,
    port: u16,
    then: impl FnOnce(io::Result<Vec<SocketAddr>>) + Send + 'static,
) -> io::Result<()> {
    let host = host.to_owned();
    let work = move || then((host, port).to_socket_addrs().map(Vec::from_iter));
    thread::Builder::new().name("tb look-up".into()).spawn(work).map(drop)
}
