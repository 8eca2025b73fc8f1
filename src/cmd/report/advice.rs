use std::fmt;
use std::io;

use turn_balance::{Error, Family};

/// What to do about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Look at each candidate below these roots.
    Trace(String),
    /// See whether this root answers at all.
    Ping(String),
    /// Name a server: the default one is silent.
    NameServer,
    /// Look the host up by hand.
    LookUp(String),
    /// The host may have addresses of the other family.
    OtherFamily(Family),
    /// Find who holds the port.
    PortHeld(u16),
    /// Such a low port needs a privilege.
    LowPort(u16),
    /// The address may be another machine's.
    OwnAddresses,
}

impl Advice {
    pub(crate) fn on(error: &Error) -> Option<Self> {
        match error {
            Error::Resolve { host, .. } => Some(Self::LookUp(host.clone())),
            Error::NoAddress { family, .. } => Some(Self::OtherFamily(*family)),
            Error::Socket { addr, source, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => Some(Self::PortHeld(addr.port())),
                io::ErrorKind::PermissionDenied if addr.port() < 1024 => {
                    Some(Self::LowPort(addr.port()))
                }
                io::ErrorKind::AddrNotAvailable => Some(Self::OwnAddresses),
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trace(roots) => {
                write!(f, "`tb trace --view flat {roots}` shows every candidate")
            }
            Self::Ping(root) => write!(f, "`tb ping {root}` shows whether it answers at all"),
            Self::NameServer => f.write_str(
                "name a server, as in `tb probe root.example`, or set `TB_SERVER`: \
                 this machine was asked",
            ),
            Self::LookUp(host) => write!(f, "`getent ahosts {host}` shows what the system knows"),
            Self::OtherFamily(family) => {
                let flag = match family {
                    Family::V4 => "-4",
                    Family::V6 => "-6",
                };
                write!(f, "it may have others: leave `{flag}` out")
            }
            Self::PortHeld(port) => {
                write!(f, "`ss -lunp 'sport = :{port}'` shows who holds the port")
            }
            Self::LowPort(port) => write!(
                f,
                "port {port} is below 1024 and needs the capability `cap_net_bind_service`"
            ),
            Self::OwnAddresses => f.write_str("`ip address` shows the addresses of this machine"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn advice(errno: i32, addr: &str) -> Option<Advice> {
        Advice::on(&Error::Socket {
            operation: "listen on",
            addr: addr.parse().unwrap(),
            source: Arc::new(io::Error::from_raw_os_error(errno)),
        })
    }

    #[test]
    fn advice_only_where_it_helps() {
        assert_eq!(advice(libc::EACCES, "0.0.0.0:80"), Some(Advice::LowPort(80)));
        assert_eq!(advice(libc::EACCES, "0.0.0.0:3001"), None);
        assert_eq!(advice(libc::EADDRNOTAVAIL, "203.0.113.1:3001"), Some(Advice::OwnAddresses));
        let no_address = Error::NoAddress { host: "fra.example".to_owned(), family: Family::V6 };
        assert_eq!(
            Advice::on(&no_address).unwrap().to_string(),
            "it may have others: leave `-6` out"
        );
        assert_eq!(Advice::on(&Error::NoRoots), None);
    }
}
