//! ICMP errors: a closed port is out at once, and nobody else's word puts anyone out.

use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{
    CandidateState, Descent, Failure, Obstacle, Options,
};
use turn_balance::internals::wire::{ProbeReply, Request, RequestBody, Response, ResponseBody};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, World, node};

fn close_all<const N: usize>(world: &mut World<'static>, addrs: [std::net::SocketAddr; N]) {
    world.hosts.extend(addrs.map(|addr| (addr, Host::Closed)));
}

/// An answer with a part of a list.
fn answer_to(request: &[u8]) -> Vec<u8> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        panic!("no probe");
    };
    let nodes = vec![node(leaf(11), Some(leaf_turn(11)))];
    let reply = ProbeReply { nodes, total: 100, nonce: probe.nonce, ..ProbeReply::default() };
    Response { id, body: ResponseBody::Probe(reply) }.encode()
}

#[test]
fn a_closed_port_is_passed_over_at_once() {
    let ended = |close: &dyn Fn(&mut World<'static>)| {
        let mut world = cascade(25, Path::of(0));
        world.run_for(Duration::from_secs(1));
        close(&mut world);
        let start = world.now;
        let options = Options { linger: Duration::from_secs(1), ..levels() };
        let descent = world.descend(client(), options, &[server(ROOT)]);
        (trace(&descent), world.now - start)
    };
    let (open, usual) = ended(&|_| {});
    assert_eq!(open.outcome.unwrap().turn, leaf_turn(11));

    let (closed, time) = ended(&|world| close_all(world, [leaf(11)]));
    let out = closed.candidates.iter().find(|c| c.addr == leaf(11)).unwrap();
    assert_eq!((out.state, out.sent), (CandidateState::Unreachable, 2), "it is not asked again");
    assert_eq!(closed.outcome.unwrap().turn, leaf_turn(12));
    assert!(time < usual + Duration::from_millis(10), "{time:?}, {usual:?} with all open");

    // A TURN server that is down, too; and a region all of whose leaves are sends into the next.
    let (closed, time) = ended(&|world| close_all(world, [leaf_turn(11)]));
    assert_eq!(closed.outcome.unwrap().turn, leaf_turn(12));
    assert!(time < usual + Duration::from_millis(10), "{time:?}, {usual:?} with all open");
    let (closed, time) = ended(&|world| close_all(world, leaves(1).map(leaf)));
    assert_eq!(closed.outcome.unwrap().turn, leaf_turn(21));
    assert!(time < 2 * usual, "{time:?}, {usual:?} with all open");

    let (closed, time) = ended(&|world| close_all(world, REGIONS.map(region)));
    let failure = closed.outcome.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable { level: 1, asked: 2, .. }), "{failure:?}");
    assert!(time < usual, "it waits for nothing: {time:?}");
}

#[test]
fn a_descent_whose_roots_are_all_closed_ends_at_once_but_waits_for_one_that_is_silent() {
    let (closed, silent) = (server(ROOT), server("198.51.100.2"));
    let mut world = World::new(26, |_, _| Path::of(10));
    world.hosts.insert(closed, Host::Closed);
    let start = world.now;
    let failure = world.descend(client(), Options::default(), &[closed]).selection().unwrap();
    let failure = failure.unwrap_err();
    assert_eq!(failure.to_string(), "level 0: nothing listens at `198.51.100.1:3001`");
    assert_eq!(world.now - start, Duration::from_millis(20));
    let failure = world.descend(client(), Options::default(), &[closed, silent]).selection();
    let failure = failure.unwrap().unwrap_err();
    assert!(matches!(failure, Failure::NoAnswer { level: 0, asked: 2, .. }), "{failure:?}");
}

#[test]
fn an_icmp_error_counts_only_if_it_quotes_the_request_and_until_an_answer_comes() {
    let now = Instant::now();
    let (root, other) = (server(ROOT), server("198.51.100.2"));
    let options = Options { timeout: Duration::from_secs(3), ..Options::default() };
    let mut descent = Descent::new(options, &[root], now, Rng::seed_from_u64(27));
    let request = descent.poll_transmit(now).unwrap().payload;
    let mut forged = request.clone();
    forged[7] ^= 1;
    let rubbish = [&[][..], &request[..19], &forged, &[request.as_slice(), b"\0"].concat()];
    for quoted in rubbish {
        descent.handle_icmp(now, root, Obstacle::Port, quoted);
        assert!(!descent.is_finished(), "{quoted:02x?}");
    }
    descent.handle_icmp(now, other, Obstacle::Port, &request);
    assert!(!descent.is_finished(), "it was not sent there");
    descent.handle_icmp(now, root, Obstacle::Port, &request[..20]);
    assert!(descent.is_finished(), "a router quotes as much as it likes");

    // The answer is faster than the error, or comes after all: it is asked for the rest of its list.
    for answered_first in [true, false] {
        let mut descent =
            Descent::new(Options::default(), &[root, other], now, Rng::seed_from_u64(28));
        let request = descent.poll_transmit(now).unwrap();
        assert_eq!(request.to, root);
        let answer = answer_to(&request.payload);
        let later = now + Duration::from_millis(5);
        if answered_first {
            descent.handle_datagram(later, root, &answer);
        }
        descent.handle_icmp(later, root, Obstacle::Port, &request.payload);
        if !answered_first {
            descent.handle_datagram(later, root, &answer);
        }
        let mut next = std::iter::from_fn(|| descent.poll_transmit(later));
        assert!(next.any(|transmit| transmit.to == root), "answered first: {answered_first}");
    }
}

#[test]
fn an_icmp_error_is_about_the_request_that_it_quotes_however_long_later_ones_are() {
    // Of a long list only the first request to each server asks for the whole of its own list.
    let now = Instant::now();
    let root = server(ROOT);
    let mut descent = Descent::new(Options::default(), &[root], now, Rng::seed_from_u64(29));
    let request = descent.poll_transmit(now).unwrap();
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(&request.payload)
    else {
        panic!("no probe");
    };
    let listed = |n: u8| server(&format!("198.51.100.{}", 100 + n));
    let nodes = (0..60).map(|n| node(listed(n), None)).collect();
    let reply = ProbeReply { nodes, total: 60, nonce: probe.nonce, ..ProbeReply::default() };
    let answer = Response { id, body: ResponseBody::Probe(reply) }.encode();
    let later = now + Duration::from_millis(5);
    descent.handle_datagram(later, root, &answer);
    let copies_sent = later + Duration::from_millis(8);
    let sent: Vec<_> = std::iter::from_fn(|| descent.poll_transmit(copies_sent)).collect();
    let to = |n: u8| sent.iter().filter(move |transmit| transmit.to == listed(n));
    let asked: Vec<u8> = (0..60).filter(|n| to(*n).next().is_some()).collect();
    assert!(asked.len() > 30, "{}", asked.len());
    for n in asked {
        let first = to(n).next().unwrap();
        assert!(to(n).skip(1).all(|copy| copy.payload.len() < first.payload.len()));
        assert!(!descent.is_finished(), "{n} is awaited");
        descent.handle_icmp(copies_sent, first.to, Obstacle::Port, &first.payload);
    }
    let failure = descent.selection().expect("nobody is awaited").unwrap_err();
    assert!(matches!(failure, Failure::Unreachable { level: 1, .. }), "{failure:?}");
}
