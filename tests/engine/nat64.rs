//! A client without IPv4, behind a NAT64 or not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::Nat64;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{
    CandidateState, Descent, Failure, Limits, Options, Trace, Verify, View,
};
use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::cascade::{server, turn};
use turn_balance_sim::node;

/// A root of IPv6.
const ROOT: &str = "2001:db8::1";

/// A network's own prefix, with an address in it.
fn behind(ip: &str) -> String {
    format!("2001:db8:64::{ip}")
}

fn nat64() -> Nat64 {
    Nat64::found_in([behind("192.0.0.170").parse().unwrap()])
}

/// What a host says.
#[derive(Clone)]
enum Says {
    /// It lists these.
    List(Vec<Node>),
    /// It is a leaf beside this TURN server.
    Turn(SocketAddr),
    /// It is a TURN server.
    Bound,
}

/// A client that has IPv6 alone, and a translator that leads it to IPv4.
struct Net {
    /// Where hosts are, and how far, in milliseconds.
    hosts: BTreeMap<SocketAddr, (u64, Says)>,
    /// When it is known that there is a NAT64; `None`: nobody looks.
    known: Option<(u64, Nat64)>,
    /// Whether it has no IPv4 at all.
    closed: bool,
    /// What was sent, and when.
    sent: Vec<(u64, SocketAddr)>,
}

impl Net {
    fn new(hosts: &[(SocketAddr, u64, Says)]) -> Self {
        let hosts = hosts.iter().map(|(addr, rtt, says)| (*addr, (*rtt, says.clone()))).collect();
        Self { hosts, known: Some((0, nat64())), closed: true, sent: Vec::new() }
    }

    /// A descent to its end.
    fn descend(&mut self, options: Options, roots: &[SocketAddr]) -> Trace {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut descent = Descent::new(options, roots, start, Rng::seed_from_u64(64));
        let mut known = self.known.clone();
        if known.is_some() {
            descent.seek_nat64(self.closed);
        }
        let (mut now, mut idle, mut answers) = (start, 0, BTreeSet::new());
        loop {
            while let Some(transmit) = descent.poll_transmit(now) {
                if transmit.to.is_ipv4() {
                    descent.handle_unreachable(now, transmit.to);
                    continue;
                }
                self.sent.push(((now - start).as_millis() as u64, transmit.to));
                let end = SocketAddr::new(nat64().end_of(transmit.to.ip()), transmit.to.port());
                let Some((rtt, says)) = self.hosts.get(&end) else { continue };
                if let Some(answer) = answer(says, &transmit.payload) {
                    answers.insert((now + Duration::from_millis(*rtt), transmit.to, answer));
                }
            }
            if let Some(trace) = descent.trace() {
                return trace;
            }
            let timeout = descent.poll_timeout().expect("it is not finished");
            let heard = answers.first().map(|(at, ..)| *at);
            let learned = known.as_ref().map(|(ms, _)| at(*ms));
            let before = now;
            now = [Some(timeout), heard, learned].into_iter().flatten().min().unwrap().max(now);
            if learned.is_some_and(|at| at <= now) {
                descent.handle_nat64(now, known.take().unwrap().1);
            } else if heard.is_some_and(|at| at <= now) {
                let (_, from, bytes) = answers.pop_first().unwrap();
                descent.handle_datagram(now, from, &bytes);
            } else {
                idle = if now > before { 0 } else { idle + 1 };
                assert!(idle < 3, "it spins");
                descent.handle_timeout(now);
            }
        }
    }

    fn sent_to(&self, addr: SocketAddr) -> Vec<u64> {
        self.sent.iter().filter(|(_, to)| *to == addr).map(|(at, _)| *at).collect()
    }
}

fn answer(says: &Says, request: &[u8]) -> Option<Vec<u8>> {
    let reply = match says {
        Says::List(nodes) => ProbeReply { nodes: nodes.clone(), ..ProbeReply::default() },
        Says::Turn(turn) => ProbeReply { turn: Some(*turn), ..ProbeReply::default() },
        Says::Bound => {
            let mut answer = request.to_vec();
            answer.get_mut(..2)?.copy_from_slice(&[1, 1]);
            return Some(answer);
        }
    };
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return None;
    };
    let reply = ProbeReply { nonce: probe.nonce, ..reply };
    Some(Response { id, body: ResponseBody::Probe(reply) }.encode())
}

/// A leaf of IPv4 and the TURN server beside it, so many milliseconds away.
fn leaf(ip: &str, rtt: u64) -> [(SocketAddr, u64, Says); 2] {
    [(server(ip), rtt, Says::Turn(turn(ip))), (turn(ip), rtt, Says::Bound)]
}

fn listed(ip: &str) -> Node {
    node(server(ip), Some(turn(ip)))
}

fn options() -> Options {
    Options { timeout: Duration::from_secs(2), ..Options::default() }
}

