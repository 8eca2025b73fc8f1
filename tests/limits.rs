//! What strangers are allowed: how often they may ask, and how much they get.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rand::SeedableRng;
use turn_balance::Rates;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::answer::{
    Answer, Handled, Listing, Responder, Snapshot,
};
use turn_balance::internals::engine::server::auth::{JoinPolicy, Trust};
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::engine::server::incoming::{Incoming, LocalAddr};
use turn_balance::internals::engine::server::limit::{Limiter, LimiterSettings};
use turn_balance::internals::wire::auth::{Key, Keys, Purpose};
use turn_balance::internals::wire::{
    Kind, MAX_ANSWER, Node, PADDED_REQUEST, Ping, Probe, ProbeReply, Request, RequestBody,
    Response, ResponseBody, View,
};

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn leaf(n: u16, v6: bool) -> Node {
    let ip = match v6 {
        false => IpAddr::from([203, 0, 113 + (n >> 8) as u8, n as u8]),
        true => IpAddr::from([0x2001, 0xdb8, n, 0, 0, 0, 0, 1]),
    };
    let (addr, turn) = (SocketAddr::new(ip, 3001), SocketAddr::new(ip, 3478));
    let name = format!("leaf-{n}").parse().ok();
    let rtt = Some(Duration::from_millis(n.into()));
    Node { turn: Some(turn), name, rtt, ..Node::new(addr, Kind::Leaf) }
}

fn snapshot(v4: u16, v6: u16) -> Snapshot {
    let nodes = (1..=v4).map(|n| leaf(n, false)).chain((1..=v6).map(|n| leaf(n, true)));
    let listing = Listing { nodes: nodes.collect(), version: 7, ..Listing::default() };
    Snapshot::new(&listing, &mut Rng::seed_from_u64(1))
}

/// A server at `at`, and the time there.
struct Host {
    responder: Responder,
    snapshot: Snapshot,
    now: Instant,
    id: u32,
}

impl Host {
    fn new(settings: LimiterSettings, snapshot: Snapshot) -> Self {
        let (now, mut rng) = (Instant::now(), Rng::seed_from_u64(2));
        let limiter = Arc::new(Limiter::new(settings, now, &mut rng));
        Self { responder: Responder::new(limiter, rng), snapshot, now, id: 0 }
    }

    fn ask(&mut self, from: SocketAddr, request: &[u8]) -> (Handled, Vec<u8>) {
        let mut out = Answer::default();
        let to = LocalAddr(addr("198.51.100.1:3001"));
        let incoming = Incoming { to: &to, from: &from, bytes: request };
        let handled = self.responder.handle_datagram(&self.snapshot, self.now, incoming, &mut out);
        (handled, out.to_vec())
    }

    /// From another port each time, as clients do.
    fn bare(&mut self, from: SocketAddr) -> (Handled, Vec<u8>) {
        self.id += 1;
        let from = SocketAddr::new(from.ip(), from.port() + self.id as u16);
        self.ask(from, &probe(self.id, Probe::default(), 0))
    }

    /// A cookie for one who asks too often.
    fn cookie(&mut self, from: SocketAddr) -> Vec<u8> {
        loop {
            let (handled, answer) = self.nonce(from, &[]);
            if handled == Handled::Retry {
                let reply = reply(&answer);
                assert!(reply.retry && reply.nodes.is_empty() && reply.nonce == 9);
                return reply.cookie;
            }
        }
    }

    /// How many of `n` requests with a cookie are answered.
    fn bear(&mut self, n: usize, from: SocketAddr, cookie: &[u8]) -> usize {
        (0..n).filter(|_| self.nonce(from, cookie).0 == Handled::Answer).count()
    }

    fn nonce(&mut self, from: SocketAddr, cookie: &[u8]) -> (Handled, Vec<u8>) {
        self.ask(from, &probe(1, Probe { nonce: 9, cookie, ..Probe::default() }, PADDED_REQUEST))
    }

