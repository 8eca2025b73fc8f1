//! Nodes that list as much as they like, and change it all the time.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::wire::{
    Ping, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, World, node};

/// Stranger `n`, who is listed.
fn stranger(n: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 1024 + n as u16))
}

/// The root of region 1 and of a rogue, which answers this beside the nonce.
fn with_rogue(reply: impl Fn(u64) -> ProbeReply + 'static) -> World<'static> {
    let mut world = cascade(41, Path::of(0));
    let mut version = 0;
    let answer = move |to, _from, request: &[u8]| {
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
            return Vec::new();
        };
        version += 1;
        let reply = ProbeReply { nonce: probe.nonce, version, ..reply(version) };
        vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
    };
    world.hosts.insert(region(2), Host::Actor(Box::new(answer)));
    world
}

/// The lengths of the lists that the root keeps of its nodes.
fn kept(world: &World<'_>) -> Vec<usize> {
    let engine = &world.hosts[&server(ROOT)].server().engine;
    engine.members().online(world.now).map(|online| online.list.len()).collect()
}

#[test]
fn a_list_that_fits_no_answer_is_not_kept_and_its_node_stays() {
    // As much as UDP holds; just more than an answer; an answer with nothing beside its nodes, which
    // are longer once they are passed on; and one that may be passed on.
    for (listed, len, keeps) in [(6500, 65_030, 0), (121, 1240, 0), (120, 1230, 0), (96, 990, 96)] {
        let reply = move |_| ProbeReply {
            nodes: (0..listed).map(|n| node(stranger(n), None)).collect(),
            ..ProbeReply::default()
        };
        let mut world = with_rogue(reply);
        world.run_for(Duration::from_secs(5));
        let encoded = ProbeReply { nonce: 1, version: 1, ..reply(1) };
        let encoded = Response { id: u32::MAX, body: ResponseBody::Probe(encoded) }.encode();
        assert!((len - 5..len).contains(&encoded.len()), "{}", encoded.len());
        assert_eq!(kept(&world), [3, keeps], "{listed}");
        let mut listed = flat_list(&mut world, server(ROOT));
        listed.sort_unstable();
        if keeps == 0 {
            assert_eq!(listed, [region(2), leaf(11), leaf(12), leaf(13)]);
        }
    }
}

#[test]
fn a_node_that_has_news_all_the_time_is_checked_as_often_as_others() {
    let replies: [fn(u64) -> ProbeReply; 3] = [
        |version| ProbeReply { turn: Some(stranger(version as usize)), ..ProbeReply::default() },
        |_| ProbeReply::default(), // nothing to offer
        |_| ProbeReply { retry: true, cookie: vec![7; 21], ..ProbeReply::default() },
    ];
    for (n, reply) in replies.into_iter().enumerate() {
        let mut world = with_rogue(reply);
        for turn in 0..240 {
            let ping = Ping { version: 1000 + turn, ..Ping::default() };
            let heartbeat = Request { id: 0, body: RequestBody::Ping(ping) }.encode(0);
            world.send(region(2), server(ROOT), heartbeat);
            world.run_for(Duration::from_millis(250));
        }
        let checks = SocketAddr::new(server(ROOT).ip(), 3002);
        let checks = world.log.iter().filter(|sent| (sent.from, sent.to) == (checks, region(2)));
        let checks = checks.count();
        // Eight that were brought forward, and one every 2.7 s; of one that only ever asks to come
        // back, some more of those that are repeated.
        assert!(checks <= [31, 31, 50][n], "{n}: {checks} in a minute");
    }
}
