//! From which port the silent are asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::members::{MemberEvent, Members, NodeSpec};
use turn_balance::internals::engine::server::ways::Way;
use turn_balance_lab::loopback::answer_probe;

fn node(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 3001))
}

/// One node that is silent for good, one that a NAT forgets after 30 s, and one that is well.
const GONE: u8 = 1;
const LOST: u8 = 2;
const WELL: u8 = 3;

#[test]
fn whoever_a_nat_has_lost_stays_online_by_another_way_and_the_well_keep_theirs() {
    for seed in 0..20 {
        let start = Instant::now();
        let mut members = Members::new(Rng::seed_from_u64(seed));
        let spec = |n| NodeSpec { addr: node(n), public: node(n), name: None };
        members.set_nodes(start, [GONE, LOST, WELL].map(spec));
        let (mut now, mut ways, mut events) = (start, BTreeMap::new(), Vec::new());
        while now < start + Duration::from_secs(120) {
            members.handle_timeout(now);
            while let Some(check) = members.poll_transmit(now) {
                let way = members.way(check.to);
                let taken: &mut Vec<(Instant, Way)> = ways.entry(check.to).or_default();
                if taken.last().is_none_or(|(_, last)| *last != way) {
                    taken.push((now, way));
                }
                let forgotten = way == Way::FIRST && now >= start + Duration::from_secs(30);
                if check.to == node(WELL) || check.to == node(LOST) && !forgotten {
                    let answer = answer_probe(&check.payload, SocketAddr::new(check.to.ip(), 3478));
                    members.handle_datagram(now, check.to, &answer.unwrap());
                }
            }
            events.extend(std::iter::from_fn(|| members.poll_event()));
            now = members.poll_timeout().unwrap();
        }
        assert_eq!(ways[&node(WELL)], [(ways[&node(WELL)][0].0, Way::FIRST)], "seed {seed}");
        assert_eq!(ways[&node(LOST)].len(), 2, "seed {seed}: {ways:?}");
        let gone = &ways[&node(GONE)];
        assert!(gone.len() > 3, "seed {seed}: {gone:?}");
        let apart = gone.windows(2).map(|pair| pair[1].0 - pair[0].0);
        assert!(apart.min().unwrap() >= Duration::from_secs(7), "seed {seed}: {gone:?}");
        let offline = |event: &MemberEvent| matches!(event, MemberEvent::Offline { .. });
        assert!(!events.iter().any(offline), "seed {seed}: {events:?}");
        let told = |n| {
            let of = MemberEvent::Rerouted { addr: node(n) };
            events.iter().filter(|event| **event == of).count()
        };
        assert_eq!([GONE, LOST, WELL].map(told), [1, 1, 0], "seed {seed}: {events:?}");
    }
}
