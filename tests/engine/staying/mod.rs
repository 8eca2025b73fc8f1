//! Whoever stays: when it measures, when it goes down again, and when it moves.

mod bench;
mod courses;

use std::net::SocketAddr;

use turn_balance::internals::wire::{ProbeReply, Response, ResponseBody, State, stun};
use turn_balance::{CandidateState, WatchChange, WatchReason};

use bench::{Bench, Spot, leaf, ms, s, turn};

#[test]
fn whoever_is_the_best_is_stayed_with() {
    let mut bench = Bench::new(1, &[20, 25, 30, 90]);
    bench.run(s(3600));
    assert_eq!(bench.using(), Some(1));
    let [(at, WatchChange { reason: WatchReason::Selected, left: None, .. })] = &bench.changes[..]
    else {
        panic!("{:?}", bench.changes);
    };
    assert_eq!(*at, ms(200));
    // Every five minutes, 10 % more or less.
    assert!((11..=14).contains(&bench.descents.len()), "{:?}", bench.descents);
    let sent: usize = bench.sent.values().map(Vec::len).sum();
    assert!((9 * 650..=9 * 800).contains(&sent), "{sent}");
    assert!(!bench.sent.contains_key(&turn(4)), "only two stand by");
}

#[test]
fn a_turn_server_that_dies_beside_a_living_leaf_is_left_after_three_requests() {
    let mut bench = Bench::new(2, &[20, 25, 30]);
    bench.run(s(60));
    let died = bench.since();
    bench.spot(1).turn_lives = false;
    bench.run(s(10));
    assert_eq!(bench.using(), Some(2));
    let (at, change) = &bench.changes[1];
    let WatchReason::Silent { lasted } = change.reason else { panic!("{change:?}") };
    assert!(lasted >= s(3) && lasted < ms(3_100), "{lasted:?}");
    assert!(*at - died <= ms(8_600), "{:?}", *at - died);
    // Asked three times a second apart, two copies each.
    let asked = bench.sent[&turn(1)].iter().filter(|sent| **sent > died).copied();
    let asked: Vec<_> = asked.map(|sent| sent - (*at - lasted)).collect();
    let expected = [0, 300, 1_000, 1_300, 2_000, 2_300];
    assert_eq!(asked, expected.map(ms));
    let standbys: Vec<_> =
        change.selection.as_ref().unwrap().runners_up.iter().map(|one| one.turn).collect();
    assert_eq!(standbys, [turn(3)]);
}

#[test]
fn one_answer_that_is_late_or_two_that_are_lost_change_nothing() {
    let mut bench = Bench::new(3, &[20, 25]);
    bench.run(s(60));
    for _ in 0..50 {
        // Down for up to 2.5 s: one of three requests at least is answered.
        bench.spot(1).turn_lives = false;
        bench.run(ms(1_900));
        bench.spot(1).turn_lives = true;
        bench.run(s(7));
    }
    // As far as by way of three satellites.
    bench.spot(1).rtt = ms(1_500);
    bench.spot(2).rtt = ms(1_500);
    bench.run(s(60));
    assert_eq!((bench.using(), bench.changes.len()), (Some(1), 1), "{:?}", bench.changes);
}

#[test]
fn a_leaf_that_dies_beside_a_living_turn_server_changes_nothing() {
    let mut bench = Bench::new(4, &[20, 25]);
    bench.run(s(60));
    bench.spot(1).leaf_lives = false;
    bench.run(s(600));
    assert_eq!((bench.using(), bench.changes.len()), (Some(1), 1));
}

#[test]
fn whoever_asks_not_to_be_chosen_is_left_at_once() {
    for state in [State::Draining, State::Full, State::TurnDown] {
        let mut bench = Bench::new(5, &[20, 25, 30]);
        bench.run(s(60));
        bench.spot(1).state = state;
        bench.run(ms(5_600));
        assert_eq!(bench.using(), Some(2), "{state:?}");
        assert!(matches!(bench.changes[1].1.reason, WatchReason::Says(_)));
        // And not come back to, however near.
        bench.spot(2).rtt = ms(200);
        bench.run(s(60));
        assert_eq!(bench.using(), Some(3), "{state:?}");
    }
}

/// Who is used, and who was named beside it, in the last change.
fn told(bench: &Bench, wanted: usize) -> (SocketAddr, Vec<SocketAddr>) {
    let selection = bench.changes.last().unwrap().1.selection.as_ref().unwrap();
    let named = selection.runners_up.iter().take(wanted).map(|one| one.turn);
    (selection.turn, named.collect())
}

