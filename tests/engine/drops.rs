//! A node that lives stays online, however many packets a path loses, as far as chance allows.

use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::members::{Members, NodeSpec, ONLINE};
use turn_balance::internals::wire::{ProbeReply, Request, Response, ResponseBody};

use crate::cascade::*;
use turn_balance_sim::{Jitter, Path, Watched, watch};

const DAY: Duration = Duration::from_secs(86_400);

/// When a node is checked that answers no more, from its last right answer on until it is dropped.
fn checks_after_an_answer(seed: u64) -> Vec<Duration> {
    let (mut now, addr) = (Instant::now(), leaf(11));
    let mut members = Members::new(Rng::seed_from_u64(seed));
    members.set_nodes(now, [NodeSpec { addr, public: addr, name: None }]);
    let first = members.poll_transmit(now).unwrap();
    let Ok(Request { id, .. }) = Request::decode(&first.payload) else { panic!("no check") };
    let reply = ProbeReply { turn: Some(leaf_turn(11)), ..ProbeReply::default() };
    let answer = Response { id, body: ResponseBody::Probe(reply) }.encode();
    let start = now;
    members.handle_datagram(now, addr, &answer);
    let mut checks = Vec::new();
    while members.online(now).count() > 0 {
        now = members.poll_timeout().unwrap();
        members.handle_timeout(now);
        checks.extend(members.poll_transmit(now).map(|_| now - start));
    }
    assert_eq!(now - start, ONLINE);
    checks
}

#[test]
fn nine_checks_must_be_lost_before_a_node_is_dropped() {
    for seed in 0..100 {
        let mut checks = checks_after_an_answer(seed);
        // One that leaves later is answered too late, however near the node.
        checks.retain(|at| *at < ONLINE - Duration::from_millis(500));
        assert!(checks.len() >= 9, "{checks:?}");
        let apart = |pair: &[Duration]| pair[1] - pair[0] >= Duration::from_millis(250);
        assert!(checks.windows(2).all(apart), "{checks:?}");
    }
}

/// The checks of this many nodes over a path as between hosts of the internet, and how often one of
/// them was dropped. The example `drops` has more of them.
fn watched(nodes: u64, loss: f64, time: Duration) -> Watched {
    let path = Path { jitter: Jitter::Internet(None), loss, ..Path::of(50) };
    let mut all = Watched::default();
    for watched in (0..nodes).map(|seed| watch(seed, path, time)) {
        all.checks += watched.checks;
        all.drops += watched.drops;
    }
    all
}

#[test]
fn in_ten_days_at_ten_percent_loss_each_way_no_node_is_dropped() {
    let Watched { checks, drops } = watched(20, 0.1, DAY / 2);
    assert_eq!(drops, 0, "of {checks} checks");
    // Few are repeated: a fifth of all, and these once.
    assert!((300_000..370_000).contains(&checks), "{checks}");
}

#[test]
fn at_thirty_percent_drops_are_as_rare_as_nine_losses_in_a_row() {
    let Watched { checks, drops } = watched(8, 0.3, DAY / 4);
    let lost = 1.0 - 0.7 * 0.7_f64;
    let expected = 2.0 * (DAY.as_secs() / 3) as f64 * lost.powi(9);
    let drops = f64::from(drops);
    assert!(drops < 1.1 * expected, "{drops} of {checks} checks, {expected:.0} expected");
    assert!(drops > 0.5 * expected, "{drops} of {checks} checks: is anything lost?");
}
