//! What must never happen, by name, and the record of what did.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use turn_balance::internals::wire::{Request, Response, stun};

/// An invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// No panic.
    NoPanic,
    /// An answer is at most three times its request where no cookie says that the asker is there.
    Amplification,
    /// No answer over 1,232 bytes.
    Size,
    /// No empty answer to a bare request.
    Empty,
    /// A datagram draws one answer at most.
    OneAnswer,
    /// Whom and what a server never answers.
    NeverAnswered,
    /// Two servers exchange two datagrams at most because of one.
    Chain,
    /// No prefix has more answers than its budget.
    Budget,
    /// Who shows who he is, or that he is there, is heard, whatever others send.
    Starved,
    /// A heartbeat draws nothing, or a Pong or Notice that is no longer; only if it is rightly signed. No
    /// configured node draws a Notice.
    Pong,
    /// A server lists what it has a right answer of, for 12 s after that, as that answer had it.
    Listing,
    /// No forged or replayed heartbeat changes anything.
    Heartbeat,
    /// What one superior says of numbers moves none that another hears.
    Numbers,
    /// A check that stays without answer is repeated, but nobody is checked without end; it is signed
    /// with the key that the node has shown.
    Checks,
    /// What heartbeats advertise draws three times their bytes at most, over any minute.
    Hearsay,
    /// What is offered is encoded no more than four times in a row, and every 50 ms then.
    Encoding,
    /// What is wrong is told once, and every ten minutes while it lasts.
    Log,
    /// A leaf names the TURN server beside it while that answers.
    Health,
    /// Who asks not to be chosen is listed by nobody, says so, and is chosen where nobody else lives.
    Draining,
    /// Who is full says so.
    Full,
    /// Whoever is chosen is as near as the nearest.
    Draw,
    /// The client's limits.
    Cannon,
    /// The client sends nothing to a refused address, nor to one that nobody has told it of.
    Scope,
    /// A descent ends in time.
    Timeout,
    /// Whoever stays moves for a reason, and in time.
    Staying,
    /// Nobody is asked or named whom the client's policy leaves out, and the preferred before others.
    Policy,
    /// Whatever is selected was offered.
    Selection,
    /// Tables are bounded.
    Memory,
    /// When all faults have ended, all is well again, in time.
    Recovery,
    /// Everything comes to rest.
    Endless,
}

/// One time that it did.
#[derive(Debug, Clone)]
pub struct Violation {
    pub rule: Rule,
    pub at: Duration,
    pub who: Option<SocketAddr>,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:.3} s", self.rule, self.at.as_secs_f64())?;
        if let Some(who) = self.who {
            write!(f, ", {who}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Reads and judges with the product's own eyes, but without the fault that may be planted there.
pub(crate) fn soberly<T>(look: impl FnOnce() -> T) -> T {
    #[cfg(feature = "faults")]
    let planted = turn_balance::internals::fault::plant(None);
    let seen = look();
    #[cfg(feature = "faults")]
    turn_balance::internals::fault::plant(planted);
    seen
}

/// Ports whose services answer anything.
pub(crate) const LOOPS: [u16; 11] = [7, 17, 19, 53, 123, 137, 161, 389, 1900, 5353, 11211];

/// Whether an address is in the network of a host, with a prefix of so many bits, in any form.
pub(crate) fn is_beside(host: IpAddr, bits: u32, ip: IpAddr) -> bool {
    match (host, ip) {
        (IpAddr::V4(host), IpAddr::V4(ip)) => (host.to_bits() ^ ip.to_bits()) >> (32 - bits) == 0,
        (IpAddr::V6(host), IpAddr::V6(ip)) => (host.to_bits() ^ ip.to_bits()) >> (128 - bits) == 0,
        (IpAddr::V4(_), IpAddr::V6(ip)) => {
            carried(ip).is_some_and(|ip| is_beside(host, bits, ip.into()))
        }
        (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// The IPv4 address that NAT64 or 6to4 sends to.
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let ([0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..]) = ip.segments() else {
        return None;
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

/// Addresses that no list may name: what is no host's, and what is nearer than everybody here.
pub(crate) fn is_forbidden(ip: IpAddr, private: bool) -> bool {
    match ip {
        IpAddr::V4(ip) => is_forbidden_v4(ip, private),
        IpAddr::V6(ip) => match (carried(ip), ip.segments()) {
            (Some(ip), _) => is_forbidden_v4(ip, private),
            (None, [0, 0, 0, 0, 0, 0xffff, ..]) => true, // never unmapped
            (None, [0xfc00..=0xfdff, ..]) => !private,
            (None, [first, ..]) => !(0x2000..0x4000).contains(&first),
        },
    }
}

fn is_forbidden_v4(ip: Ipv4Addr, private: bool) -> bool {
    match ip.octets() {
        [0 | 127 | 224..=255, ..] | [169, 254, ..] => true,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => !private,
        _ => false,
    }
}

/// A datagram as a line of a trace.
pub(crate) fn show(payload: &[u8]) -> String {
    let text = match (Request::decode(payload), Response::decode(payload)) {
        _ if stun::is_stun(payload) => "STUN".into(),
        (Ok(request), _) => format!("{request:?}"),
        (_, Ok(response)) => format!("{response:?}"),
        _ => "of no kind".into(),
    };
    let text: String = text.chars().take(400).collect();
    format!("{} bytes: {text}", payload.len())
}
