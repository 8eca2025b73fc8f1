//! A server's state without its sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::net::engine::Rng;
use turn_balance::net::engine::cluster::Cluster;
use turn_balance::net::engine::members::{NodeSpec, Verdict};
use turn_balance::net::wire::{ProbeReply, Request, RequestBody, Response, ResponseBody};

#[test]
fn an_answer_is_news_only_where_it_says_something_new() {
    let now = Instant::now();
    let addr = SocketAddr::from(([203, 0, 113, 7], 3001));
    let mut cluster = Cluster::new(None, None, Rng::seed_from_u64(1));
    cluster.set_nodes(now, [NodeSpec { addr, public: addr, name: None }]);
    let mut news = Vec::new();
    for (seconds, port) in [(0, 3478), (4, 3478), (8, 3479)] {
        let now = now + Duration::from_secs(seconds);
        cluster.poll_offer(now);
        while cluster.poll_event().is_some() {}
        let check = cluster.poll_check(now).unwrap();
        let request = Request::decode(&check.payload).unwrap();
        let RequestBody::Probe(probe) = request.body else { panic!("no probe") };
        let turn = Some(SocketAddr::from(([203, 0, 113, 7], port)));
        let reply = ProbeReply { turn, nonce: probe.nonce, version: 1, ..ProbeReply::default() };
        let answer = Response { id: request.id, body: ResponseBody::Probe(reply) }.encode();
        assert!(!cluster.has_news());
        assert_eq!(cluster.handle_answer(now, addr, &answer), Verdict::Right);
        news.push(cluster.has_news());
    }
    assert_eq!(news, [true, false, true]);
}
