//! Sockets that cannot be bound together, and servers of a family that no socket has.

use std::net::{IpAddr, Ipv4Addr};

use super::mistake::Mistake;
use super::place::Place;
use crate::config::model::{Cluster, Net};
use crate::types::{Endpoint, Family, ListenAddr, canonical};

/// What is wrong with where a configuration binds.
pub(super) fn bad_binds(net: &Net, cluster: &Cluster) -> Vec<Mistake> {
    let mut mistakes = overlaps(&net.bind);
    if let Some(port) = cluster.check_bind.filter(|port| *port != 0) {
        mistakes.extend(taken_port(port, &net.bind).or_else(|| shared_port(port, &net.bind)));
    }
    let superiors =
        cluster.superiors.iter().enumerate().map(|(i, addr)| (Place::Superior(i), addr));
    let nodes = cluster.nodes.iter().enumerate().map(|(i, node)| (Place::Node(i), &node.addr));
    let out_of_reach = |(place, endpoint)| out_of_reach(place, endpoint, &net.bind);
    mistakes.extend(superiors.chain(nodes).filter_map(out_of_reach));
    mistakes
}

/// Single addresses whose port a wildcard has already.
fn overlaps(binds: &[ListenAddr]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (i, bind) in binds.iter().enumerate() {
        let (addr, family) = (bind.addr(), Family::of(bind.addr()));
        let covers = |other: &ListenAddr| {
            let other = other.addr();
            other.ip().is_unspecified()
                && other.port() == addr.port()
                && Family::of(other) == family
        };
        if addr.ip().is_unspecified() || addr.port() == 0 {
            continue; // the same wildcard twice is told as that
        }
        if let Some(wildcard) = binds.iter().position(covers) {
            let message = format!("bind address `{bind}` is part of `{}`", binds[wildcard]);
            mistakes.push(Mistake {
                related: Some((Place::Bind(wildcard), "all addresses are taken here")),
                ..Mistake::at(Place::Bind(i), message)
            });
        }
    }
    mistakes
}

/// The checks' sockets are bound to the server's own IP addresses: a port it listens on is taken.
fn taken_port(port: u16, binds: &[ListenAddr]) -> Option<Mistake> {
    let i = binds.iter().position(|bind| bind.addr().port() == port)?;
    let message = format!("check port `{port}` is taken by this server itself");
    Some(Mistake {
        related: Some((Place::Bind(i), "it listens here")),
        ..Mistake::at(Place::CheckBind, message)
    })
}

/// They all have that one port: at a wildcard, and at an address that is part of it, it is the same.
fn shared_port(port: u16, binds: &[ListenAddr]) -> Option<Mistake> {
    let checks_from = |bind: &ListenAddr| {
        let v4 = takes_both(bind, binds).then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        [Some(bind.addr().ip()), v4].into_iter().flatten()
    };
    let wildcards = binds.iter().enumerate().flat_map(|(i, bind)| {
        checks_from(bind).filter(IpAddr::is_unspecified).map(move |ip| (i, ip))
    });
    let is_part = |bind: &ListenAddr, wildcard: IpAddr| {
        let ip = bind.addr().ip();
        !ip.is_unspecified() && ip.is_ipv4() == wildcard.is_ipv4()
    };
    let (wildcard, single) = wildcards
        .into_iter()
        .find_map(|(i, wildcard)| Some((i, binds.iter().find(|bind| is_part(bind, wildcard))?)))?;
    let message = format!(
        "check port `{port}` cannot be bound both at `{}` and at all addresses",
        single.addr().ip()
    );
    Some(Mistake {
        related: Some((Place::Bind(wildcard), "checks leave from all addresses here")),
        hint: Some("leave `check-bind` out to use any port"),
        ..Mistake::at(Place::CheckBind, message)
    })
}

/// A server that no socket can send to.
fn out_of_reach(place: Place, endpoint: &Endpoint, binds: &[ListenAddr]) -> Option<Mistake> {
    let family = match endpoint {
        Endpoint::Addr(addr) => Family::of(canonical(*addr)),
        Endpoint::Name(host, _) if host.contains('%') => Family::V6,
        _ => return None, // what it has is known when it is looked up
    };
    let reaches = |bind: &ListenAddr| {
        Family::of(bind.addr()) == family || (family == Family::V4 && takes_both(bind, binds))
    };
    if binds.is_empty() || binds.iter().any(reaches) {
        return None;
    }
    let hint = match family {
        Family::V4 => "add an IPv4 address to `net.bind`, such as `0.0.0.0:3001`",
        Family::V6 => "add an IPv6 address to `net.bind`, such as `[::]:3001`",
    };
    let message =
        format!("{} `{endpoint}` has an {family} address, and `net.bind` has none", place.role());
    Some(Mistake {
        related: Some((Place::Binds, "none of these")),
        hint: Some(hint),
        ..Mistake::at(place, message)
    })
}

/// Whether it is an IPv6 wildcard that has IPv4 too: unless that has a socket of its own at its port.
fn takes_both(bind: &ListenAddr, binds: &[ListenAddr]) -> bool {
    let addr = bind.addr();
    let v4 = |other: &ListenAddr| other.addr().is_ipv4() && other.addr().port() == addr.port();
    addr.is_ipv6() && addr.ip().is_unspecified() && !binds.iter().any(v4)
}
