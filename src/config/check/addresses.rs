//! Addresses that nobody can use, that are this server's own, or that stand there twice.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::mistake::Mistake;
use super::place::Place;
use crate::config::model::{Cluster, Config, NodeEntry};
use crate::types::{Endpoint, check_host};

/// Where port 0 may stand.
pub(in crate::config) const PORT_ZERO: &str = "port 0 stands for any port in `net.bind` only";

/// What is wrong with the addresses of a configuration that binds there.
pub(super) fn bad_addresses(config: &Config, binds: &[Endpoint]) -> Vec<Mistake> {
    let mut seen = BTreeMap::new();
    let mistake = |(place, endpoint)| {
        unusable(place, &endpoint)
            .or_else(|| this_server(place, &endpoint, config, binds))
            .or_else(|| repeated(place, endpoint, config, &mut seen))
    };
    let mistakes = addresses(config).into_iter().filter_map(mistake);
    mistakes.chain(described(&config.cluster)).collect()
}

/// What SRV records name, and more is said of than they say.
fn described(cluster: &Cluster) -> impl Iterator<Item = Mistake> {
    let is_described = |node: &NodeEntry| {
        let more = node.public.is_some() || node.name.is_some() || node.turn.is_some();
        matches!(node.addr, Endpoint::Srv(_)) && more
    };
    let nodes = cluster.nodes.iter().enumerate().filter(move |(_, node)| is_described(node));
    nodes.map(|(i, node)| {
        let message = "is what SRV records name, which has neither `public`, `name` nor `turn`";
        Mistake::at(Place::Node(i), format!("node `{}` {message}", node.addr))
    })
}

/// A port that checks cannot be sent from.
pub(super) fn bad_check_port(port: u16) -> Option<Mistake> {
    (port == 0).then(|| Mistake {
        hint: Some("leave `check-bind` out to use any port"),
        ..Mistake::at(Place::CheckBind, "check port `0` is no port".into())
    })
}

/// Every address of a configuration, written the one way that compares.
fn addresses(config: &Config) -> Vec<(Place, Endpoint)> {
    let Config { net, cluster, turn, .. } = config;
    let canonical = |endpoint: &Endpoint| match endpoint {
        Endpoint::Addr(addr) => Endpoint::from(*addr),
        // The names of interfaces are as they are written.
        Endpoint::Name(host, port) if host.contains('%') => Endpoint::Name(host.clone(), *port),
        Endpoint::Name(host, port) => Endpoint::Name(host.to_ascii_lowercase(), *port),
        Endpoint::Domain(host) => Endpoint::Name(host.to_ascii_lowercase(), endpoint.port()),
        Endpoint::Srv(name) => Endpoint::Srv(name.to_ascii_lowercase()),
    };
    let mut addresses = Vec::new();
    for (i, bind) in net.bind.iter().enumerate() {
        addresses.push((Place::Bind(i), bind.endpoint()));
    }
    for (i, superior) in cluster.superiors.iter().enumerate() {
        addresses.push((Place::Superior(i), canonical(superior)));
    }
    for (i, node) in cluster.nodes.iter().enumerate() {
        addresses.push((Place::Node(i), canonical(&node.addr)));
        addresses.extend(node.public.map(|addr| (Place::Public(i), Endpoint::from(addr))));
    }
    addresses.extend(cluster.advertise.map(|addr| (Place::Advertise, Endpoint::from(addr))));
    for (i, addr) in turn.bind.iter().enumerate() {
        addresses.push((Place::Turn(i), Endpoint::from(*addr)));
    }
    for (i, addr) in turn.check.iter().enumerate() {
        addresses.push((Place::TurnCheck(i), Endpoint::from(*addr)));
    }
    addresses
}

