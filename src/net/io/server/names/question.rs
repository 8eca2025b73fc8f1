//! What is asked of a name, of whom, and for how long the answer holds.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::net::io::dns::{self, Lasting, Services};
use crate::net::io::look_up::look_up;
use crate::types::{Endpoint, Family};

/// Where the system has names that count before those of DNS.
const HOSTS: &str = "/etc/hosts";

/// How long an answer holds that does not say so, such as one of the hosts file.
const UNSAID: Duration = Duration::from_secs(60);

/// How long the addresses of one family wait for those of the other: some name servers never answer for IPv6.
const OTHER_FAMILY: Duration = Duration::from_secs(5);

/// What is known of a name.
#[derive(Debug)]
pub(super) enum NameAnswer {
    /// A host has these addresses.
    Host {
        addrs: Vec<SocketAddr>,
        /// Nobody has told whether there are more, of this family.
        untold: Option<Family>,
    },
    /// SRV records name these hosts, each with its port.
    Srv {
        hosts: Vec<Endpoint>,
        /// How many there are.
        found: usize,
    },
}

/// Asks what a name stands for.
pub(super) async fn ask(name: &Endpoint) -> io::Result<Lasting<NameAnswer>> {
    match name {
        Endpoint::Srv(name) => srv(name).await,
        name => host(name).await,
    }
}

async fn srv(name: &str) -> io::Result<Lasting<NameAnswer>> {
    let Lasting { what: Services { services, found }, ttl } = dns::services(name).await?;
    // All count, whatever their priority: servers and superiors are none instead of others.
    let mut hosts: Vec<_> =
        services.into_iter().map(|one| Endpoint::Name(one.host, one.port)).collect();
    hosts.sort_unstable();
    hosts.dedup();
    Ok(Lasting { what: NameAnswer::Srv { hosts, found }, ttl })
}

/// As programs of the system have it by default: the hosts file is first, then DNS; and whoever else the
/// system may ask is asked where DNS has no such name.
async fn host(name: &Endpoint) -> io::Result<Lasting<NameAnswer>> {
    if let Some(found) = name.numeric() {
        return found.map(unsaid);
    }
    let (host, port) = (name.host(), name.port());
    let known = in_hosts_file(host.clone()).await;
    if !known.is_empty() {
        return Ok(unsaid(at(known, port)));
    }
    let [v4, v6] = [Family::V4, Family::V6].map(|family| dns::addresses(&host, family));
    let (v4, v6) = both(v4, v6).await;
    match merge(v4, v6, port) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            look_up(&host, port).await.map(unsaid).map_err(|_| error)
        }
        merged => merged,
    }
}

/// Asks for both families at once.
async fn both<T>(
    v4: impl Future<Output = io::Result<T>>,
    v6: impl Future<Output = io::Result<T>>,
) -> (io::Result<T>, io::Result<T>) {
    let (mut v4, mut v6) = (pin!(v4), pin!(v6));
    tokio::select! {
        v4 = &mut v4 => { let v6 = beside(&v4, v6).await; (v4, v6) }
        v6 = &mut v6 => { let v4 = beside(&v6, v4).await; (v4, v6) }
    }
}

/// Waits for one family, where the other is told of.
async fn beside<T>(
    told: &io::Result<T>,
    other: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let patience = if told.is_ok() { OTHER_FAMILY } else { Duration::MAX };
    timeout(patience, other).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// What is said of both families. One that is not told of has no address or is still to be told; where
/// neither is told of, that nobody knows is what counts.
fn merge(
    v4: io::Result<Lasting<Vec<IpAddr>>>,
    v6: io::Result<Lasting<Vec<IpAddr>>>,
    port: u16,
) -> io::Result<Lasting<NameAnswer>> {
    let is_untold = |error: &io::Error| error.kind() != io::ErrorKind::NotFound;
    let (told, untold) = match (v4, v6) {
        (Ok(mut v4), Ok(v6)) => {
            v4.what.extend(v6.what);
            (Lasting { what: v4.what, ttl: v4.ttl.min(v6.ttl) }, None)
        }
        (Ok(v4), Err(error)) => (v4, is_untold(&error).then_some(Family::V6)),
        (Err(error), Ok(v6)) => (v6, is_untold(&error).then_some(Family::V4)),
        (Err(error), Err(other)) => return Err(if is_untold(&other) { other } else { error }),
    };
    Ok(Lasting { what: NameAnswer::Host { addrs: at(told.what, port), untold }, ttl: told.ttl })
}

fn at(ips: Vec<IpAddr>, port: u16) -> Vec<SocketAddr> {
    ips.into_iter().map(|ip| (ip, port).into()).collect()
}

fn unsaid(addrs: Vec<SocketAddr>) -> Lasting<NameAnswer> {
    Lasting { what: NameAnswer::Host { addrs, untold: None }, ttl: UNSAID }
}

/// On a thread: some have hundreds of thousands of lines.
async fn in_hosts_file(host: String) -> Vec<IpAddr> {
    let read = move || {
        let text = fs::read(HOSTS).unwrap_or_default();
        in_hosts(&String::from_utf8_lossy(&text), &host)
    };
    spawn_blocking(read).await.unwrap_or_default()
}

/// The addresses of all lines that have a host.
fn in_hosts(text: &str, host: &str) -> Vec<IpAddr> {
    let host = host.trim_end_matches('.');
    let addr = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let ip = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(ip)
    };
    text.lines().filter_map(addr).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn lines_of_a_hosts_file() {
        let text = "203.0.113.1 a.example A # b.example\n\n#203.0.113.2 a.example\n\
                    fe80::1%lo0 a.example\n2001:db8::1\tb.example a.EXAMPLE\n203.0.113.3";
        let ips =
            |texts: &[&str]| texts.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        for host in ["a.example", "A.example", "a.example."] {
            assert_eq!(in_hosts(text, host), ips(&["203.0.113.1", "2001:db8::1"]));
        }
        assert_eq!(in_hosts(text, "b.example"), ips(&["2001:db8::1"]));
        assert_eq!(in_hosts(text, "203.0.113.1"), ips(&[]));
    }

    #[test]
    fn one_family_is_not_told_of() {
        let told =
            |ip: &str, ttl: u32| Ok(Lasting { what: vec![ip.parse().unwrap()], ttl: SECOND * ttl });
        let error = |kind: io::ErrorKind| Err(io::Error::from(kind));
        let (none, silent) = (io::ErrorKind::NotFound, io::ErrorKind::TimedOut);
        let merged = |v4, v6| match merge(v4, v6, 3001) {
            Ok(Lasting { what: NameAnswer::Host { addrs, untold }, ttl }) => {
                Ok((addrs.len(), untold, ttl))
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.kind()),
        };
        let (v4, v6) = (|| told("203.0.113.1", 7), || told("2001:db8::1", 5));
        assert_eq!(merged(v4(), v6()), Ok((2, None, SECOND * 5)));
        assert_eq!(merged(v4(), error(none)), Ok((1, None, SECOND * 7)));
        assert_eq!(merged(v4(), error(silent)), Ok((1, Some(Family::V6), SECOND * 7)));
        assert_eq!(merged(error(none), v6()), Ok((1, None, SECOND * 5)));
        assert_eq!(merged(error(silent), v6()), Ok((1, Some(Family::V4), SECOND * 5)));
        assert_eq!(merged(error(none), error(none)), Err(none));
        assert_eq!(merged(error(silent), error(none)), Err(silent));
        assert_eq!(merged(error(none), error(silent)), Err(silent));
    }
}