/// A root of IPv6 that lists leaves of IPv4.
fn net() -> Net {
    let list = vec![listed("203.0.113.9"), listed("203.0.113.8")];
    let root = [(server(ROOT), 20, Says::List(list))];
    Net::new(&[&root[..], &leaf("203.0.113.9", 30), &leaf("203.0.113.8", 50)].concat())
}

#[test]
fn a_nat64_leads_to_what_is_listed() {
    let mut net = net();
    let waits = Options { linger: Duration::from_millis(100), ..options() };
    let trace = net.descend(waits, &[server(ROOT)]);
    let selection = trace.outcome.unwrap();
    assert_eq!(selection.turn, turn(&behind("203.0.113.9")));
    assert_eq!(selection.listed, Some(turn("203.0.113.9")));
    assert!(selection.verified);
    let path: Vec<_> = selection.path.iter().map(|hop| (hop.addr, hop.listed)).collect();
    let used = server(&behind("203.0.113.9"));
    assert_eq!(path, [(server(ROOT), None), (used, Some(server("203.0.113.9")))]);
    let next = &selection.runners_up[0];
    assert_eq!(next.turn, turn(&behind("203.0.113.8")));
    assert_eq!(next.listed, Some(turn("203.0.113.8")));
    for row in &trace.candidates[1..] {
        assert!(row.addr.is_ipv6() && row.listed.is_some_and(|listed| listed.is_ipv4()), "{row:?}");
        assert!(row.turn.is_none_or(|turn| turn.is_ipv6()), "{row:?}");
    }
    assert_eq!(trace.cost.datagrams as usize, net.sent.len(), "nothing was tried in vain");
}

#[test]
fn what_is_not_asked_itself_is_where_the_leaf_is_that_names_it() {
    let mut net = net();
    let options = Options { verify: Verify::Off, ..options() };
    let trace = net.descend(options, &[server(ROOT)]);
    let chosen = trace.candidates.last().unwrap();
    assert_eq!(
        (chosen.addr, chosen.state),
        (turn(&behind("203.0.113.9")), CandidateState::Selected)
    );
    assert_eq!(chosen.listed, Some(turn("203.0.113.9")));
    assert_eq!(trace.outcome.unwrap().turn, chosen.addr);
}

#[test]
fn candidates_wait_for_word_of_it_and_are_measured_from_then() {
    let mut net = net();
    net.known = Some((700, nat64()));
    let trace = net.descend(options(), &[server(ROOT)]);
    let leaf = server(&behind("203.0.113.9"));
    assert_eq!(net.sent_to(leaf)[0], 700);
    let row = trace.candidates.iter().find(|row| row.addr == leaf).unwrap();
    assert_eq!(row.rtt, Some(Duration::from_millis(30)));
    assert_eq!(trace.outcome.unwrap().turn, turn(&behind("203.0.113.9")));
    assert!(trace.elapsed < Duration::from_millis(900), "{:?}", trace.elapsed);
}

#[test]
fn a_root_of_ipv4_waits_too() {
    let root = [(server("198.51.100.1"), 20, Says::List(vec![listed("203.0.113.9")]))];
    let mut net = Net::new(&[&root[..], &leaf("203.0.113.9", 30)].concat());
    net.known = Some((300, nat64()));
    let trace = net.descend(options(), &[server("198.51.100.1")]);
    assert_eq!(trace.candidates[0].addr, server(&behind("198.51.100.1")));
    assert_eq!(trace.candidates[0].listed, Some(server("198.51.100.1")));
    assert_eq!(trace.outcome.unwrap().turn, turn(&behind("203.0.113.9")));
    assert_eq!(net.sent_to(server(&behind("198.51.100.1"))).len(), 2, "two copies, as ever");
}

#[test]
fn without_a_nat64_they_are_out_once_that_is_known() {
    // The first copy to a leaf goes to its TURN server, and the second, 1 ms later, to itself.
    for (known, expected) in [(None, 21), (Some((100, Nat64::default())), 100)] {
        let mut net = net();
        net.known = known;
        let trace = net.descend(options(), &[server(ROOT)]);
        let failure = trace.outcome.unwrap_err();
        assert!(matches!(failure, Failure::Unreachable { level: 1, asked: 2, .. }), "{failure:?}");
        assert_eq!(trace.elapsed, Duration::from_millis(expected));
        assert!(trace.candidates[1..].iter().all(|row| row.listed.is_none()));
    }
}

#[test]
fn what_is_in_hand_waits_for_no_word_but_for_its_own_turn_server() {
    let new = "2001:db8::7";
    for (beside, waits) in [(turn(new), false), (turn("203.0.113.7"), true)] {
        let list = vec![listed("203.0.113.9"), node(server(new), Some(beside))];
        let hosts = [
            (server(ROOT), 20, Says::List(list)),
            (server(new), 40, Says::Turn(beside)),
            (beside, 40, Says::Bound),
        ];
        let mut net = Net::new(&hosts);
        net.known = Some((1000, nat64()));
        let trace = net.descend(options(), &[server(ROOT)]);
        assert_eq!(trace.elapsed >= Duration::from_millis(1000), waits, "{:?}", trace.elapsed);
        let selection = trace.outcome.unwrap();
        assert_eq!(selection.listed, waits.then_some(beside));
        assert!(selection.turn.is_ipv6());
    }
}

