//! TURN servers that nobody can find, or that cannot be checked as is asked.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::mistake::Mistake;
use super::place::{Place, TurnOf};
use crate::config::model::{Cluster, Turn, TurnServer};
use crate::types::{Endpoint, Family, ServerUrl, TurnHealth, TurnTransport, TurnUrl};

/// More URLs of one TURN server than a list of ICE servers should have.
const MAX_URLS: usize = 16;

/// The longest user of a TURN server (RFC 8489, section 14.3).
const MAX_USER: usize = 508;

/// The longest where the server has the time in front of it: 20 digits at most, and a colon.
const MAX_MINTED: usize = MAX_USER - 21;

const USED_BY: &str = "`health = \"allocate\"` and `health = \"relay\"` need it";
const TWO_SCHEMES: &str = "a TURN server's begin with `turn:` or `turns:`";

/// What is wrong with the TURN servers of a configuration.
pub(super) fn bad_turn(turn: &Turn, cluster: &Cluster) -> Vec<Mistake> {
    let mut mistakes = second_of_family(&turn.bind, Place::Turn);
    mistakes.extend(second_of_family(&turn.check, Place::TurnCheck));
    mistakes.extend(bad_checks(turn));
    if let (true, Some(url)) = (turn.bind.is_empty(), turn.server.urls.first()) {
        let message = format!("URL `{url}` is no TURN server's, for `turn.bind` has none");
        mistakes.push(Mistake::at(Place::Url(TurnOf::Leaf, 0), message));
    }
    let health = turn.server.health;
    if turn.bind.is_empty() && health.needs_credentials() {
        let message =
            format!("`health = \"{health}\"` is of no use, for `turn.bind` names no TURN server");
        let hint = Some("`bind` is where clients reach what is checked");
        mistakes.push(Mistake { hint, ..Mistake::at(Place::Health(TurnOf::Leaf), message) });
    }
    mistakes.extend(bad_load(turn));
    let made = turn.bind.iter().map(|bind| TurnUrl::udp(*bind));
    mistakes.extend(bad_keys(TurnOf::Leaf, &turn.server, made.collect()));
    for (i, node) in cluster.nodes.iter().enumerate() {
        let Some(turn) = &node.turn else { continue };
        let addr = match (node.public, &node.addr) {
            (Some(public), _) => Some(public),
            (None, Endpoint::Addr(addr)) => Some(*addr),
            (None, _) => None,
        };
        let made = addr.map(TurnUrl::udp).into_iter();
        mistakes.extend(bad_keys(TurnOf::Node(i), turn, made.collect()));
    }
    mistakes
}

