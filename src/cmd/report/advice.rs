use std::fmt;
use std::io;
use std::net::SocketAddr;

use turn_balance::{
    Endpoint, Error, Family, HttpsFailure, HttpsFault, HttpsRootFault, HttpsUrl, Prefix, Transport,
    TurnFault,
};

/// How many prefixes are named in an advice: more would be somebody's list again.
const MOST_PREFIXES: usize = 4;

/// What to do about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Look at each candidate below these roots.
    Trace(String),
    /// Look at what the servers below these roots do not offer.
    Unoffered(String),
    /// See whether this root answers at all.
    Ping(String),
    /// See whether this TURN server answers at all.
    PingTurn(SocketAddr),
    /// Have the server answer from where it is asked, or ask it where it answers from.
    Elsewhere(SocketAddr),
    /// Let lists lead into these networks.
    Allow(Vec<Prefix>),
    /// Look at what the servers below these roots are labelled with.
    Labels(String),
    /// Name a server: the default one is silent.
    NameServer,
    /// Ask the server where it listens.
    WhereBound,
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
    /// The address is link-local, and its interface is not named, or is not there.
    Interfaces,
    /// What may help with a TURN server.
    Turn(&'static str),
    /// What is there may be a STUN server alone, or a balance server.
    NoTurn(String),
    /// A TURN server may listen by another transport.
    OtherTransport(String),
    /// Its clients are sent to this one.
    Moved(String),
    /// What is asked as a balance server may be a TURN server.
    MayBeTurn(String),
    /// What to do about the file of a secret.
    Key(String),
    /// Look at the certificate of this server.
    Certificate(String),
}

impl Advice {
    /// Of a certificate that is for no server.
    pub(crate) const FOR_SERVERS: &str =
        "sign one for the server: `CA:FALSE`, and `serverAuth` among its purposes if it names any";

    pub(crate) fn on(error: &Error) -> Option<Self> {
        match error {
            Error::Resolve { host, .. } if host.contains('%') => Some(Self::Interfaces),
            Error::Socket { addr, .. } if lacks_interface(*addr) => Some(Self::Interfaces),
            Error::Resolve { host, .. } => Some(Self::LookUp(host.clone())),
            Error::NoRootBy { transport: Transport::Https, .. } => Some(Self::Turn(
                "an https root is named as in `tb probe --transport https https://root.example`",
            )),
            Error::NoAddress { family, .. } => Some(Self::OtherFamily(*family)),
            Error::Socket { addr, source, .. } => Self::on_socket(source.kind(), addr.port()),
            Error::Key(error) => error.hint().map(Self::Key),
            _ => None,
        }
    }

    /// Where a root is silent; `called`: as its user calls it.
    pub(crate) fn on_silence(root: &Endpoint, called: String) -> Self {
        match root {
            Endpoint::Addr(addr) if lacks_interface(*addr) => Self::Interfaces,
            _ => Self::Ping(called),
        }
    }

    /// Where nothing was found by HTTPS.
    pub(crate) fn on_https(why: &HttpsFailure) -> Option<Self> {
        match why {
            HttpsFailure::NoList { roots, .. } => roots.iter().find_map(Self::on_root),
            HttpsFailure::RuledOut { root, .. } => Some(Self::Labels(root.to_string())),
            HttpsFailure::UdpOnly { .. } => Some(Self::Turn(
                "`turn.urls` of their balance servers names what else they take, such as \
                 `turns:turn.example:443?transport=tcp`",
            )),
            _ => None,
        }
    }

    fn on_root(HttpsRootFault { root, fault, .. }: &HttpsRootFault) -> Option<Self> {
        let at = |root: &HttpsUrl| match root.host().contains(':') {
            true => format!("[{}]:{}", root.host(), root.port()),
            false => format!("{}:{}", root.host(), root.port()),
        };
        match fault {
            HttpsFault::LookUp(_) => Some(Self::LookUp(root.host().to_owned())),
            HttpsFault::Connect(TurnFault::Untrusted) => {
                Some(Self::Turn("`--ca-file` names whose signature is to count"))
            }
            HttpsFault::Connect(TurnFault::NotForServers) => Some(Self::Turn(Self::FOR_SERVERS)),
            HttpsFault::Connect(TurnFault::Expired | TurnFault::WrongName | TurnFault::Tls) => {
                Some(Self::Certificate(at(root)))
            }
            HttpsFault::Status { code: 404, .. } | HttpsFault::NoList(_) => Some(Self::Turn(
                "a root by HTTPS is the address of a balance server's `[http]`, without `/v1/servers`",
            )),
            _ => None,
        }
    }

    /// What opens the candidates that are refused; `None`: nothing does.
    pub(crate) fn on_refused(opens: impl IntoIterator<Item = Prefix>) -> Option<Self> {
        let mut prefixes = Vec::new();
        for prefix in opens {
            if !prefixes.contains(&prefix) && prefixes.len() < MOST_PREFIXES {
                prefixes.push(prefix);
            }
        }
        (!prefixes.is_empty()).then_some(Self::Allow(prefixes))
    }

