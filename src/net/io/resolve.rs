//! Names to addresses, by the system's resolver.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::link;
use super::look_up::look_up;
#[cfg(all(feature = "client", feature = "dns"))]
use super::srv;
use crate::error::Error;
use crate::types::{Endpoint, Family, LinkAddr, canonical};

/// How many addresses of one name are used. An answer over UDP has room for some 75 of IPv4 (in the 1,232
/// bytes that resolvers ask for, 16 each), and the services of a cluster seldom have more; one over
/// TCP may hold 4,000, and whoever writes the zone would have all of them asked.
pub(crate) const MOST_ADDRS: usize = 64;

/// How long the addresses of a host wait for SRV records beside them, which most hosts have not.
const SRV_PATIENCE: Duration = Duration::from_secs(1);

/// The addresses of a name that are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// [`MOST_ADDRS`] at most.
    pub(crate) addrs: Vec<SocketAddr>,
    /// How many there are.
    pub(crate) found: usize,
}

impl Endpoint {
    /// All its addresses, of one family or of both, each once, in the resolver's order. A numeric
    /// address needs no look-up.
    ///
    /// # Errors
    /// [`Error::Resolve`], [`Error::NoAddress`], [`Error::Endpoint`].
    pub async fn resolve(&self, family: Option<Family>) -> Result<Vec<SocketAddr>, Error> {
        self.check()?;
        let found = match (self.numeric(), self) {
            (Some(found), _) => found,
            (None, Self::Srv(name)) => named(name).await,
            (None, Self::Domain(host)) => {
                domain(look_up(host, self.port()), named(&format!("_tb._udp.{host}"))).await
            }
            (None, _) => look_up(&self.host(), self.port()).await,
        };
        self.judge(found, family)
    }

    /// What a look-up has found, judged the same way.
    pub(crate) fn judge(
        &self,
        found: io::Result<Vec<SocketAddr>>,
        family: Option<Family>,
    ) -> Result<Vec<SocketAddr>, Error> {
        let failed = |source| Error::Resolve { host: self.host(), source, others: Vec::new() };
        let mut addrs = found.and_then(each_once).map_err(failed)?;
        addrs.retain(|addr| family.is_none_or(|family| Family::of(*addr) == family));
        match (addrs.is_empty(), family) {
            (true, Some(family)) => Err(Error::NoAddress { host: self.host(), family }),
            _ => Ok(addrs),
        }
    }

    /// What a look-up has come to that is awaited no longer.
    pub(crate) fn late(&self) -> Error {
        let source = io::ErrorKind::TimedOut.into();
        Error::Resolve { host: self.host(), source, others: Vec::new() }
    }

    /// What needs no look-up: an address, also one with the name of an interface.
    pub(crate) fn numeric(&self) -> Option<io::Result<Vec<SocketAddr>>> {
        match self {
            Self::Addr(addr) => Some(Ok(vec![*addr])),
            Self::Name(host, port) => {
                let addr = LinkAddr::of(host)?;
                Some(link::number(&addr, *port).map(|addr| vec![addr]))
            }
            Self::Domain(_) | Self::Srv(_) => None,
        }
    }

    /// As many of its addresses as are used: the same ones whatever order they come in.
    ///
    /// # Errors
    /// As [`Endpoint::resolve`].
    #[cfg(feature = "client")]
    pub(crate) async fn resolve_some(&self, family: Option<Family>) -> Result<Resolved, Error> {
        self.resolve(family).await.map(Resolved::from)
    }
}

impl From<Vec<SocketAddr>> for Resolved {
    fn from(addrs: Vec<SocketAddr>) -> Self {
        Self { found: addrs.len(), addrs: first_of_each_family(addrs, MOST_ADDRS) }
    }
}

/// What SRV records name, the lowest priority first.
async fn named(name: &str) -> io::Result<Vec<SocketAddr>> {
    #[cfg(all(feature = "client", feature = "dns"))]
    return srv::find(name).await.map(|groups| groups.concat());
    #[cfg(not(all(feature = "client", feature = "dns")))]
    Err(without_dns(name))
}

/// What looks for SRV records has not been built in.
#[cfg(not(all(feature = "client", feature = "dns")))]
pub(crate) fn without_dns(name: &str) -> io::Error {
    let what = format!("the SRV records `{name}` are looked up with the feature `dns` alone");
    io::Error::new(io::ErrorKind::Unsupported, what)
}

/// What SRV records name, and behind that the host itself, which waits for them only so long.
async fn domain(
    host: impl Future<Output = io::Result<Vec<SocketAddr>>>,
    named: impl Future<Output = io::Result<Vec<SocketAddr>>>,
) -> io::Result<Vec<SocketAddr>> {
    let (mut host, mut named) = (pin!(host), pin!(named));
    tokio::select! {
        named = &mut named => match (named, host.await) {
            (Ok(named), host) => Ok([named, host.unwrap_or_default()].concat()),
            (Err(_), host) => host,
        },
        host = &mut host => match host {
            Err(error) => named.await.map_err(|_| error),
            Ok(host) => {
                let named = timeout(SRV_PATIENCE, named).await.unwrap_or(Ok(Vec::new()));
                Ok([named.unwrap_or_default(), host].concat())
            }
        },
    }
}

/// Addresses as they are written elsewhere, if there are any.
fn each_once(found: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    let mut addrs = Vec::new();
    for addr in found {
        let addr = canonical(addr);
        if !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }
    if addrs.is_empty() {
        return Err(no_address());
    }
    Ok(addrs)
}

/// The least of some addresses, half of them of each family where both have so many.
fn first_of_each_family(mut addrs: Vec<SocketAddr>, most: usize) -> Vec<SocketAddr> {
    if addrs.len() > most {
        addrs.sort_unstable();
        let (mut v4, mut v6): (Vec<_>, Vec<_>) = addrs.into_iter().partition(SocketAddr::is_ipv4);
        v4.truncate(most - v6.len().min(most / 2));
        v6.truncate(most - v4.len());
        addrs = [v4, v6].concat();
    }
    addrs
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_many_does_not_depend_on_their_order() {
        let v4 = |n: u16| SocketAddr::from(([192, 0, 2, n as u8], n));
        let v6 = |n: u16| SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, n], 3001));
        let kept = |addrs: &[SocketAddr]| first_of_each_family(addrs.to_vec(), 4);
        let some = [v4(3), v6(1), v4(1), v4(2)];
        assert_eq!(kept(&some), some, "as the resolver has them");
        let many = [v4(5), v4(3), v6(1), v4(1), v4(2)];
        assert_eq!(kept(&many), [v4(1), v4(2), v4(3), v6(1)]);
        let both: Vec<_> = (1..9).rev().flat_map(|n| [v4(n), v6(n)]).collect();
        assert_eq!(kept(&both), [v4(1), v4(2), v6(1), v6(2)]);
        let v6s: Vec<_> = (1..9).rev().map(v6).chain([v4(1)]).collect();
        assert_eq!(kept(&v6s), [v4(1), v6(1), v6(2), v6(3)]);
    }
}