/// A load of what there is not, or of which nobody knows how much that is.
fn bad_load(turn: &Turn) -> Vec<Mistake> {
    let here = |key: &Option<u32>, place| key.map(|_| place);
    let keys = [
        turn.load.as_ref().map(|_| Place::Load),
        here(&turn.capacity, Place::Capacity),
        here(&turn.weight, Place::Weight),
    ];
    match keys {
        [Some(load), None, _] => {
            let hint = Some("add `capacity`, how many it can serve");
            vec![Mistake { hint, ..Mistake::at(load, "`load` has no `capacity`".into()) }]
        }
        [load, capacity, weight] if turn.bind.is_empty() => {
            let of_no_use = |place: Place| {
                let message =
                    format!("{} is of no use, for `turn.bind` names no TURN server", place.role());
                Mistake::at(place, message)
            };
            load.or(capacity).or(weight).map(of_no_use).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// One address a family: whoever asks gets that of its own.
fn second_of_family(addrs: &[SocketAddr], place: fn(usize) -> Place) -> Vec<Mistake> {
    let (mut first, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (i, addr) in addrs.iter().enumerate() {
        let family = Family::of(*addr);
        let before = *first.entry(addr.is_ipv4()).or_insert(i);
        if before != i {
            let role = place(i).role();
            mistakes.push(Mistake {
                related: Some((place(before), "the first one")),
                hint: Some("for another TURN server start another leaf"),
                ..Mistake::at(place(i), format!("{role} `{addr}` is the second of {family}"))
            });
        }
    }
    mistakes
}

/// Where it is to be checked, though it is not there, or not checked.
fn bad_checks(turn: &Turn) -> Vec<Mistake> {
    let mistake = |(i, addr): (usize, &SocketAddr)| {
        let (place, family) = (Place::TurnCheck(i), Family::of(*addr));
        if !turn.bind.iter().any(|bind| Family::of(*bind) == family) {
            let message = format!("check address `{addr}` has no {family} address in `turn.bind`");
            let hint = Some("`bind` is where clients reach what is checked there");
            return Some(Mistake { hint, ..Mistake::at(place, message) });
        }
        (turn.server.health == TurnHealth::None).then(|| Mistake {
            related: Some((Place::Health(TurnOf::Leaf), "nothing is checked")),
            ..Mistake::at(place, format!("check address `{addr}` is of no use"))
        })
    };
    turn.check.iter().enumerate().filter_map(mistake).collect()
}

/// What a leaf's TURN server and one among the nodes can have wrong. `made`: URLs that it has anyway.
fn bad_keys(of: TurnOf, turn: &TurnServer, made: Vec<TurnUrl>) -> Vec<Mistake> {
    let mut mistakes = Vec::from_iter(bad_credentials(of, turn));
    let most = turn.secret_file.as_ref().map_or(MAX_USER, |_| MAX_MINTED);
    mistakes.extend(turn.user.as_deref().and_then(|user| bad_user(of, user, most)));
    mistakes.extend(bad_urls(of, turn, made));
    if turn.ca_file.is_some() {
        let message = match turn.health {
            TurnHealth::None => "`ca-file` is of no use where nothing is checked",
            _ if turn.urls.iter().any(ServerUrl::is_secure) => return mistakes,
            _ => "`ca-file` is of no use without a `turns:` or `https:` URL",
        };
        mistakes.push(Mistake::at(Place::CaFile(of), message.into()));
    }
    mistakes
}

fn bad_credentials(of: TurnOf, turn: &TurnServer) -> Option<Mistake> {
    let user_place = turn.user.as_ref().map(|_| Place::User(of));
    let password_place = turn.password_file.as_ref().map(|_| Place::PasswordFile(of));
    let secret_place = turn.secret_file.as_ref().map(|_| Place::SecretFile(of));
    let health = turn.health;
    if !health.needs_credentials() {
        let place = user_place.or(password_place).or(secret_place)?;
        let message = format!("{} is of no use with `health = \"{health}\"`", place.role());
        return Some(Mistake { hint: Some(USED_BY), ..Mistake::at(place, message) });
    }
    let (place, message, hint) = match (user_place, password_place, secret_place) {
        (_, Some(password), Some(secret)) => {
            return Some(Mistake {
                related: Some((password, "it has this one too")),
                hint: Some("a user has either a password or one made from a secret"),
                ..Mistake::at(secret, "`secret-file` beside `password-file`".into())
            });
        }
        (None, Some(password), None) => (password, "`password-file` has no `user`".into(), None),
        (Some(user), None, None) => (
            user,
            "`user` has no password".into(),
            Some("add `password-file`, or `secret-file` where passwords are made from a secret"),
        ),
        (None, None, None) => (
            Place::Health(of),
            format!("`health = \"{health}\"` needs credentials"),
            Some("add `secret-file`, or `user` and `password-file`"),
        ),
        _ => return None,
    };
    Some(Mistake { hint, ..Mistake::at(place, message) })
}

fn bad_user(of: TurnOf, user: &str, most: usize) -> Option<Mistake> {
    let message = match user {
        "" => "`user` is empty".to_owned(),
        _ if user.len() > most => format!("`user` is longer than {most} bytes"),
        _ if user.contains(char::is_control) => "`user` has a control character".to_owned(),
        _ => return None,
    };
    Some(Mistake::at(Place::User(of), message))
}

fn bad_urls(of: TurnOf, turn: &TurnServer, made: Vec<TurnUrl>) -> Vec<Mistake> {
    let (mut seen, mut mistakes) = (BTreeMap::new(), Vec::new());
    let checked = turn.health != TurnHealth::None;
    for (i, url) in turn.urls.iter().enumerate() {
        let place = Place::Url(of, i);
        let full = url.in_full();
        let before = *seen.entry(full.clone()).or_insert(i);
        let is_dtls = |url: &TurnUrl| url.is_secure() && url.transport() == TurnTransport::Udp;
        let dtls = url.turn().is_some_and(is_dtls);
        let (message, hint, related) = if i == MAX_URLS {
            let message = format!("URL `{url}` is one more than the {MAX_URLS} there may be");
            (message, None, None)
        } else if url.turn().is_some_and(|url| !url.is_turn()) {
            (format!("URL `{url}` is a STUN server's"), Some(TWO_SCHEMES), None)
        } else if url.ip().is_some_and(is_unusable) {
            (format!("URL `{url}` has an address that nobody can reach"), None, None)
        } else if checked && dtls {
            let hint = "leave it out, or set `health = \"none\"`";
            (format!("URL `{url}` means DTLS, which is not checked"), Some(hint), None)
        } else if before != i {
            let first = Some((Place::Url(of, before), "first listed here"));
            (format!("URL `{url}` is listed twice"), None, first)
        } else if full.turn().is_some_and(|full| made.contains(full)) {
            (format!("URL `{url}` is made from the address already"), None, None)
        } else {
            continue;
        };
        mistakes.push(Mistake { hint, related, ..Mistake::at(place, message) });
    }
    mistakes
}

/// An address that is nobody's, or, without its interface, many's.
fn is_unusable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unspecified() || ip.is_multicast() || ip.is_unicast_link_local(),
    }
}
