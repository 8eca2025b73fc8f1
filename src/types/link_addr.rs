use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::quoted::{ORDERS, escaped};

/// An address with the name of an interface, as `fe80::7%eth0`: which link it is on, the system knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkAddr {
    pub(crate) ip: Ipv6Addr,
    /// Its name, or its number.
    pub(crate) interface: String,
}

impl LinkAddr {
    /// What a host's name means that is such an address.
    pub(crate) fn of(host: &str) -> Option<Self> {
        host.parse::<Self>().ok().filter(|link_addr| link_addr.ip.is_unicast_link_local())
    }
}

impl FromStr for LinkAddr {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ip, interface) = text.split_once('%').ok_or(())?;
        let is_bad = |c: char| c.is_whitespace() || "%/:,".contains(c) || ORDERS.contains(c);
        if interface.is_empty() || interface.contains(is_bad) || escaped(interface) != interface {
            return Err(());
        }
        Ok(Self { ip: ip.parse().map_err(drop)?, interface: interface.to_owned() })
    }
}

impl fmt::Display for LinkAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%{}", self.ip, self.interface)
    }
}
