//! One check of one URL.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::{timeout, timeout_at};

use super::subject::Subject;
use crate::error::Error;
use crate::net::engine::server::turn::Impostor;
use crate::net::engine::turn::CheckPlan;
use crate::net::io::random;
use crate::net::io::source::Source;
use crate::net::io::turn::{self, Carrier, CheckFault, Datagrams, TurnRoute};
use crate::types::{Endpoint, ServerUrl, TurnFault, TurnHealth, TurnTransport};

/// How long one answer may take, and how long a connection: a handshake over a bad path and back.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a look-up may take: a resolver asks two servers twice in that time.
const LOOK_UP: Duration = Duration::from_secs(10);

/// How long all of a check may take: less than the period.
const WHOLE: Duration = Duration::from_secs(25);

/// How long a balance server has for its answer; three are awaited, of which one comes.
const PROBE: Duration = Duration::from_millis(500);

/// How many addresses of a host are tried, so that a check ends.
const MOST_ADDRS: usize = 4;

/// Why a URL is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UrlFault {
    /// Its host has no address, and why.
    LookUp(String),
    /// What stands there cannot be used.
    Turn(CheckFault),
    /// This host cannot even try, and why.
    Host(String),
}

impl UrlFault {
    /// One word for it.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::LookUp(_) => "look-up",
            Self::Turn(failed) => failed.fault.as_str(),
            Self::Host(_) => "host",
        }
    }
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LookUp(why) => write!(f, "its host cannot be looked up: {why}"),
            Self::Turn(failed) => write!(f, "it {failed}"),
            Self::Host(why) => write!(f, "it cannot be checked: {why}"),
        }
    }
}

/// Checks a URL. It works if it does at one of its host's addresses, as clients try them all.
pub(super) async fn check(subject: &Subject, url: &ServerUrl) -> Result<(), UrlFault> {
    let silent = Err(UrlFault::Turn(TurnFault::Silent.into()));
    timeout(WHOLE, check_all(subject, url)).await.unwrap_or(silent)
}

async fn check_all(subject: &Subject, url: &ServerUrl) -> Result<(), UrlFault> {
    let mut first = None;
    for addr in addrs(url).await? {
        match check_at(subject, url, subject.reached_at(addr)).await {
            Ok(()) => return Ok(()),
            Err(fault) => first = first.or(Some(fault)),
        }
    }
    Err(first.unwrap_or_else(|| UrlFault::LookUp("it has no address".to_owned())))
}

/// Some of a host's addresses: of each family as many, the resolver's first.
async fn addrs(url: &ServerUrl) -> Result<Vec<SocketAddr>, UrlFault> {
    let endpoint = match url.ip() {
        Some(ip) => Endpoint::from(SocketAddr::new(ip, url.port())),
        None => Endpoint::Name(url.host().to_owned(), url.port()),
    };
    let failed = |error: &dyn std::error::Error| {
        let cause = error.source().map(ToString::to_string);
        UrlFault::LookUp(cause.unwrap_or_else(|| error.to_string()))
    };
    let found = match timeout(LOOK_UP, endpoint.resolve(None)).await {
        Ok(found) => found.map_err(|error| failed(&error))?,
        Err(_) => return Err(failed(&endpoint.late())),
    };
    let (v4, v6): (Vec<_>, Vec<_>) = found.into_iter().partition(SocketAddr::is_ipv4);
    let half = |some: Vec<_>, others: usize| {
        let most = MOST_ADDRS - others.min(MOST_ADDRS / 2);
        some.into_iter().take(most)
    };
    let (v4s, v6s) = (v4.len(), v6.len());
    Ok(half(v4, v6s).chain(half(v6, v4s)).collect())
}

async fn check_at(subject: &Subject, url: &ServerUrl, addr: SocketAddr) -> Result<(), UrlFault> {
    let ServerUrl::Turn(url) = url else {
        let Some(roots) = &subject.roots else {
            return Err(UrlFault::Turn(TurnFault::Untrusted.into()));
        };
        let source = Source::default();
        let greeted = timeout(PATIENCE, turn::greet(addr, &source, url.host(), roots)).await;
        let greeted = greeted.unwrap_or(Err(TurnFault::Silent.into()));
        return greeted.map_err(UrlFault::Turn);
    };
    let carrier = match (url.transport(), url.is_secure(), &subject.roots) {
        (TurnTransport::Udp, _, _) => Carrier::Udp,
        (TurnTransport::Tcp, false, _) => Carrier::Tcp,
        (TurnTransport::Tcp, true, Some(roots)) => {
            Carrier::Tls { host: url.host().to_owned(), roots: roots.clone() }
        }
        (TurnTransport::Tcp, true, None) => {
            return Err(UrlFault::Turn(TurnFault::Untrusted.into()));
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let plan = CheckPlan {
        level: subject.level,
        credentials: subject.login.as_ref().map(|login| login.credentials(now.as_secs())),
        patience: PATIENCE,
        reliable: false,
    };
    let route = TurnRoute { addr, carrier, source: Source::default() };
    let host = |error: Error| UrlFault::Host(error.to_string());
    let checked = turn::check(&route, plan, random::rng().map_err(host)?, |_| {}).await;
    checked.map_err(UrlFault::Turn)?;
    match (&route.carrier, subject.level) {
        (Carrier::Udp, TurnHealth::Binding) if is_balance_server(addr).await.map_err(host)? => {
            Err(UrlFault::Turn(TurnFault::Balance.into()))
        }
        _ => Ok(()),
    }
}

/// Whether what answers STUN there is a balance server: no TURN server answers a probe.
async fn is_balance_server(addr: SocketAddr) -> Result<bool, Error> {
    let (mut impostor, mut rng) = (Impostor::default(), random::rng()?);
    // What a socket says here, it has said to the check.
    let Ok(mut socket) = Datagrams::open(addr, &Source::default()) else { return Ok(false) };
    while let Some(probe) = impostor.ask(Instant::now(), &mut rng) {
        let until = Instant::now() + PROBE;
        if socket.send(&probe).is_err() {
            break;
        }
        while let Ok(Ok(answer)) = timeout_at(until.into(), socket.receive()).await {
            if impostor.handle_datagram(&answer) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_word_and_a_sentence() {
        let ended = CheckFault { expired: Some(1_790_812_800), ..TurnFault::Expired.into() };
        let word = "certificate-expired";
        for (fault, word, sentence) in [
            (UrlFault::LookUp("no".into()), "look-up", "its host cannot be looked up: no"),
            (UrlFault::Host("no".into()), "host", "it cannot be checked: no"),
            (UrlFault::Turn(ended), word, "it shows a certificate that expired on 2026-10-01"),
            (UrlFault::Turn(TurnFault::Closed.into()), "closed", "it does not listen at its port"),
        ] {
            assert_eq!((fault.as_str(), fault.to_string().as_str()), (word, sentence));
        }
    }
}
