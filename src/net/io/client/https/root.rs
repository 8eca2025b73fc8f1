//! A root by HTTPS: it is looked up, connected to and asked.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::document::list;
use super::get::get;
use crate::net::engine::client::streams::CameList;
use crate::net::io::socket::handshake;
use crate::net::io::source::Source;
use crate::net::io::turn::{self, TlsRoots};
use crate::types::{Endpoint, Family, HttpsFault, HttpsUrl, TurnFault};

/// After which the next address of a host is tried, beside those before it (RFC 8305, section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// How many addresses of a host are tried.
const MOST_ADDRS: usize = 8;

/// Asks a root for its list, or for that of a balance server below it.
pub(super) async fn ask(
    root: HttpsUrl,
    below: Option<SocketAddr>,
    family: Option<Family>,
    tls: TlsRoots,
) -> Result<CameList, HttpsFault> {
    let (connection, from, rtt) = connect(&root, family).await?;
    let shaken = turn::shake(root.host(), connection, &tls).await;
    let connection = shaken.map_err(|failed| HttpsFault::Connect(failed.fault))?;
    let path = root.path().trim_end_matches('/');
    let query = below.map(|below| format!("?below={below}")).unwrap_or_default();
    let answer = get(connection, &authority(&root), &format!("{path}/v1/servers{query}")).await?;
    Ok(CameList { from, rtt, list: list(&answer, from, rtt)? })
}

/// The host, and its port if that is none of HTTPS.
fn authority(root: &HttpsUrl) -> String {
    let host = match root.host().contains(':') {
        true => format!("[{}]", root.host()),
        false => root.host().to_owned(),
    };
    if root.port() == 443 { host } else { format!("{host}:{}", root.port()) }
}

/// Connects to the first of a host's addresses that takes it, and tells how long that took.
async fn connect(
    root: &HttpsUrl,
    family: Option<Family>,
) -> Result<(TcpStream, SocketAddr, Duration), HttpsFault> {
    let endpoint = match root.ip() {
        Some(ip) => Endpoint::from(SocketAddr::new(ip, root.port())),
        None => Endpoint::Name(root.host().to_owned(), root.port()),
    };
    let found = endpoint.resolve_some(family).await.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        HttpsFault::LookUp(cause.unwrap_or_else(|| error.to_string()))
    })?;
    let (mut tries, mut fault) = (JoinSet::new(), TurnFault::Unreachable);
    for addr in found.addrs.into_iter().take(MOST_ADDRS) {
        tries.spawn(async move {
            let began = Instant::now();
            let connection =
                Source::default().tcp(addr).await.map_err(|error| turn::fault(&error))?;
            let rtt = handshake::rtt(&connection, began.elapsed());
            Ok((connection, addr, rtt))
        });
        match tokio::time::timeout(NEXT_ADDRESS, tries.join_next()).await {
            Ok(Some(Ok(Ok(connected)))) => return Ok(connected),
            Ok(Some(Ok(Err(why)))) => fault = why,
            _ => {}
        }
    }
    while let Some(ended) = tries.join_next().await {
        match ended {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(why)) => fault = why,
            Err(_) => {}
        }
    }
    Err(HttpsFault::Connect(fault))
}
