use std::net::SocketAddr;

use tracing::{info, warn};

use crate::error::{Error, SocketOperation};
use crate::net::io::link;
use crate::net::io::socket::listen::{self, Listener, RECEIVE_BUFFER, receive_buffer};
use crate::types::ListenAddr;

/// Opens the listening sockets, and tells the log of them. An IPv6 wildcard takes IPv4 too, unless
/// that has a socket of its own on the same port.
pub(super) fn listen(binds: &[ListenAddr], workers: u16) -> Result<Vec<Listener>, Error> {
    let binds = binds.iter().map(numbered).collect::<Result<Vec<_>, _>>()?;
    let open = |&addr: &SocketAddr| {
        let v4 = |other: &SocketAddr| other.is_ipv4() && other.port() == addr.port();
        let dual = addr.ip().is_unspecified() && !binds.iter().any(v4);
        let failed = Error::socket(SocketOperation::Listen, addr);
        listen::listen(addr, dual, workers).map_err(failed)
    };
    let listeners = binds.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    for Listener { addr, .. } in &listeners {
        info!(udp = %addr, workers, "listening");
    }
    complain_of_small_buffers(&listeners);
    Ok(listeners)
}

/// The address with the number of its interface.
fn numbered(bind: &ListenAddr) -> Result<SocketAddr, Error> {
    let addr = bind.addr();
    let failed = Error::socket(SocketOperation::Listen, addr);
    bind.link_addr().map_or(Ok(addr), |named| link::number(&named, addr.port()).map_err(failed))
}

/// Warns where the system gives the sockets less room than they ask for.
fn complain_of_small_buffers(listeners: &[Listener]) {
    let sockets = listeners.iter().flat_map(|listener| &listener.sockets);
    let given = sockets.filter_map(|socket| receive_buffer(socket).ok()).min();
    if let Some(given) = given.filter(|&given| given < RECEIVE_BUFFER) {
        warn!(
            given,
            wanted = RECEIVE_BUFFER,
            "a small receive buffer loses bursts: set the sysctl net.core.rmem_max={RECEIVE_BUFFER}"
        );
    }
}
