//! turn-balance's decoders, written by hand, beside prost's, which build.rs generates from
//! proto/balance.proto.
//!
//! Ours are deliberately stricter:
//! - a group is malformed, also where it is unknown (proto3 has none; prost skips it);
//! - a probe with any of the fields 1 to 9 is a reply, and no request;
//! - a request or response without a body is none.
//!
//! And laxer:
//! - text that is no UTF-8, no name or no address is as good as none (proto3 rejects it), so
//!   build.rs makes bytes of strings;
//! - a message that stands where only one may is not merged with the one before: the last one counts,
//!   so it makes them repeated;
//! - `padding` and `auth` are skipped whatever they are, so it leaves them out;
//! - enumerations keep all bits of their number, and one from the future is no error, so it makes
//!   them `uint64`.
//!
//! Everything else is the same, bit for bit.

use std::net::SocketAddr;

use prost::Message;
use turn_balance::internals::wire::{
    self, DecodeError, Kind, RequestBody, ResponseBody, State, View,
};
use turn_balance::{Labels, Load, Name, TurnFault};

use super::messages::{BalanceRequest, BalanceResponse, Host, Notice, Ping, Pong, ProbeReply};

pub(crate) fn run(datagram: &[u8]) {
    request(datagram);
    response(datagram);
}

fn request(datagram: &[u8]) {
    let (ours, theirs) = (wire::Request::decode(datagram), BalanceRequest::decode(datagram));
    let seen = walk(datagram, REQUEST);
    let (id, body) = match (ours, theirs) {
        (Err(DecodeError::Reply), _) => return assert!(seen.reply, "{datagram:02x?}"),
        (Ok(_), _) if seen.reply => panic!("a reply is read as a request: {datagram:02x?}"),
        (Err(DecodeError::Malformed), Ok(_)) => return assert!(seen.group, "{datagram:02x?}"),
        (Err(DecodeError::Malformed), Err(_)) => return,
        (Err(DecodeError::Empty), Ok(BalanceRequest { probe, ping, .. })) => {
            return assert!(probe.is_empty() && ping.is_empty(), "{datagram:02x?}");
        }
        (Ok(wire::Request { id, body }), Ok(theirs)) => {
            assert!(!seen.group && id == theirs.id, "{datagram:02x?}");
            (body, theirs)
        }
        (ours, Err(theirs)) => panic!("{ours:?}, but {theirs}: {datagram:02x?}"),
    };
    match (id, body) {
        (RequestBody::Probe(ours), BalanceRequest { probe, .. }) => {
            let theirs = probe.last().expect("a probe");
            let view = if theirs.view == 1 { View::Subordinates } else { View::Flat };
            let (nonce, names) = (theirs.nonce, theirs.names);
            let extras =
                wire::Extras { urls: theirs.urls, down: theirs.down, labels: theirs.labels };
            let urls_of = packed(&theirs.urls_of, None);
            let cookie = &theirs.cookie;
            assert_eq!(ours, wire::Probe { nonce, cookie, view, names, extras, urls_of });
        }
        (RequestBody::Ping(ours), BalanceRequest { ping, .. }) => {
            let Ping { seq, challenge, version, advertise, name } =
                ping.last().expect("a ping").clone();
            let (advertise, name) = (advertise.last().and_then(host), text(&name));
            assert_eq!(ours, wire::Ping { seq, challenge, version, advertise, name });
        }
    }
}