/// An address that nobody can send to, or listen on.
fn unusable(place: Place, endpoint: &Endpoint) -> Option<Mistake> {
    let (ip, port) = match endpoint {
        Endpoint::Addr(addr) => (Some(addr.ip()), addr.port()),
        name => match check_host(&name.host()) {
            Ok(()) => (None, name.port()),
            Err(error) => return Some(Mistake::at(place, error.to_string())),
        },
    };
    let (fault, hint) = match ip {
        Some(ip) if ip.is_unspecified() && !place.is_bind() => {
            ("is unspecified", Some("write the address that others reach it at"))
        }
        Some(IpAddr::V6(ip)) if needs_link(place, ip, endpoint) => (
            "is link-local, and names no interface",
            Some("write it behind the address: `[fe80::7%eth0]:3001`"),
        ),
        Some(ip) if ip.is_multicast() => ("is a multicast address", None),
        Some(IpAddr::V4(ip)) if ip.is_broadcast() => ("is the broadcast address", None),
        _ if port == 0 && !place.is_bind() => ("has port 0", Some(PORT_ZERO)),
        _ => return None,
    };
    let message = format!("{} `{endpoint}` {fault}", place.role());
    Some(Mistake { hint, ..Mistake::at(place, message) })
}

/// Whether it is one of many links' that this server would have to send to, or listen on.
fn needs_link(place: Place, ip: Ipv6Addr, endpoint: &Endpoint) -> bool {
    let has_link = matches!(endpoint, Endpoint::Addr(SocketAddr::V6(addr)) if addr.scope_id() != 0);
    let is_used = matches!(place, Place::Bind(_) | Place::Superior(_) | Place::Node(_));
    is_used && ip.is_unicast_link_local() && !has_link
}

/// A superior or node that would be this server talking to itself, or a TURN server that is none.
fn this_server(
    place: Place,
    endpoint: &Endpoint,
    config: &Config,
    binds: &[Endpoint],
) -> Option<Mistake> {
    match place {
        Place::Superior(_) | Place::Node(_) | Place::Turn(_) | Place::TurnCheck(_) => {}
        // A balance server's may be the same behind another NAT.
        Place::Public(node) if config.cluster.nodes[node].turn.is_some() => {}
        _ => return None,
    }
    let i = binds.iter().position(|bind| match (bind, endpoint) {
        (Endpoint::Addr(bind), Endpoint::Addr(addr)) => hears(bind, addr),
        (bind, endpoint) => bind == endpoint,
    })?;
    let message = format!("{} `{endpoint}` is this server itself", place.role());
    Some(Mistake {
        related: Some((Place::Bind(i), "it listens here")),
        ..Mistake::at(place, message)
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
    config: &Config,
    seen: &mut BTreeMap<(bool, Endpoint), Place>,
) -> Option<Mistake> {
    let any_port = matches!(endpoint, Endpoint::Addr(addr) if addr.port() == 0);
    if any_port {
        return None; // a new one each time
    }
    let message = |first: Place| match (first.role(), place.role()) {
        (first, role) if first == role => format!("{role} `{endpoint}` is listed twice"),
        (first, role) => {
            let article = if first.starts_with('a') { "an" } else { "a" };
            format!("{role} `{endpoint}` is also {article} {first}")
        }
    };
    let is_turn = |node: usize| config.cluster.nodes[node].turn.is_some();
    // Apart, for seen from outside a public address may well look like one of this host's.
    let key = (place.is_bind(), endpoint.clone());
    match (*seen.entry(key).or_insert(place), place) {
        (first, _) if first == place => None,
        (Place::Node(node), Place::Public(public)) if node == public => None,
        // What is checked is a TURN server: it may be known as one already.
        (Place::Turn(_) | Place::TurnCheck(_), Place::TurnCheck(_)) => None,
        (Place::Node(node) | Place::Public(node), Place::TurnCheck(_)) if is_turn(node) => None,
        (first, _) => Some(Mistake {
            related: Some((first, "first listed here")),
            ..Mistake::at(place, message(first))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_socket_hears() {
        let addr = |text: &str| text.parse().unwrap();
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
}
