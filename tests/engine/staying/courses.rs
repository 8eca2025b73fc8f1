//! Random courses.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq, prop_assert_ne};

use turn_balance::WatchReason;
use turn_balance::internals::wire::State;

use super::bench::{Bench, Spot, ms, s};

/// What happens in one step of a random course.
#[derive(Debug, Clone, Copy)]
enum Step {
    Rtt(u8, u64),
    Turn(u8, bool),
    Leaf(u8, bool),
    State(u8, u8),
    Network,
    Finds(bool),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let n = 1_u8..=4;
    prop_oneof![
        (n.clone(), 1_u64..300).prop_map(|(n, rtt)| Step::Rtt(n, rtt)),
        (n.clone(), any::<bool>()).prop_map(|(n, lives)| Step::Turn(n, lives)),
        (n.clone(), any::<bool>()).prop_map(|(n, lives)| Step::Leaf(n, lives)),
        (n, 0_u8..5).prop_map(|(n, state)| Step::State(n, state)),
        Just(Step::Network),
        any::<bool>().prop_map(Step::Finds),
        (100_u64..40_000).prop_map(Step::Wait),
        (100_u64..40_000).prop_map(Step::Wait),
    ]
}

/// A run of such steps.
fn course(seed: u64, steps: &[Step]) -> Bench {
    let mut bench = Bench::new(seed, &[20, 30, 40, 50]);
    bench.run(s(20));
    for step in steps {
        match *step {
            Step::Rtt(n, rtt) => bench.spot(n).rtt = ms(rtt),
            Step::Turn(n, lives) => bench.spot(n).turn_lives = lives,
            Step::Leaf(n, lives) => bench.spot(n).leaf_lives = lives,
            Step::State(n, state) => {
                let states = [State::Draining, State::Full, State::TurnDown];
                let state = states.get(usize::from(state)).copied();
                bench.spot(n).state = state.unwrap_or(State::Offering);
            }
            Step::Network => bench.engine.handle_network_change(bench.now),
            Step::Finds(finds) => bench.finds = finds,
            Step::Wait(wait) => bench.run(ms(wait)),
        }
    }
    bench
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_never_flaps_and_never_floods(seed: u64, steps in proptest::collection::vec(step(), 1..60)) {
        let bench = course(seed, &steps);
        let hours = bench.since().as_secs_f64() / 3600.0;
        for pair in bench.changes.windows(2) {
            let [(before, _), (at, change)] = pair else { unreachable!() };
            if let WatchReason::Slower { rtt } = change.reason {
                // Three measurements lie between two such moves.
                prop_assert!(*at - *before >= s(9), "{:?} after {:?}", at, before);
                let to = change.selection.as_ref().unwrap().rtt;
                prop_assert!(to + ms(10) <= rtt && to * 3 <= rtt * 2, "{:?} for {:?}", to, rtt);
            }
            if let WatchReason::Silent { lasted } = change.reason {
                prop_assert!(lasted >= s(3));
            }
        }
        prop_assert!(bench.descents.len() as f64 <= 10.0 + 72.0 * hours);
        let sent: usize = bench.sent.values().map(Vec::len).sum();
        prop_assert!(sent as f64 <= 40.0 + 14_000.0 * hours + 24.0 * steps.len() as f64);
    }

    #[test]
    fn one_seed_is_one_run(seed: u64, steps in proptest::collection::vec(step(), 1..30)) {
        let (one, other) = (course(seed, &steps), course(seed, &steps));
        prop_assert_eq!(one.changes, other.changes);
        prop_assert_eq!(one.sent, other.sent);
        prop_assert_eq!(one.descents, other.descents);
    }

    #[test]
    fn whoever_drains_is_left_while_another_lives(
        seed: u64,
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut bench = course(seed, &steps);
        bench.finds = true;
        for n in 1..=4 {
            *bench.spot(n) = Spot { rtt: ms(20), turn_lives: true, leaf_lives: true, state: State::Offering, names: 3478, drawn: false };
        }
        bench.run(s(400));
        let using = bench.using().unwrap();
        bench.spot(using).state = State::Draining;
        bench.run(ms(5_600));
        prop_assert_ne!(bench.using(), Some(using));
    }
}
