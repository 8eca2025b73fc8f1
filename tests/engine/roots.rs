//! Roots by name, whose look-ups take their time.

use std::time::Duration;

use turn_balance::Unresolved;
use turn_balance::internals::engine::client::descent::{
    CandidateState, Descent, Failure, Options, Strategy, Unasked,
};

use crate::cascade::*;
use turn_balance_sim::{LookUp, Path, World};

const MS: Duration = Duration::from_millis(1);

fn found(host: &'static str, takes: u32, root: &str) -> LookUp {
    LookUp { host, srv: false, takes: MS * takes, found: Ok(vec![vec![server(root)]]) }
}

fn failed(host: &'static str, takes: u32) -> LookUp {
    LookUp { host, srv: false, takes: MS * takes, found: Err(unknown()) }
}

/// SRV records with servers of these priorities.
fn srv(host: &'static str, takes: u32, groups: &[&[&str]]) -> LookUp {
    let servers = |group: &&[&str]| group.iter().map(|ip| server(ip)).collect();
    let found = Ok(groups.iter().map(servers).collect());
    LookUp { host, srv: true, takes: MS * takes, found }
}

fn unknown() -> Unresolved {
    Unresolved::Failed("no such name".to_owned())
}

/// A resolver that does not answer.
fn silent(host: &'static str) -> LookUp {
    failed(host, u32::MAX)
}

/// The roots that a descent says it could not ask.
fn unresolved(descent: &Descent) -> Vec<(String, Unresolved)> {
    let trace = trace(descent);
    let of_outcome = match &trace.outcome {
        Ok(selection) => selection.unresolved.as_slice(),
        Err(failure) => failure.unresolved(),
    };
    assert_eq!(of_outcome, trace.unresolved);
    trace.unresolved.into_iter().map(|root| (root.host, root.reason)).collect()
}

fn options(strategy: Strategy) -> Options {
    Options { strategy, timeout: Duration::from_secs(2), ..Options::default() }
}

const STRATEGIES: [Strategy; 2] = [Strategy::Best, Strategy::First];

#[test]
fn a_root_that_is_known_waits_for_no_name_and_the_names_are_told() {
    for strategy in STRATEGIES {
        let mut world = cascade(40, Path::of(0));
        world.run_for(Duration::from_secs(3));
        let alone = world.descend(client(), options(strategy), &[server(ROOT)]);
        let names = [silent("dead.example"), failed("unknown.example", 1)];
        let roots = [server(ROOT)];
        let descent = world.descend_looking_up(client(), options(strategy), &roots, &names);
        let (alone, selected) = (selection(&alone), selection(&descent));
        assert_eq!((selected.turn, selected.elapsed), (alone.turn, alone.elapsed), "{strategy:?}");
        assert_eq!(
            unresolved(&descent),
            [
                ("dead.example".to_owned(), Unresolved::Late),
                ("unknown.example".to_owned(), unknown())
            ]
        );
    }
}

#[test]
fn a_name_that_comes_late_is_taken_in_and_its_look_up_counts() {
    for strategy in STRATEGIES {
        let mut world = cascade(41, Path::of(0));
        world.run_for(Duration::from_secs(3));
        let alone = world.descend(client(), options(strategy), &[server(ROOT)]);
        let names = [silent("dead.example"), found("root.example", 700, ROOT)];
        let dead = [server("198.51.100.9")];
        for roots in [&[][..], &dead] {
            let descent = world.descend_looking_up(client(), options(strategy), roots, &names);
            let (alone, selected) = (selection(&alone), selection(&descent));
            assert_eq!(selected.turn, alone.turn);
            assert_eq!(selected.elapsed, alone.elapsed + 700 * MS, "{strategy:?} {roots:?}");
            assert_eq!(unresolved(&descent), [("dead.example".to_owned(), Unresolved::Late)]);
        }
    }
}

#[test]
fn all_look_ups_and_the_descent_have_one_deadline() {
    let mut world = World::new(42, |_, _| Path::of(10));
    let start = world.now;
    let names = [silent("a.example"), silent("b.example"), found("c.example", 1999, ROOT)];
    let descent = world.descend_looking_up(client(), options(Strategy::Best), &[], &names);
    assert_eq!(world.now - start, Duration::from_secs(2));
    let failure = descent.selection().unwrap().unwrap_err();
    assert!(matches!(failure, Failure::NoAnswer { level: 0, asked: 1, .. }), "{failure:?}");
    let late = |host: &str| (host.to_owned(), Unresolved::Late);
    assert_eq!(unresolved(&descent), [late("a.example"), late("b.example")]);
}

#[test]
fn nobody_is_given_up_while_a_name_may_bring_another_and_then_at_once() {
    for strategy in STRATEGIES {
        // Nothing listens at the first root, or it is not there at all.
        for roots in [&[server("198.51.100.9")][..], &[]] {
            let mut world = World::new(43, |_, _| Path::of(10));
            let closed = roots.iter().map(|root| (*root, turn_balance_sim::Host::Closed));
            world.hosts.extend(closed);
            let start = world.now;
            let names = [failed("a.example", 300), failed("b.example", 900)];
            let descent = world.descend_looking_up(client(), options(strategy), roots, &names);
            assert_eq!(world.now - start, 900 * MS, "{strategy:?} {roots:?}");
            assert_eq!(unresolved(&descent).len(), 2);
        }
    }
}

