//! A server's state without its sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::ServerEngine;
use turn_balance::internals::engine::server::members::{CheckOutcome, NodeSpec};
use turn_balance::internals::wire::{ProbeReply, Request, RequestBody, Response, ResponseBody};

/// A superior of one leaf, so many seconds and milliseconds after its start.
struct Superior(ServerEngine, Instant);

const LEAF: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

impl Superior {
    fn new() -> Self {
        let (now, addr) = (Instant::now(), SocketAddr::new(LEAF, 3001));
        let mut engine = ServerEngine::new(None, Rng::seed_from_u64(1));
        engine.set_nodes(now, [NodeSpec { addr, public: addr, name: None }]);
        Self(engine, now)
    }

    /// Checks the leaf at a moment, which answers that its TURN server has this port. Returns
    /// whether that is news.
    fn hears(&mut self, at: u64, rtt: u64, port: u16) -> bool {
        let Self(engine, start) = self;
        let at = *start + Duration::from_millis(at);
        engine.handle_timeout(at);
        engine.poll_snapshot(at);
        while engine.poll_event().is_some() {}
        let check = engine.poll_check(at).unwrap();
        let request = Request::decode(&check.payload).unwrap();
        let RequestBody::Probe(probe) = request.body else { panic!("no probe") };
        let turn = Some(SocketAddr::new(LEAF, port));
        let reply = ProbeReply { turn, nonce: probe.nonce, version: 1, ..ProbeReply::default() };
        let answer = Response { id: request.id, body: ResponseBody::Probe(reply) }.encode();
        assert!(!engine.has_news());
        let at = at + Duration::from_millis(rtt);
        assert_eq!(engine.handle_answer(at, check.to, &answer), CheckOutcome::Right);
        engine.has_news()
    }
}

#[test]
fn an_answer_is_news_only_where_it_says_something_new() {
    let mut superior = Superior::new();
    assert!(superior.hears(0, 0, 3478));
    assert!(!superior.hears(4_000, 0, 3478));
    assert!(superior.hears(8_000, 0, 3479));
}

#[test]
fn a_distance_is_news_after_a_check_period() {
    let mut superior = Superior::new();
    assert!(superior.hears(0, 100, 3478));
    assert!(!superior.hears(4_000, 20, 3478));
    let Superior(mut engine, start) = superior;
    let settled = start + Duration::from_millis(7_020);
    assert!(engine.poll_timeout().unwrap() <= settled);
    engine.handle_timeout(settled - Duration::from_millis(1));
    assert!(!engine.has_news());
    engine.handle_timeout(settled);
    assert!(engine.has_news());
    assert!(engine.poll_snapshot(settled).is_some());
    engine.handle_timeout(settled + Duration::from_secs(1));
    assert!(!engine.has_news());
}

#[test]
fn a_distance_that_no_list_tells_apart_is_no_news() {
    let mut superior = Superior::new();
    assert!(superior.hears(0, 15, 3478));
    assert!(!superior.hears(4_000, 1, 3478));
    let Superior(mut engine, start) = superior;
    engine.handle_timeout(start + Duration::from_secs(10));
    assert!(!engine.has_news());
}

#[test]
fn news_is_encoded_at_once_and_a_stream_of_it_twenty_times_a_second() {
    let start = Instant::now();
    let mut engine = ServerEngine::new(None, Rng::seed_from_u64(2));
    let addrs: Vec<_> = (0..200).map(|n| SocketAddr::from(([203, 0, 113, n], 3001))).collect();
    engine.set_nodes(start, addrs.iter().map(|&addr| NodeSpec { addr, public: addr, name: None }));
    let (mut encoded, mut port) = (Vec::new(), 1024);
    let at = |ms| start + Duration::from_millis(ms);
    for ms in 0..23_000 {
        engine.handle_timeout(at(ms));
        if engine.poll_snapshot(at(ms)).is_some() {
            encoded.push(ms);
        }
        // For ten seconds each answer names another TURN server.
        while ms < 10_000
            && let Some(check) = engine.poll_check(at(ms))
        {
            port += 1;
            let request = Request::decode(&check.payload).unwrap();
            let RequestBody::Probe(probe) = request.body else { panic!("no probe") };
            let turn = Some(SocketAddr::new(LEAF, 1024 + port % 60_000));
            let reply =
                ProbeReply { turn, nonce: probe.nonce, version: 1, ..ProbeReply::default() };
            let answer = Response { id: request.id, body: ResponseBody::Probe(reply) }.encode();
            engine.handle_answer(at(ms), check.to, &answer);
        }
    }
    assert_eq!(encoded[..5], [0, 1, 2, 3, 50], "those of a start at once");
    let (stream, ends): (Vec<u64>, Vec<u64>) = encoded.into_iter().partition(|ms| *ms < 10_000);
    assert!(stream.len() > 50, "{stream:?}");
    assert!(stream.windows(24).all(|some| some[23] - some[0] >= 950), "{stream:?}");
    // But nothing is listed for longer than its last answer is good.
    assert!(ends.windows(2).any(|pair| pair[1] - pair[0] < 50), "{ends:?}");
}