    /// How many of `n` requests are answered, and how many sent away.
    fn count(&mut self, n: usize, from: impl Fn(usize) -> SocketAddr) -> (usize, usize) {
        let all: Vec<_> = (0..n).map(|n| self.nonce(from(n), &[]).0).collect();
        let count = |of| all.iter().filter(|handled| **handled == of).count();
        (count(Handled::Answer), count(Handled::Retry))
    }
}

fn probe(id: u32, probe: Probe, size: usize) -> Vec<u8> {
    Request { id, body: RequestBody::Probe(probe) }.encode(size)
}

fn reply(answer: &[u8]) -> ProbeReply {
    match Response::decode(answer) {
        Ok(Response { body: ResponseBody::Probe(reply), .. }) => reply,
        other => panic!("{other:?}"),
    }
}

proptest! {
    /// Headers counted, for every source that is not exempt.
    #[test]
    fn no_answer_is_three_times_its_request(
        v4 in 0..200u16,
        v6 in 0..200u16,
        size in 0..500usize,
        nonce in prop_oneof![Just(0u64), any::<u64>()],
        names: bool,
        direct: bool,
        from in prop_oneof![Just("192.0.2.1:5000"), Just("[2001:db8::1]:5000")],
        turns in 1..50usize,
    ) {
        let mut host = Host::new(LimiterSettings { places: 64, ..LimiterSettings::default() }, snapshot(v4, v6));
        let view = if direct { View::Subordinates } else { View::Flat };
        let headers = if addr(from).is_ipv4() { 28 } else { 48 };
        for id in 1..=turns as u32 {
            let request = probe(id, Probe { nonce, names, view, ..Probe::default() }, size);
            let (handled, answer) = host.ask(addr(from), &request);
            prop_assert!(answer.len() <= MAX_ANSWER);
            if handled == Handled::Retry {
                prop_assert!(answer.len() <= request.len());
            }
            if matches!(handled, Handled::Answer | Handled::Retry) {
                prop_assert!(headers + answer.len() <= 3 * (headers + request.len()));
                let reply = reply(&answer);
                let some = reply.nodes.len() + reply.hosts.len() > 0;
                prop_assert!(some || nonce != 0);
                if nonce != 0 && handled == Handled::Answer {
                    prop_assert_eq!(reply.total, u32::from(v4) + u32::from(v6));
                    prop_assert!(reply.nodes.iter().all(|node| node.rtt.is_none()
                        || node.rtt == leaf_like(node).rtt.map(Node::rtt_on_wire)));
                }
            } else {
                prop_assert!(answer.is_empty());
            }
        }
    }
}

/// The leaf that a node of a list is.
fn leaf_like(node: &Node) -> Node {
    match node.addr.ip() {
        IpAddr::V4(ip) => leaf(u16::from_be_bytes([ip.octets()[2] - 113, ip.octets()[3]]), false),
        IpAddr::V6(ip) => leaf(ip.segments()[2], true),
    }
}

#[test]
fn an_address_has_twenty_a_second_and_forty_at_once() {
    let mut host = Host::new(LimiterSettings::default(), snapshot(3, 0));
    let one = |_| addr("192.0.2.1:5000");
    let (answers, retries) = host.count(140, one);
    assert_eq!(answers, 40);
    assert!((30..70).contains(&retries), "every second of 100: {retries}");
    host.now += Duration::from_secs(1);
    assert_eq!(host.count(100, one).0, 20);
    assert_eq!(host.count(40, |_| addr("192.0.2.2:5000")).0, 40, "its neighbour has its own");
    host.now += Duration::from_secs(60);
    assert_eq!(
        host.count(100, |n| addr(&format!("192.0.2.1:{}", 5000 + n))).0,
        40,
        "whatever port"
    );
}

