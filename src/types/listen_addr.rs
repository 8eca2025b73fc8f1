use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::canonical::canonical;
use super::endpoint::{Endpoint, parse};
use super::endpoint_error::EndpointError;
use super::link_addr::LinkAddr;

/// Where a server listens: an IP address and a port, of which 0 is any.
///
/// Written `IP:PORT`, IPv6 in brackets; a link-local one with its interface, by name or number.
///
/// ```
/// use turn_balance::ListenAddr;
///
/// let addr: ListenAddr = "[fe80::7%eth0]:3001".parse()?;
/// assert_eq!(addr.interface(), Some("eth0"));
/// assert_eq!(ListenAddr::from(([127, 0, 0, 1], 0)).to_string(), "127.0.0.1:0");
/// # Ok::<(), turn_balance::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenAddr {
    addr: SocketAddr,
    interface: Option<String>,
}

impl ListenAddr {
    /// The address; where the interface has a name, without its number.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The name of the interface, where the address has one.
    pub fn interface(&self) -> Option<&str> {
        self.interface.as_deref()
    }

    /// What others would ask.
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self.link_addr() {
            Some(link_addr) => Endpoint::Name(link_addr.to_string(), self.addr.port()),
            None => Endpoint::Addr(self.addr),
        }
    }

    /// The address with the name of its interface.
    pub(crate) fn link_addr(&self) -> Option<LinkAddr> {
        let SocketAddr::V6(addr) = self.addr else { return None };
        self.interface.clone().map(|interface| LinkAddr { ip: *addr.ip(), interface })
    }
}

impl<T: Into<SocketAddr>> From<T> for ListenAddr {
    fn from(addr: T) -> Self {
        Self { addr: canonical(addr.into()), interface: None }
    }
}

impl FromStr for ListenAddr {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (endpoint, has_port) = parse(text)?;
        let (addr, interface) = match endpoint {
            Endpoint::Addr(addr) => (addr, None),
            name => match LinkAddr::of(&name.host()) {
                Some(LinkAddr { ip, interface }) => ((ip, name.port()).into(), Some(interface)),
                None => return Err(EndpointError::Name(text.to_owned())),
            },
        };
        match has_port {
            true => Ok(Self { addr, interface }),
            false => Err(EndpointError::NoPort(text.to_owned())),
        }
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_can_listen_on() {
        for text in ["0.0.0.0:0", "[::]:3001", "[fe80::1%2]:1", "[fe80::1%eth0]:0"] {
            assert_eq!(text.parse::<ListenAddr>().unwrap().to_string(), text);
        }
        let mapped: ListenAddr = "[::ffff:127.0.0.1]:1".parse().unwrap();
        assert_eq!(mapped, ([127, 0, 0, 1], 1).into());
        for (text, message) in [
            ("127.0.0.1", "`127.0.0.1` has no port"),
            ("fe80::1%eth0", "`fe80::1%eth0` has no port"),
            ("root:1", "`root:1` is a host name, expected an IP address and a port"),
            ("127.0.0.1:x", "`127.0.0.1:x` has a bad port, expected 1 to 65535"),
            ("[::1%eth0]:1", "`[::1%eth0]:1` names an interface, but is not link-local"),
        ] {
            assert_eq!(text.parse::<ListenAddr>().unwrap_err().to_string(), message);
        }
    }
}
