//! Which nodes are not online some time after the start.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::TurnFault;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::members::NodeSpec;
use turn_balance::internals::engine::server::roll_call::Absentees;
use turn_balance::internals::engine::server::turn::TurnSpec;
use turn_balance::internals::engine::server::{ServerEngine, ServerEvent};
use turn_balance_lab::loopback::answer_probe;

fn node(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 3001))
}

/// Nodes with these numbers and two TURN servers that never answer; what is told in a minute of them, of
/// whom these answer, and when.
fn told(nodes: &[u8], alive: &[u8]) -> Vec<(Duration, Absentees)> {
    let start = Instant::now();
    let mut engine = ServerEngine::new(None, Rng::seed_from_u64(1));
    let spec = |n: &u8| NodeSpec { addr: node(*n), public: node(*n), name: None };
    engine.set_nodes(start, nodes.iter().map(spec));
    let turns = [101, 102].map(|n| TurnSpec::new(SocketAddr::new(node(n).ip(), 3478)));
    engine.set_turn_nodes(start, turns);
    let (mut now, mut told) = (start, Vec::new());
    while now < start + Duration::from_secs(60) {
        engine.handle_timeout(now);
        engine.poll_snapshot(now);
        while let Some(check) = engine.poll_check(now) {
            if alive.iter().any(|n| node(*n) == check.to) {
                let turn = SocketAddr::new(check.to.ip(), 3478);
                engine.handle_answer(now, check.to, &answer_probe(&check.payload, turn).unwrap());
            }
        }
        while engine.poll_binding(now).is_some() {}
        while let Some(event) = engine.poll_event() {
            if let ServerEvent::Missing(missing) = event {
                told.push((now - start, missing));
            }
        }
        now = engine.poll_timeout().unwrap().max(now);
    }
    told
}

#[test]
fn who_never_was_online_is_told_once_by_name() {
    let (nodes, alive): (Vec<u8>, _) = ((1..=20).collect(), [3, 7]);
    let [(at, Absentees { ref named, all: 20 })] = told(&nodes, &alive)[..] else { panic!() };
    assert_eq!(at, Duration::from_secs(10));
    let first: Vec<_> = named.iter().map(|down| (down.addr, down.fault)).collect();
    let expected = [1, 2, 4, 5, 6, 8, 9, 10, 11, 12].map(|n| (node(n), Some(TurnFault::Silent)));
    assert_eq!(first, expected);

    let told = told(&[1], &[1]);
    let [(_, Absentees { ref named, all: 2 })] = told[..] else { panic!("{told:?}") };
    assert_eq!(named.len(), 2, "the TURN servers");
}