#[test]
fn networks_have_their_limits_too() {
    let mut host = Host::new(LimiterSettings::default(), snapshot(3, 3));
    let spread = |n| addr(&format!("192.0.2.{}:5000", n % 250));
    assert_eq!(host.count(2000, spread).0, 1280);
    for (bits, at_once) in [("0:0:1", 40), ("0:1:0", 120), ("1:0:0", 400)] {
        let mut host = Host::new(LimiterSettings::default(), snapshot(3, 3));
        // Within a /64, a /56, a /48: the last of these groups that counts differs.
        let from = |n: usize| match bits {
            "0:0:1" => addr(&format!("[2001:db8:0:0::{:x}]:5000", n + 1)),
            "0:1:0" => addr(&format!("[2001:db8:0:{:x}::1]:5000", n % 200)),
            _ => addr(&format!("[2001:db8:0:{:x}00::1]:5000", n % 200)),
        };
        assert_eq!(host.count(1000, from).0, at_once, "{bits}");
    }
}

#[test]
fn the_exempt_are_not_limited_nor_cut_short() {
    let mut host = Host::new(LimiterSettings::default(), snapshot(40, 0));
    assert_eq!(host.count(1000, |_| addr("127.0.0.1:5000")).0, 1000);
    let (_, answer) = host.ask(addr("127.0.0.1:5000"), &probe(1, Probe::default(), 0));
    assert_eq!(reply(&answer).hosts.len(), 40);
    let exempt = vec!["192.0.2.0/24".parse().unwrap()];
    let mut host =
        Host::new(LimiterSettings { exempt, ..LimiterSettings::default() }, snapshot(40, 0));
    assert_eq!(host.count(1000, |_| addr("192.0.2.9:5000")).0, 1000);
    assert_eq!(host.count(1000, |_| addr("127.0.0.1:5000")).0, 40);
    let rates = Rates::default().v4_32(0).v4_24(0);
    let mut host =
        Host::new(LimiterSettings { rates, ..LimiterSettings::default() }, snapshot(40, 0));
    assert_eq!(host.count(5000, |_| addr("192.0.2.9:5000")).0, 5000);
}

#[test]
fn the_bearer_of_a_cookie_has_a_budget_of_its_own_and_long_answers() {
    let mut host = Host::new(LimiterSettings::default(), snapshot(40, 0));
    let from = addr("192.0.2.1:5000");
    let cookie = host.cookie(from);
    assert_eq!(host.bear(1000, from, &cookie), 43, "its first three, and forty at once");
    host.now += Duration::from_secs(1);
    let short = probe(1, Probe { nonce: 9, cookie: &cookie, ..Probe::default() }, 0);
    assert_eq!(reply(&host.ask(from, &short).1).nodes.len(), 40, "it is there, so it may have all");
    let (_, stolen) = host.ask(addr("192.0.2.77:5000"), &short);
    assert!(reply(&stolen).nodes.len() < 10, "another address");
    let (_, stolen) = host.ask(addr("192.0.2.1:5001"), &short);
    assert!(reply(&stolen).nodes.len() < 10, "another port");
    host.now += Duration::from_secs(120);
    assert!(reply(&host.ask(from, &short).1).nodes.len() < 10, "too old");
}

#[test]
fn bearers_behind_one_address_share_ten_times_its_budget() {
    let mut host = Host::new(LimiterSettings::default(), snapshot(40, 0));
    let port = |n: u16| SocketAddr::new([192, 0, 2, 1].into(), 5000 + n);
    let cookies: Vec<_> = (0..30).map(|n| host.cookie(port(n))).collect();
    let each = (0..30).zip(&cookies).map(|(n, cookie)| host.bear(100, port(n), cookie));
    let each: Vec<_> = each.collect();
    assert!(each[..9].iter().all(|answers| *answers == 43), "{each:?}");
    assert_eq!(each.iter().sum::<usize>(), 30 * 3 + 400, "{each:?}");
    assert!(each.iter().all(|answers| *answers >= 3), "nobody is left out: {each:?}");
}