#[test]
fn a_runner_up_that_is_gone_is_told_of_once_where_some_are_wanted() {
    let mut bench = Bench::wanting(13, &[20, 25, 30], 1);
    bench.run(s(60));
    assert_eq!((told(&bench, 1), bench.changes.len()), ((turn(1), vec![turn(2)]), 1));
    bench.spot(2).turn_lives = false;
    bench.run(s(120));
    assert_eq!((told(&bench, 1), bench.changes.len()), ((turn(1), vec![turn(3)]), 2));
    let WatchChange { left: Some(left), reason: WatchReason::Silent { lasted }, .. } =
        &bench.changes[1].1
    else {
        panic!("{:?}", bench.changes)
    };
    assert!(left.turn == turn(2) && *lasted > s(10) && *lasted < s(25), "{lasted:?}");
    // It lives again, and another is named by now.
    bench.spot(2).turn_lives = true;
    bench.run(s(600));
    assert_eq!(bench.changes.len(), 2);
    bench.spot(3).state = State::Draining;
    bench.run(ms(5_600));
    assert_eq!((told(&bench, 1), bench.changes.len()), ((turn(1), vec![turn(2)]), 3));
    assert_eq!(bench.changes[2].1.reason, WatchReason::Says(CandidateState::Draining));
    // Nobody else is left; and then somebody is.
    bench.spot(2).state = State::Draining;
    bench.run(ms(5_600));
    assert_eq!((told(&bench, 1), bench.changes.len()), ((turn(1), vec![]), 4));
    bench.spot(2).state = State::Offering;
    bench.run(s(70));
    assert_eq!((told(&bench, 1), bench.changes.len()), ((turn(1), vec![turn(2)]), 5));
    assert_eq!(bench.changes[4].1.reason, WatchReason::Standbys);
    // Moves are told as ever, and with whom they leave.
    bench.spot(1).turn_lives = false;
    bench.run(s(10));
    assert_eq!((bench.using(), bench.changes.len()), (Some(2), 6));

    let mut bench = Bench::new(14, &[20, 25, 30]);
    bench.run(s(60));
    bench.spot(2).turn_lives = false;
    bench.run(s(120));
    assert_eq!(bench.changes.len(), 1, "who wants none is not told of them");
}

#[test]
fn runners_up_that_are_missing_are_looked_for_a_few_times() {
    let mut bench = Bench::wanting(16, &[20, 25, 30], 2);
    bench.run(s(60));
    assert_eq!(bench.descents.len(), 1);
    // One is lost, and another is there.
    bench.spots.insert(4, Spot { rtt: ms(40), ..bench.spots[&1] });
    bench.spot(2).turn_lives = false;
    bench.run(s(25));
    assert_eq!((told(&bench, 2), bench.descents.len()), ((turn(1), vec![turn(3), turn(4)]), 2));
    // Nobody else is.
    bench.spot(3).turn_lives = false;
    bench.run(s(200));
    assert_eq!((told(&bench, 2), bench.descents.len()), ((turn(1), vec![turn(4)]), 9));
    bench.run(s(3600));
    assert!(bench.descents.len() < 9 + 15, "{:?}", bench.descents);

    // From the first on, and no longer where as many are there.
    let mut bench = Bench::wanting(17, &[20], 1);
    bench.run(ms(500));
    bench.spots.insert(2, Spot { rtt: ms(40), ..bench.spots[&1] });
    bench.run(s(60));
    assert_eq!((told(&bench, 1), bench.descents.len()), ((turn(1), vec![turn(2)]), 2));
}

#[test]
fn where_a_whole_site_is_drained_nobody_is_moved_to_who_says_so_as_well() {
    let mut bench = Bench::new(18, &[20, 25, 60]);
    bench.run(s(60));
    (bench.spot(1).state, bench.spot(2).state) = (State::Draining, State::Draining);
    bench.run(ms(5_600));
    assert_eq!((bench.using(), bench.changes.len()), (Some(3), 2), "{:?}", bench.changes);
    // A leaf that is dead beside a living TURN server is not waited for without end.
    let mut bench = Bench::new(19, &[20, 25]);
    bench.run(s(60));
    (bench.spot(1).state, bench.spot(2).leaf_lives) = (State::Draining, false);
    bench.run(ms(6_100));
    assert_eq!((bench.using(), bench.changes.len()), (Some(2), 2));
}

#[test]
fn so_many_stand_by_as_are_wanted_and_no_more_than_seven() {
    for (wanted, measured) in [(1, 3), (5, 6), (200, 8)] {
        let mut bench = Bench::wanting(15, &[20; 12], wanted);
        bench.run(s(60));
        assert_eq!(bench.sent.keys().filter(|to| to.port() == 3478).count(), measured);
        assert_eq!(told(&bench, wanted).1.len(), wanted.min(7));
    }
}

#[test]
fn of_those_that_were_drawn_the_next_is_gone_to_and_not_the_nearest() {
    let mut bench = Bench::new(12, &[20, 24, 21]);
    (1..=3).for_each(|n| bench.spot(n).drawn = true);
    bench.run(s(60));
    bench.spot(1).state = State::Full;
    bench.run(ms(5_600));
    assert_eq!(bench.using(), Some(2));
}

