use std::net::SocketAddr;
use std::time::SystemTime;

use serde::Serialize;
use turn_balance::{TurnEcho, TurnFault, TurnUrl};

use super::advice::Advice;
use super::exit::Exit;
use super::ms::Ms;
use super::problem::Problem;

/// What came of one step of the check of a TURN server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct TurnReply {
    pub(crate) seq: u64,
    /// Which step: `binding`, `allocate` or `relay`.
    pub(crate) step: &'static str,
    /// Null where it failed, or was forbidden and so not to be seen.
    pub(crate) rtt_ms: Option<Ms>,
    /// Where the server relays.
    pub(crate) relayed: Option<SocketAddr>,
    /// Why it failed.
    pub(crate) reason: Option<&'static str>,
    /// The rest of a sentence about it.
    #[serde(skip)]
    pub(crate) fault: Option<TurnFault>,
    /// When its certificate ended, in seconds since 1970, where that is why.
    #[serde(skip)]
    pub(crate) expired: Option<u64>,
    /// When that was known, in seconds since 1970.
    pub(crate) timestamp: f64,
}

impl TurnReply {
    pub(crate) fn new(echo: &TurnEcho, now: SystemTime) -> Self {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            seq: echo.seq,
            step: echo.did.as_str(),
            rtt_ms: echo.rtt.map(Ms::from),
            relayed: echo.relayed,
            reason: echo.fault.map(TurnFault::as_str),
            fault: echo.fault,
            expired: echo.expired,
            timestamp: since_1970.as_micros() as f64 / 1e6,
        }
    }

    /// Why it failed: the rest of a sentence about the server.
    pub(crate) fn why(&self) -> Option<String> {
        Some(match (self.fault?, self.expired) {
            (_, Some(end)) => format!("shows a certificate that expired on {}", date(end)),
            (fault, None) => fault.to_string(),
        })
    }
}

/// Why a TURN server is of no use.
#[derive(Debug)]
pub(crate) struct TurnProblem<'a> {
    url: &'a TurnUrl,
    fault: TurnFault,
    /// When its certificate ended, in seconds since 1970.
    expired: Option<u64>,
}

impl<'a> TurnProblem<'a> {
    /// As a check has failed.
    pub(crate) fn new(url: &'a TurnUrl, echo: &TurnEcho) -> Self {
        let fault = echo.fault.unwrap_or(TurnFault::Silent);
        Self { url, fault, expired: echo.expired }
    }

    /// What ends the sentence.
    fn why(&self) -> String {
        match (self.fault, self.expired) {
            (TurnFault::Silent, _) => "no answer comes".to_owned(),
            (TurnFault::Closed, _) => "nothing listens there".to_owned(),
            (TurnFault::Unreachable, _) => "there is no way to it".to_owned(),
            (TurnFault::NotStun, _) => "what answers there speaks no STUN".to_owned(),
            (TurnFault::NoCredentials, _) => "it demands credentials".to_owned(),
            (TurnFault::WrongCredentials, _) => "the credentials are wrong".to_owned(),
            (TurnFault::OtherRealm, _) => "its realm demands other credentials".to_owned(),
            (TurnFault::Forbidden, _) => "it forbids it, as one that drains does (403)".to_owned(),
            (TurnFault::Moved, _) => "it sends to another server (300)".to_owned(),
            (TurnFault::Quota, _) => "the user's quota is full (486)".to_owned(),
            (TurnFault::Capacity, _) => "its capacity is full (508)".to_owned(),
            (TurnFault::Unrelayed, _) => "what is sent through it does not come back".to_owned(),
            (TurnFault::UselessAddress, _) => "its relayed address is of no use here".to_owned(),
            (TurnFault::Expired, Some(end)) => format!("its certificate expired on {}", date(end)),
            (TurnFault::Expired, None) => "its certificate has expired".to_owned(),
            (TurnFault::NotYetValid, _) => "its certificate is not valid yet".to_owned(),
            (TurnFault::WrongName, _) => "its certificate is another host's".to_owned(),
            (TurnFault::Untrusted, _) => "nobody trusted has signed its certificate".to_owned(),
            (TurnFault::Tls, _) => "it fails to speak TLS".to_owned(),
            (fault, _) => format!("it {fault}"),
        }
    }

    fn advice(&self) -> Option<Advice> {
        let (host, port) = (shown_host(self.url), self.url.port());
        Some(Advice::Turn(match self.fault {
            TurnFault::Silent => "a firewall may drop what is sent there, or what comes back",
            TurnFault::Closed | TurnFault::NotStun => {
                "TURN is at port 3478, with TLS at 5349, if nobody chose another"
            }
            TurnFault::NoCredentials => {
                "give some: `--turn-user` with `--turn-password-file`, or `--turn-secret-file`"
            }
            TurnFault::WrongCredentials | TurnFault::OtherRealm => {
                "minted credentials need the server's own secret, and clocks that agree"
            }
            TurnFault::Quota | TurnFault::Capacity => {
                "allocations end with their clients: ask again, or another server"
            }
            TurnFault::Forbidden | TurnFault::Moved => "ask another server",
            TurnFault::Unrelayed => {
                "its relay ports may be behind a firewall: 49152 to 65535 by UDP"
            }
            TurnFault::UselessAddress => {
                "a server behind a NAT has to be told its outer address: coturn's `external-ip`"
            }
            TurnFault::NotYetValid => {
                "one of the clocks may be wrong: `date -u` shows that of this host"
            }
            TurnFault::Expired | TurnFault::WrongName | TurnFault::Tls => {
                return Some(Advice::Certificate(format!("{host}:{port}")));
            }
            TurnFault::Untrusted => "`--turn-ca-file` names whose signature is to count",
            _ => return None,
        }))
    }
}

impl From<TurnProblem<'_>> for Problem {
    fn from(problem: TurnProblem<'_>) -> Self {
        let (host, port) = (shown_host(problem.url), problem.url.port());
        let not = if problem.url.is_turn() { "does not relay" } else { "gives no answer" };
        Self {
            kind: "turn",
            reason: Some(problem.fault.as_str()),
            message: format!("`{host}:{port}` {not}: {}", problem.why()),
            causes: Vec::new(),
            advice: problem.advice(),
            exit: Exit::No,
            roots: Vec::new(),
        }
    }
}

/// A host before a port.
fn shown_host(url: &TurnUrl) -> String {
    match url.host() {
        v6 if v6.contains(':') => format!("[{v6}]"),
        host => host.to_owned(),
    }
}

/// The day of a time in seconds since 1970, as `2026-10-01`.
fn date(seconds: u64) -> String {
    let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}
