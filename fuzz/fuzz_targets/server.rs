//! A whole server among whoever sends whatever: no answer past the limits, none empty, none twice.
#![no_main]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use rand::{RngExt, SeedableRng};
use turn_balance::net::engine::Rng;
use turn_balance::net::engine::balancer::{Balancer, Offer, Verdict};
use turn_balance::net::engine::cluster::Cluster;
use turn_balance::net::engine::limit::{Limiter, Policy};
use turn_balance::net::engine::members::NodeSpec;
use turn_balance::net::wire::{MAX_ANSWER, Request, RequestBody};

fuzz_target!(|input: &[u8]| {
    let mut rng = Rng::seed_from_u64(1);
    let mut now = Instant::now();
    let own = SocketAddr::from(([198, 51, 100, 1], 3001));
    let node = |n: u8| SocketAddr::from(([203, 0, 113, n], 3001));
    let policy = Policy { places: 16, ..Policy::default() };
    let limiter = Arc::new(Limiter::new(policy, now, &mut rng));
    let mut balancer = Balancer::new(limiter, Rng::from_rng(&mut rng));
    let mut cluster = Cluster::new(None, None, Rng::from_rng(&mut rng));
    let spec = |n| NodeSpec { addr: node(n), public: node(n), name: None };
    cluster.set_nodes(now, (0..4).map(spec));
    let mut offer = Offer::default();
    let mut checks = Vec::new();
    let mut input = input;
    while let [action, from, len, rest @ ..] = input {
        let (datagram, after) = rest.split_at((usize::from(*len) * 4).min(rest.len()));
        input = after;
        let from = match from % 16 {
            n @ 0..4 => node(n),
            4 => own,
            5 => SocketAddr::new(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]), 5000),
            n => SocketAddr::from(([192, 0, 2, n], u16::from(n) * 7)),
        };
        match action % 4 {
            0 => {
                now += Duration::from_millis(u64::from(*len) * 20);
                cluster.handle_timeout(now);
            }
            1 => drop(cluster.handle_answer(now, from, datagram)),
            // A right answer to a check, with anything behind it.
            2 => {
                let check: Option<(SocketAddr, Vec<u8>)> = checks.pop();
                if let Some((to, payload)) = check
                    && let Ok(Request { id, body: RequestBody::Probe(probe) }) =
                        Request::decode(&payload)
                {
                    let mut answer = Vec::new();
                    let tail = datagram.len();
                    turn_balance::net::wire::frame(&mut answer, id, probe.nonce, tail);
                    answer.extend_from_slice(datagram);
                    cluster.handle_answer(now, to, &answer);
                }
            }
            _ => {
                let mut out = Vec::new();
                let verdict = balancer.handle_datagram(&offer, now, own, from, datagram, &mut out);
                let headers = if from.is_ipv4() { 28 } else { 48 };
                match verdict {
                    Verdict::Answer | Verdict::Retry => {
                        assert!(out.len() > 2 && out.len() <= MAX_ANSWER);
                        assert!(headers + out.len() <= 3 * (headers + datagram.len()));
                        assert!(from != own && from.port() != 0);
                        // What is answered is no answer: two servers do not talk on.
                        assert!(Request::decode(&out).is_err());
                    }
                    Verdict::Knock(knock) => {
                        assert!(out.is_empty());
                        let _ = cluster.handle_knock(now, own, from, &knock);
                    }
                    Verdict::Drop(_) => assert!(out.is_empty()),
                }
            }
        }
        while let Some(check) = cluster.poll_check(now) {
            checks.push((check.to, check.payload));
        }
        checks.truncate(8);
        while cluster.poll_heartbeat(now).is_some() || cluster.poll_event().is_some() {}
        offer = cluster.poll_offer(now).unwrap_or(offer);
        let _: u8 = rng.random();
    }
});
