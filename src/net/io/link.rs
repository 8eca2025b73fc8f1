//! Links, by the names of their interfaces.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

use crate::types::LinkAddr;

/// An address as it is called on this interface: a link-local one that says nothing of its link is there.
pub(super) fn on(addr: SocketAddr, interface: &str) -> io::Result<SocketAddr> {
    match addr {
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 => {
            number(&LinkAddr { ip: *v6.ip(), interface: interface.to_owned() }, v6.port())
        }
        _ => Ok(addr),
    }
}

/// The address with the number of its interface. Nobody is asked but the system, and it does not wait.
pub(super) fn number(addr: &LinkAddr, port: u16) -> io::Result<SocketAddr> {
    let found = (addr.to_string().as_str(), port).to_socket_addrs();
    found.ok().and_then(|mut addrs| addrs.next()).ok_or_else(|| {
        let message = format!("there is no interface `{}`", addr.interface);
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}
