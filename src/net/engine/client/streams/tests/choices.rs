//! Who is drawn of those that are as near as the nearest, where lists tell what they have free.

use super::*;
use crate::types::Load;

/// Of a leaf that is so many milliseconds away, in hundredths, and with the weight.
fn spare(n: u8, load: Option<f64>, weight: u32) -> ListedServer {
    let load = load.and_then(|used| Load::new(used, 100));
    ListedServer { load, weight, ..by_tcp(n) }
}

fn run(seed: u64, servers: &[ListedServer], options: Options) -> Selection {
    let mut world = World::new(servers.to_vec());
    world.rng = Rng::seed_from_u64(seed);
    for server in servers {
        let turn = server.turn.unwrap();
        let IpAddr::V4(ip) = turn.ip() else { panic!("{turn}") };
        world = world.far(&turn.to_string(), ms(ip.octets()[3].into()));
    }
    select(&mut world, options)
}

fn times_chosen(servers: &[ListedServer], options: &Options) -> BTreeMap<u8, u32> {
    let mut times = BTreeMap::new();
    for seed in 0..400 {
        let selection = run(seed, servers, options.clone());
        let IpAddr::V4(ip) = selection.turn.ip() else { panic!("{}", selection.turn) };
        *times.entry(ip.octets()[3]).or_default() += 1;
    }
    times
}

#[test]
fn each_is_drawn_as_often_as_it_has_of_what_is_free() {
    let servers = [
        spare(20, Some(50.0), 1),
        spare(22, Some(50.0), 2),
        spare(25, Some(90.0), 10),
        spare(26, Some(0.0), 9),
    ];
    for verify in [Verify::Off, Verify::On] {
        let times = times_chosen(&servers, &Options { verify, ..Options::default() });
        assert_eq!(times.keys().copied().collect::<Vec<_>>(), [20, 22, 25], "26 is too far");
        for (n, share) in [(20, 0.2), (22, 0.4), (25, 0.4)] {
            // Five standard deviations of 400 draws.
            assert!((f64::from(times[&n]) / 400.0 - share).abs() < 0.125, "{times:?}");
        }
    }
}

#[test]
fn the_nearest_wins_where_nobody_tells() {
    let servers = [spare(20, None, 1), spare(21, None, 500)];
    assert_eq!(times_chosen(&servers, &Options::default()), BTreeMap::from([(20, 400)]));
    let servers = [spare(20, Some(90.0), 1), spare(21, Some(0.0), 500)];
    let first = Options { strategy: Strategy::First, ..Options::default() };
    assert_eq!(times_chosen(&servers, &first), BTreeMap::from([(20, 400)]));
    let selection = run(1, &[spare(20, None, 1), spare(21, None, 1)], Options::default());
    assert_eq!((selection.drawn, selection.load), (None, None));
}

#[test]
fn it_says_that_it_was_drawn_and_of_whom() {
    let servers = [spare(20, Some(90.0), 1), spare(23, Some(10.0), 50), spare(40, Some(0.0), 9)];
    let selection = run(1, &servers, Options::default());
    assert_eq!((selection.rtt, selection.drawn), (ms(23), Some(2)));
    assert_eq!(selection.load, Load::new(10.0, 100));
    let others: Vec<_> = selection.runners_up.iter().map(|one| (one.rtt, one.why)).collect();
    assert_eq!(others, [(ms(20), Why::Drawn), (ms(40), Why::Slower)]);
}

#[test]
fn who_was_not_drawn_is_told_from_who_was_too_slow() {
    let mut world = World::new(vec![
        spare(20, Some(90.0), 1),
        spare(23, Some(10.0), 50),
        spare(40, Some(0.0), 9),
    ]);
    world.rng = Rng::seed_from_u64(1);
    for n in [20, 23, 40] {
        world = world.far(&format!("203.0.113.{n}:3478"), ms(n));
    }
    let trace = world.run(Options::default());
    let states = trace.candidates.iter().filter(|row| row.level == 1).map(|row| row.state);
    use CandidateState::{Lost, Path, Undrawn};
    assert_eq!(states.collect::<Vec<_>>(), [Undrawn, Path, Lost]);
}

/// Its second is begun when the nearest has answered, and comes 4 ms after nothing nearer than that can.
#[test]
fn one_whose_first_connection_is_lost_is_awaited_for_the_draw() {
    let mut world = World::new(vec![spare(100, Some(50.0), 1), spare(109, Some(50.0), 1)]);
    world = world.far("203.0.113.100:3478", ms(100));
    let mut begun = 0;
    let distance = move |_: &mut Rng| {
        begun += 1;
        Ok(ms(if begun == 1 { 1109 } else { 109 }))
    };
    world.places.insert(addr("203.0.113.109:3478"), Box::new(distance));
    let options = Options { verify: Verify::Off, ..Options::default() };
    assert_eq!(select(&mut world, options).drawn, Some(2));
}

/// The nearest takes connections, and TURN cannot be spoken with it.
#[test]
fn those_behind_one_that_is_in_vain_are_drawn_as_well() {
    let servers = [spare(10, Some(0.0), 9), spare(20, Some(50.0), 1), spare(24, Some(50.0), 1)];
    let mut chosen = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let mut world = World::new(servers.to_vec());
        world.rng = Rng::seed_from_u64(seed);
        world.broken.push("turn:203.0.113.10:3478?transport=tcp".into());
        for n in [10, 20, 24] {
            world = world.far(&format!("203.0.113.{n}:3478"), ms(n));
        }
        let selection = select(&mut world, Options::default());
        assert_eq!(selection.drawn, Some(2));
        chosen.insert(selection.rtt);
    }
    assert_eq!(chosen.into_iter().collect::<Vec<_>>(), [ms(20), ms(24)]);
}
