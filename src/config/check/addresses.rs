//! What a configuration means, judged as a whole: one piece of code for files and for
//! configurations made by a program.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::{BareAnswers, Cluster, Config};
use crate::net::wire::MAX_ANSWER;
use crate::types::{Endpoint, check_host, unmapped};

/// The most threads that answer at one address: no machine's network feeds more.
const MAX_WORKERS: u16 = 64;

/// What `net.workers` must be.
pub(super) const WORKERS: &str = "a number of workers, expected 1 to 64";

/// Where in a configuration a value stands. The reader of a file knows the text that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// `net.bind` as a whole.
    Binds,
    /// One address of `net.bind`.
    Bind(usize),
    /// `net.workers`.
    Workers,
    /// One of `cluster.superiors`.
    Superior(usize),
    /// The `addr` of one of `cluster.nodes`.
    Node(usize),
    /// The `public` of one of `cluster.nodes`.
    Public(usize),
    /// `cluster.check-bind`.
    CheckBind,
    /// `cluster.advertise`.
    Advertise,
    /// The `id` of one of `cluster.keys`.
    Key(usize),
    /// `cluster.require-auth`.
    RequireAuth,
    /// `cluster.join`.
    Join,
    /// `cluster.max-nodes`.
    MaxNodes,
    /// `turn.bind`.
    Turn,
    /// `limits.bare-bytes`.
    BareBytes,
}

/// Something that is wrong with a configuration.
#[derive(Debug)]
pub(super) struct Problem {
    /// One lower-case sentence.
    pub(super) message: String,
    /// The offender.
    pub(super) place: Place,
    /// Another place that explains it, and what to say there.
    pub(super) related: Option<(Place, &'static str)>,
    /// What to do.
    pub(super) hint: Option<&'static str>,
}

/// Everything that is wrong with a configuration.
pub(super) fn check(config: &Config) -> Vec<Problem> {
    let binds: Vec<_> = config.net.bind.iter().copied().map(unmapped).collect();
    let mut problems = Vec::new();
    let mut seen = BTreeMap::new();

    if binds.is_empty() {
        problems.push(Problem::at(Place::Binds, "`net.bind` names no address".into()));
    }
    for (place, endpoint) in addresses(config) {
        problems.extend(
            unusable(place, &endpoint)
                .or_else(|| this_server(place, &endpoint, &binds))
                .or_else(|| repeated(place, endpoint, &mut seen)),
        );
    }
    let workers = config.net.workers;
    if !(1..=MAX_WORKERS).contains(&workers) {
        problems.push(Problem::at(Place::Workers, format!("`{workers}` is not {WORKERS}")));
    }
    if let Some(port) = config.cluster.check_bind {
        problems.extend(bad_check_port(port, &binds));
    }
    problems.extend(bad_keys(&config.cluster));
    let limits = &config.limits;
    if limits.bare_answers == BareAnswers::Full && (limits.bare_bytes as usize) < MAX_ANSWER {
        let message = format!("`bare-bytes` leaves no room for an answer of {MAX_ANSWER} bytes");
        problems.push(Problem::at(Place::BareBytes, message));
    }
    problems
}

impl Problem {
    fn at(place: Place, message: String) -> Self {
        Self { message, place, related: None, hint: None }
    }
}

impl Place {
    /// What stands there, as messages call it.
    fn role(self) -> &'static str {
        match self {
            Self::Binds | Self::Bind(_) => "bind address",
            Self::Workers => "number of workers",
            Self::Superior(_) => "superior",
            Self::Node(_) => "node",
            Self::Public(_) => "public address",
            Self::CheckBind => "check port",
            Self::Advertise => "advertised address",
            Self::Key(_) => "key",
            Self::RequireAuth => "`require-auth`",
            Self::Join => "`join`",
            Self::MaxNodes => "`max-nodes`",
            Self::Turn => "turn address",
            Self::BareBytes => "`bare-bytes`",
        }
    }

    fn is_bind(self) -> bool {
        matches!(self, Self::Bind(_))
    }
}

/// Every address of a configuration, written the one way that compares.
fn addresses(config: &Config) -> Vec<(Place, Endpoint)> {
    let Config { net, cluster, turn, .. } = config;
    let canonical = |endpoint: &Endpoint| match endpoint {
        Endpoint::Addr(addr) => Endpoint::from(*addr),
        Endpoint::Name(host, port) => Endpoint::Name(host.to_ascii_lowercase(), *port),
    };
    let mut addresses = Vec::new();
    for (i, bind) in net.bind.iter().enumerate() {
        addresses.push((Place::Bind(i), Endpoint::from(*bind)));
    }
    for (i, superior) in cluster.superiors.iter().enumerate() {
        addresses.push((Place::Superior(i), canonical(superior)));
    }
    for (i, node) in cluster.nodes.iter().enumerate() {
        addresses.push((Place::Node(i), canonical(&node.addr)));
        addresses.extend(node.public.map(|addr| (Place::Public(i), Endpoint::from(addr))));
    }
    addresses.extend(cluster.advertise.map(|addr| (Place::Advertise, Endpoint::from(addr))));
    addresses.extend(turn.bind.map(|addr| (Place::Turn, Endpoint::from(addr))));
    addresses
}