#[test]
fn a_host_that_has_some_ipv4_asks_by_a_nat64_whom_it_cannot_ask_itself() {
    for known in [0, 300] {
        let mut net = net();
        (net.closed, net.known) = (false, Some((known, nat64())));
        let trace = net.descend(options(), &[server(ROOT)]);
        let selection = trace.outcome.unwrap();
        assert_eq!(selection.turn, turn(&behind("203.0.113.9")), "known after {known} ms");
        assert_eq!(selection.listed, Some(turn("203.0.113.9")));
    }
}

#[test]
fn an_address_is_judged_by_what_it_carries() {
    let judged = |ip: &str, limits: Limits, known: u64| {
        let kinds = [Kind::Leaf, Kind::Balance, Kind::Turn];
        let ports = kinds.into_iter().zip([3001, 3002, 3478]);
        let nodes = ports.map(|(kind, port)| {
            let addr = SocketAddr::new(behind(ip).parse().unwrap(), port);
            Node { kind, ..node(addr, (kind == Kind::Leaf).then_some(addr)) }
        });
        // Somewhere else, beside one there; and an honest one.
        let beside = node(server("203.0.113.8"), Some(turn(&behind(ip))));
        let list = nodes.chain([beside, listed("203.0.113.9")]).collect();
        let root = [(server(ROOT), 20, Says::List(list))];
        let mut net = Net::new(&[&root[..], &leaf("203.0.113.9", 90)].concat());
        net.known = Some((known, nat64()));
        let options = Options { limits, view: View::Subordinates, ..options() };
        let trace = net.descend(options, &[server(ROOT)]);
        assert_eq!(trace.outcome.unwrap().turn, turn(&behind("203.0.113.9")));
        let refused = trace.candidates.iter().filter(|row| row.state == CandidateState::Refused);
        let opens = refused.map(|row| row.allow.unwrap().to_string()).collect::<Vec<_>>();
        let there = |(at, to): &&(u64, SocketAddr)| {
            *at > known && to.ip() == behind(ip).parse::<std::net::IpAddr>().unwrap()
        };
        (net.sent.iter().filter(there).count(), opens)
    };
    for known in [0, 22] {
        let (sent, opens) = judged("10.0.0.1", Limits::default(), known);
        assert_eq!(sent, 0, "known after {known} ms");
        assert_eq!(opens.len(), 3, "{opens:?}");
        assert!(opens.iter().all(|prefix| prefix == "10.0.0.1/32"), "{opens:?}");
    }
    let allow = Limits::default().allow(["10.0.0.0/8".parse().unwrap()]);
    assert!(judged("10.0.0.1", allow, 0).0 > 0);
    assert!(judged("203.0.113.66", Limits::default(), 0).0 > 0);
}

#[test]
fn a_root_is_judged_by_what_its_address_carries() {
    // As DNS64 has it, behind a prefix that is no more the internet's than 10.0.0.1 is.
    let own = |ip: &str| format!("fd00:64::{ip}");
    let nat64 = Nat64::found_in([own("192.0.0.170").parse().unwrap()]);
    let options = Options { nat64, ..options() };
    let hosts = [(server(&own("198.51.100.1")), 20, Says::List(vec![listed("10.0.0.1")]))];
    let mut net = Net::new(&hosts);
    net.known = None;
    let trace = net.descend(options, &[server(&own("198.51.100.1"))]);
    assert_eq!(trace.candidates[1].state, CandidateState::Refused);
}

#[test]
fn who_is_listed_in_both_forms_is_asked_once() {
    for known in [0, 300] {
        let both = vec![listed("203.0.113.9"), listed(&behind("203.0.113.9"))];
        let root = [(server(ROOT), 20, Says::List(both))];
        let mut net = Net::new(&[&root[..], &leaf("203.0.113.9", 30)].concat());
        net.known = Some((known, nat64()));
        let trace = net.descend(options(), &[server(ROOT)]);
        assert_eq!(trace.outcome.unwrap().turn, turn(&behind("203.0.113.9")), "{known}");
        let one = server(&behind("203.0.113.9"));
        let answered = trace.candidates.iter().filter(|row| row.addr == one && row.rtt.is_some());
        assert_eq!(answered.count(), 1, "{known}");
    }
}

#[test]
fn its_own_host_and_link_are_asked_without_it() {
    for ip in ["127.0.0.1", "169.254.0.9"] {
        let mut net = Net::new(&[]);
        let trace = net.descend(options(), &[server(ip)]);
        assert_eq!(trace.candidates[0].addr, server(ip));
        assert_eq!(trace.candidates[0].state, CandidateState::Unreachable, "it was tried");
        assert!(net.sent.is_empty());
    }
}
