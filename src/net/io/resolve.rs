//! Names to addresses, by the system's resolver.

use std::io;
use std::net::SocketAddr;

use super::look_up::look_up;
use crate::error::Error;
use crate::types::{Endpoint, Family};

impl Endpoint {
    /// All its addresses, of one family or of both, each once, in the resolver's order. A numeric
    /// address needs no look-up.
    ///
    /// # Errors
    /// [`Error::Resolve`], [`Error::NoAddress`].
    pub async fn resolve(&self, family: Option<Family>) -> Result<Vec<SocketAddr>, Error> {
        let mut addrs = match self {
            Self::Addr(addr) => vec![*addr],
            Self::Name(host, port) => addrs_of(host, *port)
                .await
                .map_err(|error| Error::Resolve { host: host.clone(), source: error })?,
        };
        addrs.retain(|addr| family.is_none_or(|family| Family::of(*addr) == family));
        match (addrs.is_empty(), family) {
            (true, Some(family)) => Err(Error::NoAddress { host: self.to_string(), family }),
            _ => Ok(addrs),
        }
    }

    /// The first of its addresses.
    ///
    /// # Errors
    /// As [`Endpoint::resolve`].
    pub(crate) async fn resolve_first(&self, family: Option<Family>) -> Result<SocketAddr, Error> {
        let addrs = self.resolve(family).await?;
        let failed = || Error::Resolve { host: self.to_string(), source: no_address() };
        addrs.first().copied().ok_or_else(failed)
    }
}

async fn addrs_of(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let mut addrs = Vec::new();
    for addr in look_up(host, port).await? {
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        if !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }
    if addrs.is_empty() {
        return Err(no_address());
    }
    Ok(addrs)
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}