fn response(datagram: &[u8]) {
    let (ours, theirs) = (wire::Response::decode(datagram), BalanceResponse::decode(datagram));
    let seen = walk(datagram, RESPONSE);
    let (ours, theirs) = match (ours, theirs) {
        (Err(DecodeError::Malformed), Ok(_)) => return assert!(seen.group, "{datagram:02x?}"),
        (Err(DecodeError::Malformed), Err(_)) => return,
        (Err(DecodeError::Empty), Ok(BalanceResponse { probe, pong, notice, .. })) => {
            let none = probe.is_empty() && pong.is_empty() && notice.is_empty();
            return assert!(none, "{datagram:02x?}");
        }
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (ours, theirs) => panic!("{ours:?}, but {theirs:?}: {datagram:02x?}"),
    };
    assert!(!seen.group && ours.id == theirs.id, "{datagram:02x?}");
    match (ours.body, theirs) {
        (ResponseBody::Probe(ours), BalanceResponse { probe, .. }) => {
            assert_eq!(ours, reply(probe.last().expect("a reply")));
        }
        (ResponseBody::Pong(ours), BalanceResponse { pong, .. }) => {
            let Pong { seq, challenge, status, last_seq } = *pong.last().expect("a Pong");
            assert_eq!(ours, wire::Pong { seq, challenge, status, last_seq });
        }
        (ResponseBody::Notice(ours), BalanceResponse { notice, .. }) => {
            let Notice { seq, addr, why } = notice.last().expect("a Notice");
            assert_eq!(ours, wire::Notice { seq: *seq, addr: packed(addr, None), why: *why });
        }
    }
}

/// What prost has read, as ours means it.
fn reply(theirs: &ProbeReply) -> wire::ProbeReply {
    let nibbles = |packed: &[u8]| {
        let nibbles: Vec<_> = packed.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
        nibbles.into_iter().chain(std::iter::repeat(0))
    };
    let told = nibbles(&theirs.rtts).zip(nibbles(&theirs.loads)).zip(nibbles(&theirs.label_of));
    let nodes = theirs.nodes.iter().zip(told).filter_map(|(node, ((rtt, load), set))| {
        let addr = packed(&node.addr, None)?;
        let kind = match kind(node.kind)? {
            Kind::Balance if !node.turn.is_empty() => Kind::Leaf,
            kind => kind,
        };
        let turn = packed(&node.turn, Some(addr)).filter(|_| kind == Kind::Leaf);
        let checker = packed(&node.checker, None).filter(|_| kind == Kind::Turn);
        // The middle of a unit of 16 ms.
        let middle = |units: u8| std::time::Duration::from_millis(u64::from(units) * 16 - 8);
        let rtt = (rtt > 0).then(|| middle(rtt));
        let (name, hops, weight) = (text(&node.name), node.hops, node.weight);
        let load = fourteenths(load);
        let set = usize::from(set).checked_sub(1).filter(|at| *at < 15);
        let labels = set
            .and_then(|at| theirs.label_sets.get(at))
            .map_or_else(Labels::default, |set| labels(set));
        Some(wire::Node { addr, kind, turn, name, hops, rtt, load, weight, checker, labels })
    });
    let down = theirs.down.iter().filter_map(|down| {
        let (addr, kind, name) = (packed(&down.addr, None)?, kind(down.kind)?, text(&down.name));
        let (state, fault) = (state(down.state), TurnFault::from_number(down.fault));
        Some(wire::Down { addr, kind, name, state, fault })
    });
    let urls = theirs.urls.iter().filter_map(|url| String::from_utf8(url.clone()).ok());
    wire::ProbeReply {
        hosts: theirs.hosts.iter().filter_map(host).collect(),
        turn: theirs.turn.last().and_then(host),
        nonce: theirs.nonce,
        cookie: theirs.cookie.clone(),
        retry: theirs.retry,
        nodes: nodes.collect(),
        total: theirs.total,
        name: text(&theirs.name),
        state: state(theirs.state),
        version: theirs.version,
        labels: labels(&theirs.labels),
        load: theirs.load.checked_sub(1).and_then(|percent| Load::new(percent.into(), 100)),
        weight: theirs.weight,
        urls: urls.filter(|url| !url.is_empty()).take(wire::MAX_URLS).collect(),
        fault: TurnFault::from_number(theirs.fault),
        down: down.take(wire::MAX_DOWN).collect(),
    }
}