/// An address that nobody can send to, or listen on.
fn unusable(place: Place, endpoint: &Endpoint) -> Option<Problem> {
    let (ip, port) = match endpoint {
        Endpoint::Addr(addr) => (Some(addr.ip()), addr.port()),
        Endpoint::Name(host, port) => match check_host(host) {
            Ok(()) => (None, *port),
            Err(error) => return Some(Problem::at(place, error.to_string())),
        },
    };
    let (fault, hint) = match ip {
        Some(ip) if ip.is_unspecified() && !place.is_bind() => {
            ("is unspecified", Some("write the address that others reach it at"))
        }
        Some(ip) if ip.is_multicast() => ("is a multicast address", None),
        Some(IpAddr::V4(ip)) if ip.is_broadcast() => ("is the broadcast address", None),
        _ if port == 0 && !place.is_bind() => {
            ("has port 0", Some("port 0 stands for any port in `net.bind` only"))
        }
        _ => return None,
    };
    let message = format!("{} `{endpoint}` {fault}", place.role());
    Some(Problem { hint, ..Problem::at(place, message) })
}

/// A superior or node that would be this server talking to itself.
fn this_server(place: Place, endpoint: &Endpoint, binds: &[SocketAddr]) -> Option<Problem> {
    let (Place::Superior(_) | Place::Node(_), Endpoint::Addr(addr)) = (place, endpoint) else {
        return None;
    };
    let i = binds.iter().position(|bind| hears(bind, addr))?;
    let message = format!("{} `{endpoint}` is this server itself", place.role());
    Some(Problem {
        related: Some((Place::Bind(i), "it listens here")),
        ..Problem::at(place, message)
    })
}

/// Whether a socket bound there gets what this very host sends to `addr`, as far as can be known
/// without asking for the host's addresses.
fn hears(bind: &SocketAddr, addr: &SocketAddr) -> bool {
    let every_ip = match bind.ip() {
        IpAddr::V4(ip) => ip.is_unspecified() && addr.is_ipv4(),
        IpAddr::V6(ip) => ip.is_unspecified(), // IPv4 too
    };
    bind == addr || (every_ip && addr.ip().is_loopback() && bind.port() == addr.port())
}

/// An address that stands in the configuration already.
fn repeated(
    place: Place,
    endpoint: Endpoint,
    seen: &mut BTreeMap<(bool, Endpoint), Place>,
) -> Option<Problem> {
    let any_port = matches!(endpoint, Endpoint::Addr(addr) if addr.port() == 0);
    if place == Place::Turn || any_port {
        return None; // a TURN server may be a node too, and any port is a new one each time
    }
    let message = |first: Place| match (first.role(), place.role()) {
        (first, role) if first == role => format!("{role} `{endpoint}` is listed twice"),
        (first, role) => format!("{role} `{endpoint}` is also a {first}"),
    };
    // Apart, for seen from outside a public address may well look like one of this host's.
    let key = (place.is_bind(), endpoint.clone());
    match (*seen.entry(key).or_insert(place), place) {
        (first, _) if first == place => None,
        (Place::Node(node), Place::Public(public)) if node == public => None,
        (first, _) => Some(Problem {
            related: Some((first, "first listed here")),
            ..Problem::at(place, message(first))
        }),
    }
}

/// The checks' sockets are bound to the server's own IP addresses: a port it listens on is taken.
fn bad_check_port(port: u16, binds: &[SocketAddr]) -> Option<Problem> {
    if port == 0 {
        return Some(Problem {
            hint: Some("leave `check-bind` out to use any port"),
            ..Problem::at(Place::CheckBind, "check port `0` is no port".into())
        });
    }
    let i = binds.iter().position(|bind| bind.port() == port)?;
    let message = format!("check port `{port}` is taken by this server itself");
    Some(Problem {
        related: Some((Place::Bind(i), "it listens here")),
        ..Problem::at(Place::CheckBind, message)
    })
}