/// A client whose neighbours behind the same NAT ask as often as they can, from `ports` of it.
fn asks_beside_neighbours(ports: u16, rate: usize) -> usize {
    let mut host = Host::new(LimiterSettings::default(), snapshot(40, 0));
    let neighbour = |n: usize| {
        let n = n % usize::from(ports);
        SocketAddr::new([192, 0, 2, 1].into(), 10_000 + n as u16)
    };
    host.count(200, neighbour);
    let cookies: Vec<_> = (0..ports.into()).map(|n| host.cookie(neighbour(n))).collect();
    let (mut asked, mut answered) = (0, 0);
    for descent in 0..12 {
        let me = SocketAddr::new([192, 0, 2, 1].into(), 5000 + descent);
        let mut cookie = Vec::new();
        // As a descent does: a dozen times at most, and three answers are enough.
        let mut answers = 0;
        for _ in 0..12 {
            for _ in 0..rate / 50 {
                asked += 1;
                host.nonce(neighbour(asked), &cookies[asked % usize::from(ports)]);
            }
            match host.nonce(me, &cookie) {
                (Handled::Answer, _) => answers += 1,
                (Handled::Retry, answer) => cookie = reply(&answer).cookie,
                _ => {}
            }
            host.now += Duration::from_millis(20);
        }
        answered += usize::from(answers >= 3);
    }
    answered
}

#[test]
fn neighbours_with_cookies_leave_room_for_a_client_of_the_same_address() {
    assert!(asks_beside_neighbours(1, 10_000) >= 11);
    assert!(asks_beside_neighbours(1000, 10_000) >= 11);
}

#[test]
fn a_bare_request_learns_of_few_hosts_and_of_all_in_turn() {
    let rates = Rates::default().v4_32(0).v4_24(0);
    let mut host =
        Host::new(LimiterSettings { rates, ..LimiterSettings::default() }, snapshot(40, 9));
    let mut seen = BTreeSet::new();
    for _ in 0..40 {
        let (handled, answer) = host.bare(addr("192.0.2.1:5000"));
        assert_eq!(handled, Handled::Answer);
        let hosts = reply(&answer).hosts;
        assert!((1..=3).contains(&hosts.len()), "{hosts:?}");
        seen.extend(hosts);
    }
    assert_eq!(seen.len(), 40, "all, and none of the other family");
}

#[test]
fn over_its_budget_a_bare_request_gets_one_host_one_time_in_four() {
    let mut host = Host::new(LimiterSettings::default(), snapshot(40, 0));
    let from = addr("192.0.2.1:5000");
    assert!((0..40).all(|_| host.bare(from).0 == Handled::Answer));
    let over: Vec<_> = (0..400).map(|_| host.bare(from)).collect();
    let answered: Vec<_> = over.iter().filter(|(handled, _)| *handled == Handled::Answer).collect();
    assert!((70..130).contains(&answered.len()), "{}", answered.len());
    assert!(answered.iter().all(|(_, answer)| reply(answer).hosts.len() == 1));
    assert!(over.iter().any(|(handled, _)| *handled == Handled::Drop(DropReason::Limited)));
}

#[test]
fn full_bare_answers_have_a_budget_of_bytes() {
    let settings = LimiterSettings { bare_bytes: 10_000, ..LimiterSettings::default() };
    let mut host = Host::new(settings, snapshot(40, 0));
    let from = |n: usize| addr(&format!("192.0.2.{n}:5000"));
    let long = (1..100).filter(|&n| reply(&host.bare(from(n)).1).hosts.len() == 40).count();
    let size = host.bare(addr("127.0.0.1:5000")).1.len();
    assert_eq!(long, 10_000 / (size + 3), "the frame is taken for its longest");
    host.now += Duration::from_secs(1);
    assert_eq!(reply(&host.bare(from(100)).1).hosts.len(), 40);

    // Of a list that no answer holds, as many as one holds.
    let settings = LimiterSettings { bare_bytes: 10_000, ..LimiterSettings::default() };
    let mut host = Host::new(settings, snapshot(200, 0));
    assert!(reply(&host.bare(from(1)).1).hosts.len() > 40);
}

