//! Where requests leave from.

use std::io;
use std::net::{IpAddr, SocketAddr};

#[cfg(feature = "client")]
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use super::link;
use super::socket::udp::{any, bind_to, open};
use crate::types::{Family, escaped};

/// By default wherever the system sends them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) ip: Option<IpAddr>,
    /// The name of an interface.
    pub(crate) interface: Option<String>,
}

impl Source {
    /// Whether this host has no way from there to an address, by its routes. Nothing is sent.
    #[cfg(feature = "client")]
    pub(crate) fn has_no_way_to(&self, to: SocketAddr) -> bool {
        let tried = self.udp(to).and_then(|socket| SockRef::from(&socket).connect(&to.into()));
        tried.is_err_and(|error| error.kind() == io::ErrorKind::NetworkUnreachable)
    }

    /// Opens a socket for what is to be asked first.
    pub(crate) fn udp(&self, to: SocketAddr) -> io::Result<UdpSocket> {
        let socket = open(self.addr(to)?)?;
        if let Some(interface) = &self.interface {
            bind_to(&socket, interface).map_err(|error| named(interface, &error))?;
        }
        Ok(socket)
    }

    /// Connects.
    pub(crate) async fn tcp(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let socket = match Family::of(to) {
            Family::V4 => TcpSocket::new_v4()?,
            Family::V6 => TcpSocket::new_v6()?,
        };
        if let Some(interface) = &self.interface {
            bind_to(&socket, interface).map_err(|error| named(interface, &error))?;
        }
        if self.ip.is_some() {
            socket.bind(self.addr(to)?)?;
        }
        socket.connect(to).await
    }

    fn addr(&self, to: SocketAddr) -> io::Result<SocketAddr> {
        let mut from = self.ip.map_or(any(Family::of(to)), |ip| SocketAddr::new(ip, 0));
        if let Some(interface) = &self.interface {
            from = link::on(from, interface)?;
        } else if let (SocketAddr::V6(from), SocketAddr::V6(to)) = (&mut from, to) {
            from.set_scope_id(to.scope_id());
        }
        Ok(from)
    }
}

fn named(interface: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("interface `{}`: {error}", escaped(interface)))
}