/// Keys that cannot be told apart, and what needs one where there is none.
fn bad_keys(cluster: &Cluster) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut first = BTreeMap::new();
    for (i, key) in cluster.keys.iter().enumerate() {
        let place = Place::Key(i);
        let before = *first.entry(key.id).or_insert(place);
        if i >= MAX_KEYS {
            let message = format!("key `{}` is one more than the three there may be", key.id);
            problems.push(Problem::at(place, message));
        } else if key.id == 0 {
            problems.push(Problem::at(place, "key `0` has no number".into()));
        } else if before != place {
            problems.push(Problem {
                related: Some((before, "first listed here")),
                ..Problem::at(place, format!("key `{}` is listed twice", key.id))
            });
        }
    }
    for (place, set) in [(Place::RequireAuth, cluster.require_auth), (Place::Join, cluster.join)] {
        if set && cluster.keys.is_empty() {
            problems.push(Problem {
                hint: Some("add `keys = [{ id = 1, file = \"balance.key\" }]`"),
                ..Problem::at(place, format!("{} needs a key", place.role()))
            });
        }
    }
    if cluster.max_nodes == 0 {
        problems.push(Problem::at(Place::MaxNodes, "`max-nodes` leaves no room for a node".into()));
    }
    problems
}

/// One that signs, one that comes and one that goes.
const MAX_KEYS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NodeEntry;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// Where the problems of a configuration are that binds there and has these nodes.
    fn places(bind: &str, nodes: &[Endpoint]) -> Vec<(Place, Option<Place>)> {
        let mut config = Config::default();
        config.net.bind = vec![addr(bind)];
        config.cluster.nodes = nodes.iter().cloned().map(NodeEntry::from).collect();
        let problems = check(&config).into_iter();
        problems.map(|problem| (problem.place, problem.related.map(|(place, _)| place))).collect()
    }

    #[test]
    fn the_default_is_sound() {
        assert!(check(&Config::default()).is_empty());
    }

    #[test]
    fn what_a_socket_hears() {
        for (bind, to, expected) in [
            ("127.0.0.1:3001", "127.0.0.1:3001", true),
            ("127.0.0.1:3001", "127.0.0.2:3001", false),
            ("127.0.0.1:3001", "127.0.0.1:3002", false),
            ("0.0.0.0:3001", "127.0.0.2:3001", true),
            ("0.0.0.0:3001", "127.0.0.2:3002", false),
            ("0.0.0.0:3001", "203.0.113.7:3001", false),
            ("0.0.0.0:3001", "[::1]:3001", false),
            ("[::]:3001", "[::1]:3001", true),
            ("[::]:3001", "127.0.0.1:3001", true),
            ("[::1]:3001", "127.0.0.1:3001", false),
        ] {
            assert_eq!(hears(&addr(bind), &addr(to)), expected, "{bind} {to}");
        }
    }

    #[test]
    fn a_program_may_write_an_address_in_ways_that_a_file_cannot() {
        let name = |host: &str| Endpoint::Name(host.into(), 3001);
        let mapped = Endpoint::Addr(addr("[::ffff:127.0.0.1]:3001"));
        for (nodes, expected) in [
            (vec![mapped], (Place::Node(0), Some(Place::Bind(0)))),
            (vec![name("no host")], (Place::Node(0), None)),
            (vec![name("256.1.1.1")], (Place::Node(0), None)),
            (
                vec![name("LEAF.example"), name("leaf.example")],
                (Place::Node(1), Some(Place::Node(0))),
            ),
        ] {
            assert_eq!(places("127.0.0.1:3001", &nodes), [expected], "{nodes:?}");
        }
        let mapped_bind = places("[::ffff:127.0.0.1]:3001", &[addr("127.0.0.1:3001").into()]);
        assert_eq!(mapped_bind, [(Place::Node(0), Some(Place::Bind(0)))]);
    }

    #[test]
    fn the_same_address_may_stand_in_two_places() {
        let mut config = Config::default();
        let node = |node: &str, public: &str| NodeEntry {
            public: Some(addr(public)),
            ..NodeEntry::from(Endpoint::from(addr(node)))
        };
        config.cluster.nodes = vec![
            node("203.0.113.7:3001", "203.0.113.7:3001"),
            node("203.0.113.8:3478", "127.0.0.1:3001"),
        ];
        config.turn.bind = Some(addr("203.0.113.8:3478"));
        assert!(check(&config).is_empty());
    }

    #[test]
    fn a_program_gets_hints_and_no_labels() {
        let mut config = Config::default();
        config.turn.bind = Some(addr("0.0.0.0:3478"));
        config.cluster.check_bind = Some(3001);
        config.net.workers = 65;
        let error = config.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "turn address `0.0.0.0:3478` is unspecified\n\
             `65` is not a number of workers, expected 1 to 64\n\
             check port `3001` is taken by this server itself"
        );
        assert!(error.diagnostics[0].hint.is_some());
        assert!(error.diagnostics.iter().all(|diagnostic| diagnostic.labels.is_empty()));
    }
}