#[test]
fn the_same_bare_id_is_answered_once_a_second() {
    let mut host = Host::new(LimiterSettings::default(), snapshot(3, 0));
    let (from, other) = (addr("192.0.2.1:5000"), addr("192.0.2.1:5001"));
    let request = probe(7, Probe::default(), 0);
    let next = probe(8, Probe::default(), 0);
    assert_eq!(host.ask(from, &request).0, Handled::Answer);
    assert_eq!(host.ask(from, &request).0, Handled::Drop(DropReason::Repeated));
    assert_eq!(host.ask(other, &request).0, Handled::Answer);
    host.now += Duration::from_millis(999);
    assert_eq!(host.ask(from, &request).0, Handled::Drop(DropReason::Repeated));
    assert_eq!(host.ask(from, &next).0, Handled::Answer);
    host.now += Duration::from_millis(1000);
    assert_eq!(host.ask(from, &next).0, Handled::Answer);
}

/// An old server that has nothing to offer answers with what it was asked, as far as anybody can
/// tell from the bytes: whatever was forged to begin with, the two must not talk on.
#[test]
fn no_pattern_of_ids_keeps_a_loop_going() {
    for exempt in [vec![], vec!["192.0.2.0/24".parse().unwrap()]] {
        for (ids, trip) in [(1, 0), (1, 1200), (2, 120), (7, 5), (16, 3000), (200, 1)] {
            let limits = LimiterSettings { exempt: exempt.clone(), ..LimiterSettings::default() };
            let mut host = Host::new(limits, snapshot(3, 0));
            let mut going: Vec<u32> = (1..=ids).collect();
            let mut answers = 0;
            for _ in 0..10_000 {
                host.now += Duration::from_millis(trip);
                going.retain(|id| {
                    let old = addr("192.0.2.9:3001");
                    host.ask(old, &probe(*id, Probe::default(), 0)).0 == Handled::Answer
                });
                answers += going.len();
            }
            assert!(going.is_empty() && answers <= 60, "{ids} ids, {trip} ms: {answers}");
        }
    }
}

#[test]
fn too_little_room_for_the_flat_list_is_enough_for_the_direct_one() {
    let node = |n| Node { kind: Kind::Balance, turn: None, ..leaf(n, false) };
    let nodes = (1..=2).map(node).collect();
    let flat = Some((10..40).map(|n| leaf(n, false)).collect());
    let listing = Listing { nodes, flat, ..Listing::default() };
    let snapshot = Snapshot::new(&listing, &mut Rng::seed_from_u64(1));
    let mut host = Host::new(LimiterSettings::default(), snapshot);
    let from = addr("192.0.2.1:5000");
    let mut listed = |size| {
        let request = probe(1, Probe { nonce: 9, ..Probe::default() }, size);
        let reply = reply(&host.ask(from, &request).1);
        (reply.nodes.len(), reply.total)
    };
    assert_eq!(listed(PADDED_REQUEST), (30, 30));
    assert_eq!(listed(0), (2, 2));
}

#[test]
fn a_request_may_be_1280_bytes_long() {
    let mut host = Host::new(LimiterSettings::default(), snapshot(3, 0));
    let from = addr("192.0.2.1:5000");
    let request = |size| probe(1, Probe { nonce: 9, ..Probe::default() }, size);
    assert_eq!(host.ask(from, &request(1280)).0, Handled::Answer);
    assert_eq!(host.ask(from, &request(1281)).0, Handled::Drop(DropReason::TooLong));
}