fn labels(text: &[u8]) -> Labels {
    str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The middle of a fourteenth; the last one ends where a TURN server is full.
fn fourteenths(nibble: u8) -> Option<Load> {
    let step = nibble.checked_sub(1)?;
    let middle = f64::from(step) + 0.5;
    match step {
        13 => Load::new(94.0, 100),
        14 => Load::new(1.0, 1),
        _ => Load::new(middle, 14),
    }
}

fn kind(number: u64) -> Option<Kind> {
    let kinds = [Kind::Balance, Kind::Leaf, Kind::Turn];
    kinds.get(usize::try_from(number).ok()?).copied()
}

fn state(number: u64) -> State {
    let states = [State::Offering, State::Nothing, State::TurnDown, State::Full, State::Draining];
    let state = usize::try_from(number).ok().and_then(|number| states.get(number));
    state.copied().unwrap_or(State::Nothing)
}

fn text(bytes: &[u8]) -> Option<Name> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn host(host: &Host) -> Option<SocketAddr> {
    let ip: std::net::IpAddr = std::str::from_utf8(&host.ip).ok()?.parse().ok()?;
    let port = u16::try_from(host.port).ok().filter(|port| *port > 0)?;
    Some(SocketAddr::new(ip.to_canonical(), port))
}

fn packed(bytes: &[u8], beside: Option<SocketAddr>) -> Option<SocketAddr> {
    let (ip, port) = bytes.split_at_checked(bytes.len().checked_sub(2)?)?;
    let ip = match (<[u8; 4]>::try_from(ip), <[u8; 16]>::try_from(ip)) {
        (Ok(v4), _) => v4.into(),
        (_, Ok(v6)) => std::net::IpAddr::from(v6).to_canonical(),
        _ if ip.is_empty() => beside?.ip(),
        _ => return None,
    };
    let port = u16::from(port[0]) << 8 | u16::from(port[1]);
    (port > 0).then(|| SocketAddr::new(ip, port))
}

/// Which fields of a message are messages.
struct Shape(&'static [(u32, &'static Shape)]);

const PLAIN: &Shape = &Shape(&[]);
const PROBE: &Shape = &Shape(&[]);
const REQUEST: &Shape = &Shape(&[(2, PROBE), (3, &Shape(&[(4, PLAIN)]))]);
const REPLY: &Shape = &Shape(&[(1, PLAIN), (2, PLAIN), (6, PLAIN), (20, PLAIN)]);
const RESPONSE: &Shape = &Shape(&[(2, REPLY), (4, PLAIN)]);

/// What only ours minds.
#[derive(Default)]
struct Seen {
    group: bool,
    /// A field 1 to 9 in a probe.
    reply: bool,
}

/// Looks through a message as far as it can be read, with prost's tools.
fn walk(bytes: &[u8], shape: &Shape) -> Seen {
    let (mut seen, mut rest) = (Seen::default(), bytes);
    let _ = look(&mut rest, shape, std::ptr::eq(shape, REQUEST), &mut seen);
    seen
}

fn look(rest: &mut &[u8], shape: &Shape, request: bool, seen: &mut Seen) -> Option<()> {
    use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
    while !rest.is_empty() {
        let (tag, wire) = decode_key(rest).ok()?;
        seen.group |= matches!(wire, WireType::StartGroup | WireType::EndGroup);
        let below = shape.0.iter().find(|(number, _)| *number == tag);
        match (wire, below) {
            (WireType::LengthDelimited, Some((_, below))) => {
                let len = usize::try_from(decode_varint(rest).ok()?).ok()?;
                let (mut body, after) = rest.split_at_checked(len)?;
                if request && tag == 2 {
                    seen.reply |= is_reply(body);
                }
                look(&mut body, below, false, seen)?;
                *rest = after;
            }
            _ => skip_field(wire, tag, rest, DecodeContext::default()).ok()?,
        }
    }
    Some(())
}

fn is_reply(mut body: &[u8]) -> bool {
    use prost::encoding::{DecodeContext, decode_key, skip_field};
    while let Ok((tag, wire)) = decode_key(&mut body) {
        // Before its value is looked at, but not if that is a field's that ends early.
        let whole = skip_field(wire, tag, &mut body, DecodeContext::default()).is_ok();
        if !whole {
            return false;
        }
        if (1..=9).contains(&tag) {
            return true;
        }
    }
    false
}
