//! A descent among servers that answer anything: it keeps its limits, sends to nobody it may not
//! send to, and ends.
#![no_main]

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use turn_balance::net::engine::Rng;
use turn_balance::net::engine::descent::{Descent, Limits, Options};
use turn_balance::net::engine::reach::Reach;
use turn_balance::net::wire::{
    Kind, Node, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

fuzz_target!(|input: &[u8]| {
    let root = SocketAddr::from(([198, 51, 100, 1], 3001));
    let options = Options { timeout: Duration::from_secs(2), ..Options::default() };
    let (start, rng) = (Instant::now(), Rng::seed_from_u64(1));
    let (mut now, end) = (start, start + options.timeout);
    let mut descent = Descent::new(options, &[root], now, rng);
    let mut input = input.iter().copied();
    let mut asked = Vec::new();
    let (mut datagrams, mut bytes) = (0, 0);
    while !descent.is_finished() {
        while let Some(sent) = descent.poll_transmit(now) {
            if sent.to != root {
                assert_eq!(Reach::of(sent.to.ip()), Some(Reach::Global), "{}", sent.to);
                (datagrams, bytes) = (datagrams + 1, bytes + sent.payload.len() as u64);
            }
            asked.push((sent.to, sent.payload));
        }
        let limits = Limits::default();
        assert!(datagrams <= limits.datagrams && bytes <= limits.bytes);
        let mut next = || input.next().unwrap_or(0);
        let (action, at) = (next(), usize::from(next()));
        let Some((to, request)) = asked.get(at % asked.len().max(1)).cloned() else { break };
        match action % 4 {
            // Time passes.
            0 => {
                let wake = descent.poll_timeout().unwrap_or(end);
                now = wake.max(now + Duration::from_millis(u64::from(next()))).min(end);
                descent.handle_timeout(now);
            }
            // Anything comes, from somebody who was asked.
            1 => {
                let len = usize::from(next());
                let datagram: Vec<_> = (0..len).map(|_| next()).collect();
                descent.handle_datagram(now, to, &datagram);
            }
            // A right answer, with a list made up.
            _ => {
                let Ok(Request { id, body: RequestBody::Probe(Probe { nonce, .. }) }) =
                    Request::decode(&request)
                else {
                    // STUN: the TURN server answers.
                    let mut answer = request;
                    answer[..2].copy_from_slice(&[1, 1]);
                    descent.handle_datagram(now, to, &answer);
                    continue;
                };
                let count = next() % 80;
                let nodes = (0..count).map(|_| {
                    let ip = match next() % 3 {
                        0 => IpAddr::from([203, 0, 113, next()]),
                        1 => IpAddr::from([next(), next(), next(), next()]),
                        _ => IpAddr::from([0x2001, 0xdb8, u16::from(next()), 0, 0, 0, 0, 1]),
                    };
                    let kind = [Kind::Balance, Kind::Leaf, Kind::Turn][usize::from(next() % 3)];
                    let turn = (kind == Kind::Leaf).then(|| SocketAddr::new(ip, 3478));
                    let addr = SocketAddr::new(ip, 3001);
                    Node { addr, kind, turn, name: None, hops: next().into(), rtt: None }
                });
                let nodes: Vec<_> = nodes.collect();
                let turn = (next() % 2 == 0).then(|| SocketAddr::new(to.ip(), 3478));
                let total = u32::from(next()) * 8;
                let body = ProbeReply { nonce, nodes, turn, total, ..ProbeReply::default() };
                let answer = Response { id, body: ResponseBody::Probe(body) }.encode();
                now += Duration::from_micros(u64::from(next()) * 100);
                descent.handle_datagram(now.min(end), to, &answer);
            }
        }
        assert!(now <= end);
        if now == end {
            descent.handle_timeout(end + Duration::from_nanos(1));
        }
    }
    assert!(descent.trace().is_some() || asked.is_empty());
});