#[test]
fn a_listed_node_has_a_budget_of_heartbeats_that_its_network_cannot_use_up() {
    let node = |n: u16| SocketAddr::from(([203, 0, 113, n as u8], 3001));
    let listing =
        Listing { node_addrs: (0..200).map(node).collect(), version: 7, ..Listing::default() };
    let snapshot = Snapshot::new(&listing, &mut Rng::seed_from_u64(1));
    let mut host = Host::new(LimiterSettings::default(), snapshot);
    host.count(2000, |n| SocketAddr::new(node(n as u16 % 256).ip(), 5000));
    let body = RequestBody::Ping(Ping::default());
    let heartbeat = Request { id: 0, body }.encode(0);
    let mut heard = |n, times| {
        let all = (0..times).map(|_| host.ask(node(n), &heartbeat).0);
        all.filter(|handled| matches!(handled, Handled::PeerMessage(_))).count()
    };
    assert!((0..200).all(|n| heard(n, 5) == 5));
    assert_eq!(heard(0, 100), 35);
}

fn signed_by(secret: u8, body: RequestBody) -> Vec<u8> {
    let mut datagram = Request { id: 0, body }.encode(38);
    Key::new(1, &[secret; 32]).sign(Purpose::Ping, &mut datagram, 0);
    datagram
}

#[test]
fn tags_are_judged_before_anybody_is_charged_and_not_without_bound() {
    let keys = Keys::new([Key::new(1, &[1; 32])]);
    let join = Some(JoinPolicy { max_nodes: 9, prefixes: [].into() });
    let trust = Trust { keys, require: true, join };
    let listing = Listing { trust, version: 7, ..Listing::default() };
    let snapshot = Snapshot::new(&listing, &mut Rng::seed_from_u64(1));
    let mut host = Host::new(LimiterSettings::default(), snapshot);
    let from = addr("192.0.2.1:3001");
    let [right, wrong] = [1, 0xee].map(|by| signed_by(by, RequestBody::Ping(Ping::default())));
    let passed = |handled: &Handled| matches!(handled, Handled::PeerMessage(_));
    for _ in 0..1000 {
        assert_eq!(host.ask(from, &wrong).0, Handled::Drop(DropReason::WrongTag));
    }
    let heard = (0..100).map(|_| host.ask(from, &right).0).filter(passed).count();
    assert_eq!(heard, 40, "twenty a second, forty at once, of one node");
    let forged: Vec<_> = (0..25_000).map(|_| host.ask(from, &wrong).0).collect();
    assert_eq!(*forged.last().unwrap(), Handled::Drop(DropReason::Limited), "too many to judge");
    host.now += Duration::from_millis(100);
    assert!(passed(&host.ask(addr("192.0.2.2:3001"), &right).0));
}

#[test]
fn other_limits_go_on_where_those_before_were() {
    let mut host = Host::new(LimiterSettings::default(), snapshot(3, 0));
    let first = Limiter::new(LimiterSettings::default(), host.now, &mut Rng::seed_from_u64(3));
    let first = Arc::new(first);
    host.responder.set_limiter(first.clone());
    let [spent, known, fresh] = ["192.0.2.1:5000", "192.0.2.2:5000", "192.0.2.3:5000"].map(addr);
    assert_eq!(host.count(100, |_| spent).0, 40, "20 a second, twice as many at once");
    let cookie = host.cookie(known);
    let mut rates = LimiterSettings::default().rates;
    rates.v4_32 = 5;
    let second = first.reload(LimiterSettings { rates, ..LimiterSettings::default() });
    let second = Arc::new(second);
    host.responder.set_limiter(second.clone());
    assert_eq!(host.count(100, |_| spent).0, 0, "what was taken stays taken");
    assert_eq!(host.count(100, |_| fresh).0, 10, "5 a second");
    assert_eq!(host.bear(1, known, &cookie), 1, "a cookie that was given is good");
    let third = second.reload(LimiterSettings {
        exempt: vec!["192.0.2.0/24".parse().unwrap()],
        ..LimiterSettings::default()
    });
    host.responder.set_limiter(Arc::new(third));
    assert_eq!(host.count(100, |_| spent).0, 100, "who is exempt is not limited");
    host.responder.set_limiter(first);
    assert_eq!(host.count(100, |_| fresh).0, 0, "in the same tables, which take their memory once");
}