#[test]
fn a_late_name_is_asked_as_soon_and_as_often_as_one_of_the_start() {
    let mut world = World::new(44, |_, _| Path::of(10));
    let names = [silent("dead.example"), found("root.example", 700, ROOT)];
    world.descend_looking_up(client(), options(Strategy::Best), &[], &names);
    let asked: Vec<_> = world.log.iter().map(|sent| sent.at.as_millis()).collect();
    assert_eq!(asked[..4], [700, 710, 800, 1000]);
}

#[test]
fn no_name_makes_a_silent_root_wait_longer() {
    for names in [
        [failed("a.example", 50), failed("b.example", 90)],
        [found("a.example", 50, "198.51.100.2"), failed("b.example", 95)],
    ] {
        let mut world = World::new(46, |_, _| Path::of(10));
        let roots = [server(ROOT)];
        world.descend_looking_up(client(), options(Strategy::Best), &roots, &names);
        let asked = world.log.iter().filter(|sent| sent.to == server(ROOT));
        let asked: Vec<_> = asked.map(|sent| sent.at.as_millis()).collect();
        assert_eq!(asked[..4], [0, 10, 100, 300], "{names:?}");
    }
}

#[test]
fn one_that_comes_when_the_choice_is_being_verified_is_known_and_not_asked() {
    let mut world = cascade(45, Path::of(0));
    world.run_for(Duration::from_secs(3));
    let plain = world.descend(client(), options(Strategy::Best), &[server(ROOT)]);
    let elapsed = selection(&plain).elapsed;
    let other = "198.51.100.9";
    let late = LookUp { takes: elapsed - MS, ..found("other.example", 0, other) };
    let roots = [server(ROOT)];
    let descent = world.descend_looking_up(client(), options(Strategy::Best), &roots, &[late]);
    assert_eq!(selection(&descent).elapsed, elapsed);
    let trace = trace(&descent);
    let row = trace.candidates.iter().find(|row| row.addr == server(other)).unwrap();
    assert_eq!((row.state, row.unasked), (CandidateState::Unasked, Some(Unasked::Ended)));
    assert_eq!(trace.unresolved, []);
}

const DOMAIN: &str = "example.org";

/// When a server was asked first, in ms after the start.
fn first_asked(world: &World, ip: &str) -> Option<u128> {
    world.log.iter().find(|sent| sent.to == server(ip)).map(|sent| sent.at.as_millis())
}

#[test]
fn the_next_priority_is_asked_when_the_one_before_is_silent() {
    for strategy in STRATEGIES {
        let mut world = World::new(50, |_, _| Path::of(10));
        let groups: [&[&str]; 3] =
            [&["198.51.100.7", "198.51.100.8"], &["198.51.100.9"], &["198.51.100.10"]];
        let names = [failed(DOMAIN, 5), srv(DOMAIN, 20, &groups)];
        let options = Options { timeout: Duration::from_secs(3), ..options(strategy) };
        let descent = world.descend_looking_up(client(), options, &[], &names);
        let asked = ["198.51.100.7", "198.51.100.8", "198.51.100.9", "198.51.100.10"];
        let asked = asked.map(|ip| first_asked(&world, ip).unwrap());
        assert_eq!(asked, [20, 20, 1020, 2020], "{strategy:?}");
        assert_eq!(unresolved(&descent), [], "it is found by its SRV records");
    }
}

#[test]
fn one_that_answers_is_enough() {
    for strategy in STRATEGIES {
        let mut world = cascade(51, Path::of(0));
        world.run_for(Duration::from_secs(3));
        let dead = "198.51.100.9";
        let names = [silent(DOMAIN), srv(DOMAIN, 20, &[&[ROOT], &[dead]])];
        let descent = world.descend_looking_up(client(), options(strategy), &[], &names);
        selection(&descent);
        assert_eq!(first_asked(&world, dead), None);
        assert_eq!(unresolved(&descent), []);
    }
}

/// Nothing listens there, which is known at once.
#[test]
fn where_the_first_priority_is_closed_nobody_waits() {
    for strategy in STRATEGIES {
        let mut world = cascade(52, Path::of(0));
        world.run_for(Duration::from_secs(3));
        let start = world.now;
        let closed = "198.51.100.9";
        world.hosts.insert(server(closed), turn_balance_sim::Host::Closed);
        let names = [failed(DOMAIN, 1), srv(DOMAIN, 20, &[&[closed], &[ROOT]])];
        let descent = world.descend_looking_up(client(), options(strategy), &[], &names);
        assert!(selection(&descent).elapsed < Duration::from_secs(1));
        assert!(world.now - start < Duration::from_secs(1));
    }
}

#[test]
fn a_domain_is_told_once_where_it_has_neither_records_nor_addresses() {
    let none = |takes| LookUp { srv: true, ..failed(DOMAIN, takes) };
    let late = LookUp { takes: MS * u32::MAX, ..none(0) };
    for (names, reason) in [
        ([failed(DOMAIN, 9), none(5)], unknown()),
        ([failed(DOMAIN, 5), late], unknown()),
        ([silent(DOMAIN), none(5)], Unresolved::Late),
    ] {
        let mut world = World::new(53, |_, _| Path::of(10));
        let descent = world.descend_looking_up(client(), options(Strategy::Best), &[], &names);
        assert_eq!(unresolved(&descent), [(DOMAIN.to_owned(), reason)]);
    }
    // Records that are looked up alone are a root of their own.
    let mut world = World::new(54, |_, _| Path::of(10));
    let names = [LookUp { host: "_tb._udp.example.org", ..none(5) }];
    let descent = world.descend_looking_up(client(), options(Strategy::Best), &[], &names);
    assert_eq!(unresolved(&descent), [("_tb._udp.example.org".to_owned(), unknown())]);
}
