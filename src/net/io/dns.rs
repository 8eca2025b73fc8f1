//! DNS itself: for how long what it says holds, and what SRV records name. The system's resolver tells neither.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::time::timeout;

use crate::types::{Family, check_host};

/// For so long one question is asked, whatever resolv.conf has: by default that is 15 s for a name that has
/// no search list.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many servers of one name are used, as of addresses: an answer over TCP may hold a thousand.
const MOST_SERVICES: usize = 64;

/// What DNS says, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lasting<T> {
    pub(super) what: T,
    pub(super) ttl: Duration,
}

/// The servers that SRV records name (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Services {
    /// Lowest priority first, [`MOST_SERVICES`] at most. What weighs more is no better here: all of one
    /// priority are asked, and what answers soonest is known.
    pub(super) services: Vec<SrvServer>,
    /// How many there are.
    pub(super) found: usize,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SrvServer {
    pub(super) priority: u16,
    pub(super) host: String,
    pub(super) port: u16,
}

/// The addresses of a host, of one family.
///
/// # Errors
/// Of kind `NotFound`: there is none. Any other: nobody knows.
pub(super) async fn addresses(host: &str, family: Family) -> io::Result<Lasting<Vec<IpAddr>>> {
    let (kind, what) = match family {
        Family::V4 => (RecordType::A, "the name has no IPv4 address"),
        Family::V6 => (RecordType::AAAA, "the name has no IPv6 address"),
    };
    let Lasting { what: records, ttl } = look_up(host, kind).await?;
    let ip = |record: &Record| match &record.data {
        RData::A(ip) => Some(IpAddr::from(ip.0)),
        RData::AAAA(ip) => Some(IpAddr::from(ip.0)),
        _ => None,
    };
    match records.iter().filter_map(ip).collect::<Vec<_>>() {
        none if none.is_empty() => Err(not_found(what)),
        what => Ok(Lasting { what, ttl }),
    }
}

/// What the SRV records of a name name.
///
/// # Errors
/// As [`addresses`].
pub(super) async fn services(name: &str) -> io::Result<Lasting<Services>> {
    let Lasting { what: records, ttl } = look_up(name, RecordType::SRV).await?;
    // The target `.` says that there is no such service.
    let service = |record: &Record| match &record.data {
        RData::SRV(srv) if srv.port != 0 && !srv.target.is_root() => {
            let host = srv.target.to_ascii();
            check_host(&host).ok()?;
            Some(SrvServer { priority: srv.priority, host, port: srv.port })
        }
        _ => None,
    };
    let mut services: Vec<_> = records.iter().filter_map(service).collect();
    services.sort_unstable();
    services.dedup();
    let found = services.len();
    services.truncate(MOST_SERVICES);
    match found {
        0 => Err(not_found("its SRV records name no server")),
        _ => Ok(Lasting { what: Services { services, found }, ttl }),
    }
}

/// Asks the name servers of this system, as it is configured at this moment.
async fn look_up(name: &str, kind: RecordType) -> io::Result<Lasting<Vec<Record>>> {
    let name = Name::from_str_relaxed(name).map_err(|_| not_found("it is no name of DNS"))?;
    let resolver = resolver().map_err(|error| {
        // Whoever has another way may go it.
        not_found(&format!("there is no DNS here: {error}"))
    })?;
    let answer = timeout(PATIENCE, resolver.lookup(name, kind)).await;
    let answer = answer.unwrap_or(Err(NetError::Timeout)).map_err(|error| told(kind, &error))?;
    let ttl = answer.answers().iter().map(|record| record.ttl).min().unwrap_or_default();
    Ok(Lasting { what: answer.answers().to_vec(), ttl: Duration::from_secs(ttl.into()) })
}

/// A new one each time: it has no memory, and the system may have got other name servers.
fn resolver() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    let options = builder.options_mut();
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never; // it would be read for IPv4 and IPv6 each
    builder.build()
}

/// What has gone wrong, in words.
fn told(kind: RecordType, error: &NetError) -> io::Error {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => not_found("there is no such name"),
            _ => not_found(&format!("the name has no record of type {kind}")),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => {
            io::Error::other(format!("a name server says: {code}"))
        }
        NetError::Timeout | NetError::NoConnections => {
            io::Error::new(io::ErrorKind::TimedOut, "no name server has answered")
        }
        error => io::Error::other(error.to_string()),
    }
}

fn not_found(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, what)
}