    fn on_socket(error: io::ErrorKind, port: u16) -> Option<Self> {
        match error {
            io::ErrorKind::AddrInUse => Some(Self::PortHeld(port)),
            io::ErrorKind::PermissionDenied if port < 1024 => Some(Self::LowPort(port)),
            io::ErrorKind::AddrNotAvailable => Some(Self::OwnAddresses),
            _ => None,
        }
    }
}

fn lacks_interface(addr: SocketAddr) -> bool {
    matches!(addr, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0)
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trace(roots) => {
                write!(f, "`tb trace --view flat {roots}` shows every candidate")
            }
            Self::Unoffered(roots) => {
                write!(f, "`tb trace {roots}` shows all nodes, and why they are not offered")
            }
            Self::Ping(root) => write!(f, "`tb ping {root}` shows whether it answers at all"),
            Self::PingTurn(turn) => {
                write!(f, "`tb ping stun:{turn}` shows whether it answers at all")
            }
            Self::Elsewhere(from) => write!(
                f,
                "only an answer from the address that was asked counts: ask `{from}`, or bind the \
                 server to its address (`net.bind`)"
            ),
            Self::Allow(prefixes) => {
                let prefixes: Vec<_> = prefixes.iter().map(Prefix::to_string).collect();
                write!(
                    f,
                    "`--allow {}` asks those that are nearer than the root",
                    prefixes.join(",")
                )
            }
            Self::Labels(roots) => write!(
                f,
                "`tb trace --json {roots}` with the same `--require` and `--exclude` shows the `labels` of all"
            ),
            Self::NameServer => f.write_str(
                "name a server, as in `tb probe root.example`, or set `TB_SERVER`: \
                 this machine was asked",
            ),
            Self::WhereBound => f.write_str(
                "name an address of `net.bind`, as in `tb healthcheck 203.0.113.52:3001`, or set `TB_SERVER`",
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
            Self::Turn(advice) => f.write_str(advice),
            Self::NoTurn(server) => write!(
                f,
                "so do a STUN server and a balance server: `tb ping {server}` asks for the second"
            ),
            Self::OtherTransport(url) => write!(
                f,
                "it may listen by another transport, as in `tb ping '{url}'`, or at another port"
            ),
            Self::Moved(url) => write!(f, "`tb ping '{url}'` asks that one"),
            Self::MayBeTurn(server) => {
                write!(f, "if that is a TURN server: `tb ping turn:{server}` checks it")
            }
            Self::Key(advice) => f.write_str(advice),
            Self::Certificate(server) => {
                write!(f, "`openssl s_client -connect {server}` shows it")
            }
            Self::Interfaces => f.write_str(
                "a link-local address has its interface behind it, as in `fe80::7%eth0`: `ip link` \
                 shows which there are",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(errno: i32, port: u16) -> Option<Advice> {
        Advice::on_socket(io::Error::from_raw_os_error(errno).kind(), port)
    }

    #[test]
    fn advice_only_where_it_helps() {
        assert_eq!(advice(libc::EADDRINUSE, 3001), Some(Advice::PortHeld(3001)));
        assert_eq!(advice(libc::EACCES, 80), Some(Advice::LowPort(80)));
        assert_eq!(advice(libc::EACCES, 3001), None);
        assert_eq!(advice(libc::EADDRNOTAVAIL, 3001), Some(Advice::OwnAddresses));
        assert_eq!(Advice::on(&Error::NoRoots), None);
    }

    #[test]
    fn a_silent_root_may_be_on_a_link_that_is_not_named() {
        for (root, expected) in [
            ("fe80::7", Advice::Interfaces),
            ("[fe80::7%1]:3001", Advice::Ping("it".to_owned())),
            ("root.example", Advice::Ping("it".to_owned())),
        ] {
            assert_eq!(Advice::on_silence(&root.parse().unwrap(), "it".to_owned()), expected);
        }
    }

    #[test]
    fn what_is_refused_is_told_with_what_opens_it() {
        let prefixes = |texts: &[&str]| -> Vec<Prefix> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let on = |texts: &[&str]| Advice::on_refused(prefixes(texts));
        assert_eq!(on(&[]), None);
        assert_eq!(
            on(&["192.0.2.0/24", "2001:db8::/64", "192.0.2.0/24"]).unwrap().to_string(),
            "`--allow 192.0.2.0/24,2001:db8::/64` asks those that are nearer than the root"
        );
        let many: Vec<_> = (0..9).map(|n| format!("10.0.{n}.0/24")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(on(&many), on(&many[..MOST_PREFIXES]));
    }

    #[tokio::test]
    async fn an_interface_that_is_missing_is_told() {
        let endpoint: Endpoint = "fe80::1%no-such".parse().unwrap();
        let error = endpoint.resolve(None).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot look up `fe80::1%no-such`");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "there is no interface `no-such`");
        assert_eq!(Advice::on(&error), Some(Advice::Interfaces));
    }

    #[tokio::test]
    async fn a_family_too_few_is_told() {
        let endpoint: Endpoint = "192.0.2.1".parse().unwrap();
        let no_address = endpoint.resolve(Some(Family::V6)).await.unwrap_err();
        assert_eq!(
            Advice::on(&no_address).unwrap().to_string(),
            "it may have others: leave `-6` out"
        );
    }
}