#[test]
fn a_leaf_that_names_another_turn_server_is_left() {
    let mut bench = Bench::new(6, &[20, 25]);
    bench.run(s(60));
    bench.spot(1).names = 3479;
    bench.run(ms(5_600));
    assert_eq!(bench.using(), Some(2));
    assert_eq!(bench.changes[1].1.reason, WatchReason::Renamed);
}

#[test]
fn whoever_asks_not_to_be_chosen_is_stayed_with_where_nobody_else_is() {
    let mut bench = Bench::new(7, &[20]);
    bench.run(s(60));
    bench.spot(1).state = State::Draining;
    bench.run(s(600));
    assert_eq!((bench.using(), bench.changes.len()), (Some(1), 1));
    // Looked for somebody else, no oftener than once a minute in the end.
    assert!((8..=20).contains(&bench.descents.len()), "{:?}", bench.descents);
    bench.spots.insert(2, Spot { rtt: ms(90), state: State::Offering, ..bench.spots[&1] });
    bench.run(s(70));
    assert_eq!(bench.using(), Some(2));
}

#[test]
fn another_is_moved_to_that_is_nearer_by_10_ms_and_a_third_three_times() {
    let moves = |rtt, other| {
        let mut bench = Bench::new(8, &[20, 21]);
        bench.run(s(60));
        (bench.spot(1).rtt, bench.spot(2).rtt) = (ms(rtt), ms(other));
        let before = bench.since();
        bench.run(s(120));
        assert_eq!(bench.changes.len(), 1 + usize::from(bench.using() == Some(2)));
        (bench.using() == Some(2)).then(|| bench.changes[1].0 - before)
    };
    assert_eq!(moves(29, 20), None); // a third, and not 10 ms
    assert_eq!(moves(60, 41), None); // 10 ms, and not a third
    assert_eq!(moves(30, 21), None);
    for (rtt, other) in [(30, 20), (60, 40), (200, 20)] {
        let after = moves(rtt, other).unwrap();
        assert!(after > s(9) && after < s(18), "{after:?}");
    }
}

#[test]
fn where_nobody_answers_that_is_told_once_and_looked_for_with_patience() {
    let mut bench = Bench::new(9, &[20, 25]);
    bench.run(s(60));
    (bench.spot(1).turn_lives, bench.spot(2).turn_lives) = (false, false);
    bench.run(s(3600));
    assert_eq!((bench.using(), bench.changes.len()), (None, 2));
    let (_, lost) = &bench.changes[1];
    assert_eq!((lost.selection.is_none(), lost.left.as_ref().unwrap().turn), (true, turn(1)));
    assert!((55..70).contains(&bench.descents.len()), "{}", bench.descents.len());
    // Both live again, and are about as near: the one before is come back to.
    (bench.spot(1).turn_lives, bench.spot(2).turn_lives) = (true, true);
    bench.spot(2).rtt = ms(15);
    bench.run(s(61));
    assert_eq!(bench.using(), Some(1));
    assert_eq!(bench.changes[2].1.reason, WatchReason::Selected);
}

#[test]
fn another_network_has_all_looked_at_again_but_not_without_end() {
    let mut bench = Bench::new(10, &[20, 25]);
    bench.run(s(60));
    bench.spots.insert(3, Spot { rtt: ms(5), ..bench.spots[&1] });
    bench.engine.handle_network_change(bench.now);
    bench.run(s(30));
    assert_eq!((bench.using(), bench.descents.len()), (Some(3), 2));
    for _ in 0..3600 {
        bench.engine.handle_network_change(bench.now);
        bench.run(s(1));
    }
    assert!(bench.descents.len() < 75, "{}", bench.descents.len());
    assert_eq!(bench.using(), Some(3));
}

#[test]
fn nothing_that_comes_from_elsewhere_or_twice_counts() {
    let mut bench = Bench::new(11, &[20, 25]);
    bench.run(s(60));
    bench.spot(1).turn_lives = false;
    bench.run(s(3));
    for id in 0..1000 {
        let reply = ProbeReply {
            nonce: 7,
            turn: Some(turn(2)),
            state: State::Draining,
            version: 1,
            ..ProbeReply::default()
        };
        let forged = Response { id, body: ResponseBody::Probe(reply) }.encode();
        bench.engine.handle_datagram(bench.now, leaf(2), &forged);
        let binding = stun::binding_request(u128::from(id));
        let mut answer = binding.clone();
        answer[..2].copy_from_slice(&[1, 1]);
        bench.engine.handle_datagram(bench.now, turn(1), &answer);
    }
    bench.run(s(6));
    assert_eq!(bench.using(), Some(2));
}
