use std::net::SocketAddr;
use std::time::SystemTime;

use serde::Serialize;
use turn_balance::{TurnDid, TurnEcho, TurnFault, TurnTransport, TurnUrl};

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
    /// Where the server relays, also where that is of no use.
    pub(crate) relayed: Option<SocketAddr>,
    /// Whom it sends its clients to.
    pub(crate) alternate: Option<SocketAddr>,
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
            alternate: echo.alternate,
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

/// Who a check says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginKind {
    /// Nobody.
    Nobody,
    /// A user with a password.
    Password,
    /// A user that is minted from a secret.
    Minted,
}

/// Why a TURN server is of no use.
#[derive(Debug)]
pub(crate) struct TurnProblem<'a> {
    url: &'a TurnUrl,
    login: LoginKind,
    /// The last step of a check that has failed.
    echo: TurnEcho,
    fault: TurnFault,
}

impl<'a> TurnProblem<'a> {
    /// As a check has failed.
    pub(crate) fn new(url: &'a TurnUrl, login: LoginKind, echo: &TurnEcho) -> Self {
        let fault = echo.fault.unwrap_or(TurnFault::Silent);
        Self { url, login, echo: *echo, fault }
    }

    /// Whether it does nothing but say who asks: so do a STUN server and a balance server.
    fn is_deaf_to_turn(&self) -> bool {
        self.fault == TurnFault::Silent && self.echo.did == TurnDid::Allocate
    }

    /// What ends the sentence.
    fn why(&self) -> String {
        let whole = match (self.fault, self.echo.expired) {
            (TurnFault::Silent, _) if self.is_deaf_to_turn() => {
                "it answers Binding but not Allocate"
            }
            (TurnFault::Silent, _) => "no answer comes",
            (TurnFault::Closed, _) => {
                return format!("nothing listens there by {}", transport(self.url));
            }
            (TurnFault::Unreachable, _) => "there is no way to it",
            (TurnFault::NotStun, _) => "what answers there speaks no STUN",
            (TurnFault::NoCredentials, _) => "it demands credentials",
            (TurnFault::WrongCredentials, _) => "the credentials are wrong",
            (TurnFault::OtherRealm, _) => "its realm demands other credentials",
            (TurnFault::Forbidden, _) => "it forbids it, as one that drains does (403)",
            (TurnFault::Moved, _) => {
                let other = self.echo.alternate.map(|addr| format!(", {addr}"));
                return format!("it sends to another server{} (300)", other.unwrap_or_default());
            }
            (TurnFault::Quota, _) => "the user's quota is full (486)",
            (TurnFault::Capacity, _) => "its capacity is full (508)",
            (TurnFault::Unrelayed, _) => "what is sent through it does not come back",
            (TurnFault::UselessAddress, _) => {
                let relayed = self.echo.relayed.map(|addr| format!(", {addr},"));
                return format!(
                    "its relayed address{} is of no use here",
                    relayed.unwrap_or_default()
                );
            }
            (TurnFault::Expired, Some(end)) => {
                return format!("its certificate expired on {}", date(end));
            }
            (TurnFault::Expired, None) => "its certificate has expired",
            (TurnFault::NotYetValid, _) => "its certificate is not valid yet",
            (TurnFault::WrongName, _) => "its certificate is another host's",
            (TurnFault::Untrusted, _) => "nobody trusted has signed its certificate",
            (TurnFault::NotForServers, _) => {
                "its certificate is for no server, such as an authority's own (CA:TRUE)"
            }
            (TurnFault::Tls, _) => "it fails to speak TLS",
            (fault, _) => return format!("it {fault}"),
        };
        whole.to_owned()
    }

    fn advice(&self) -> Option<Advice> {
        let (host, port) = (shown_host(self.url), self.url.port());
        Some(Advice::Turn(match self.fault {
            TurnFault::Silent if self.is_deaf_to_turn() => {
                return Some(Advice::NoTurn(format!("{host}:{port}")));
            }
            TurnFault::Silent => "a firewall may drop what is sent there, or what comes back",
            TurnFault::Closed if is_at_default(self.url) => {
                return Some(Advice::OtherTransport(other_transport(self.url)));
            }
            TurnFault::Closed | TurnFault::NotStun => {
                "TURN is at port 3478, with TLS at 5349, if nobody chose another"
            }
            TurnFault::HungUp => {
                "it may be full, or admit others alone; TLS is spoken by `turns:`, at port 5349"
            }
            TurnFault::NoCredentials => {
                "give some: `--turn-user` with `--turn-password-file`, or `--turn-secret-file`"
            }
            TurnFault::WrongCredentials | TurnFault::OtherRealm => match self.login {
                LoginKind::Minted => {
                    "minted credentials need the server's own secret, and clocks that agree"
                }
                _ => {
                    "it knows this user by another password, or not at all: coturn with \
                     `use-auth-secret` needs `--turn-secret-file`"
                }
            },
            TurnFault::Quota | TurnFault::Capacity => {
                "allocations end with their clients: ask again, or another server"
            }
            TurnFault::Moved if self.echo.alternate.is_some() => {
                return Some(Advice::Moved(self.moved()?));
            }
            TurnFault::Forbidden | TurnFault::Moved => "ask another server",
            TurnFault::Unrelayed => {
                "its relay ports may be behind a firewall: 49152 to 65535 by UDP"
            }
            TurnFault::UselessAddress => match self.echo.relayed {
                Some(relayed) if relayed.port() != 0 && !relayed.ip().is_unspecified() => {
                    "a server behind a NAT has to be told its outer address: coturn's `external-ip`"
                }
                _ => "name the address that it is to relay at: coturn's `relay-ip`",
            },
            TurnFault::NotYetValid => {
                "one of the clocks may be wrong: `date -u` shows that of this host"
            }
            TurnFault::Expired | TurnFault::WrongName | TurnFault::Tls => {
                return Some(Advice::Certificate(format!("{host}:{port}")));
            }
            TurnFault::NotForServers => Advice::FOR_SERVERS,
            TurnFault::Untrusted => "`--turn-ca-file` names whose signature is to count",
            _ => return None,
        }))
    }

    /// The server that clients are sent to, to be checked in the same way.
    fn moved(&self) -> Option<String> {
        let (scheme, transport) = (self.url.scheme(), self.url.transport());
        let query = if self.url.is_secure() || transport == TurnTransport::Udp {
            String::new()
        } else {
            format!("?transport={transport}")
        };
        Some(format!("{scheme}:{}{query}", self.echo.alternate?))
    }
}

/// What a server is reached by, as administrators call it.
fn transport(url: &TurnUrl) -> &'static str {
    match url.transport() {
        TurnTransport::Udp => "UDP",
        _ => "TCP",
    }
}

/// Whether it is asked where such a server is, if nobody chose another port.
fn is_at_default(url: &TurnUrl) -> bool {
    url.port() == if url.is_secure() { 5349 } else { 3478 }
}

/// The same server by another transport.
fn other_transport(url: &TurnUrl) -> String {
    let host = shown_host(url);
    match (url.is_secure(), url.transport()) {
        (true, _) => format!("turn:{host}"),
        (false, TurnTransport::Udp) => format!("turn:{host}?transport=tcp"),
        (false, _) => format!("turn:{host}?transport=udp"),
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
