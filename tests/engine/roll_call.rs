//! Which nodes are not online some time after the start.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::members::NodeSpec;
use turn_balance::internals::engine::server::reason::NodeReason;
use turn_balance::internals::engine::server::roll_call::Absentees;
use turn_balance::internals::engine::server::turn::TurnSpec;
use turn_balance::internals::engine::server::{ServerEngine, ServerEvent};
use turn_balance_lab::loopback::answer_probe;

fn node(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 3001))
}

/// Nodes with these numbers and two TURN servers that never answer; what is told in so many seconds of them,
/// of whom these answer, and when; all but the TURN servers do after 700 s.
fn told(nodes: &[u8], alive: &[u8], turn: bool, seconds: u64) -> Vec<(u64, Option<Absentees>)> {
    let start = Instant::now();
    let mut engine = ServerEngine::new(None, Rng::seed_from_u64(1));
    let spec = |n: &u8| NodeSpec { addr: node(*n), public: node(*n), name: None };
    engine.set_nodes(start, nodes.iter().map(spec));
    let turns = [101, 102].map(|n| TurnSpec::new(SocketAddr::new(node(n).ip(), 3478)));
    engine.set_turn_nodes(start, turns.into_iter().filter(|_| turn));
    let (mut now, mut told) = (start, Vec::new());
    while now < start + Duration::from_secs(seconds) {
        engine.handle_timeout(now);
        engine.poll_snapshot(now);
        while let Some(check) = engine.poll_check(now) {
            let late = now > start + Duration::from_secs(700);
            if late || alive.iter().any(|n| node(*n) == check.to) {
                let turn = SocketAddr::new(check.to.ip(), 3478);
                engine.handle_answer(now, check.to, &answer_probe(&check.payload, turn).unwrap());
            }
        }
        while engine.poll_binding(now).is_some() {}
        while let Some(event) = engine.poll_event() {
            let at = (now - start).as_secs();
            match event {
                ServerEvent::Missing(missing) => told.push((at, Some(missing))),
                ServerEvent::Complete => told.push((at, None)),
                _ => {}
            }
        }
        now = engine.poll_timeout().unwrap().max(now);
    }
    told
}

#[test]
fn who_never_was_online_is_told_once_by_name() {
    let (nodes, alive): (Vec<u8>, _) = ((1..=20).collect(), [3, 7]);
    let told_of = told(&nodes, &alive, true, 60);
    let [(10, Some(Absentees { ref named, all: 20, since }))] = told_of[..] else {
        panic!("{told_of:?}")
    };
    assert_eq!(since, Duration::from_secs(10));
    let first: Vec<_> = named.iter().map(|absent| (absent.down.addr, absent.reason)).collect();
    let expected = [1, 2, 4, 5, 6, 8, 9, 10, 11, 12].map(|n| (node(n), NodeReason::Silent));
    assert_eq!(first, expected);

    let told = told(&[1], &[1], true, 60);
    let [(_, Some(Absentees { ref named, all: 2, .. }))] = told[..] else { panic!("{told:?}") };
    assert_eq!(named.len(), 2, "the TURN servers");
}

#[test]
fn it_is_told_again_after_ten_minutes_and_once_when_all_are_there() {
    let told = told(&[1, 2], &[1], false, 2000);
    let times: Vec<_> = told.iter().map(|(at, missing)| (*at, missing.is_some())).collect();
    let [(10, true), (again, true), (over, false)] = times[..] else { panic!("{told:?}") };
    assert!((610..=620).contains(&again) && (700..=730).contains(&over), "{times:?}");
    let all: Vec<_> = told.iter().flat_map(|(_, missing)| missing).map(|m| m.all).collect();
    assert_eq!(all, [1, 1]);
}
