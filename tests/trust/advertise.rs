//! What heartbeats that advertise other addresses can make a superior send there.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::auth::{Heartbeat, Trust};
use turn_balance::internals::engine::server::members::Members;
use turn_balance::internals::wire::Ping;

use crate::world::*;
use turn_balance_sim::{Path, Sent, Site, World};

/// Bytes of IPv4 and UDP headers.
const HEADERS: usize = 28;

/// Whoever has never agreed to be asked.
fn victim(n: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 20_000 + n as u16))
}

/// The most that arrives at victims within a minute, over what was sent to the superior within that
/// minute and the `before` of it that a heartbeat pays for.
fn worst_minute(world: &World, sent: &[(Duration, usize)], before: Duration) -> f64 {
    let minute = Duration::from_secs(60);
    let drawn: Vec<_> =
        world.log.iter().filter(|sent| sent.to.ip() == victim(0).ip()).copied().collect();
    let within = |at: Duration, from: Duration, to: Duration| (from..=to).contains(&at);
    let ratio = |end: &Sent| {
        let from = end.at.saturating_sub(minute);
        let drawn = drawn.iter().filter(|sent| within(sent.at, from, end.at));
        let paid = from.saturating_sub(before);
        let sent = sent.iter().filter(|(at, _)| within(*at, paid, end.at));
        let drawn: usize = drawn.map(|sent| sent.len + HEADERS).sum();
        drawn as f64 / sent.map(|(_, bytes)| bytes).sum::<usize>() as f64
    };
    drawn.iter().map(ratio).fold(0.0, f64::max)
}

#[test]
fn what_is_advertised_draws_three_times_what_its_key_holder_sends_at_most() {
    // Always another place, always the same, in a hurry, at leisure, and from many addresses.
    for (places, insiders, pause) in
        [(60_000, 1_u16, 250), (1, 1, 250), (1, 1, 3000), (60_000, 40, 250), (1, 40, 3000)]
    {
        let mut world = world(31, |_, _| Path::of(5));
        world.start(superior(), &superior_site(&[], open(10_000, &[])));
        let insider =
            |n: u16| Insider::new(SocketAddr::from(([203, 0, 113, 40], 20_000 + n)), key(1));
        let mut insiders: Vec<_> = (0..insiders).map(insider).collect();
        let mut sent = Vec::new();
        let start = world.now;
        for turn in 0..120_000 / pause {
            for (n, insider) in insiders.iter_mut().enumerate() {
                let before = insider.sent;
                insider.advertise(&mut world, victim((turn * 40 + n) % places));
                sent.push((world.now - start, insider.sent - before));
            }
            world.run_for(Duration::from_millis(pause as u64));
        }
        world.run_for(Duration::from_secs(400));
        let worst = worst_minute(&world, &sent, Duration::from_secs(12));
        let arrived = world.log.iter().filter(|sent| sent.to.ip() == victim(0).ip());
        let arrived: usize = arrived.map(|sent| sent.len + HEADERS).sum();
        let sent: usize = sent.iter().map(|(_, bytes)| bytes).sum();
        println!(
            "{places} places, {} addresses: {sent} bytes sent, {arrived} arrived at the victim, {worst:.2} in the worst minute",
            insiders.len()
        );
        assert!(arrived > 0 && worst <= 3.0 && arrived <= 3 * sent, "{worst}");
        assert!(count(&world).1 <= 40, "silent places are no nodes");
    }
}

/// A node behind a NAT, which is to be found where it says, or not.
fn behind_nat(seed: u64, loss: f64, old: &[u8]) -> World<'static> {
    let (inside, source, advertised) = (addr("10.0.0.5:3001"), addr("192.0.2.50:61000"), node(80));
    let mut world = world(seed, move |from, to| {
        // Only what answers comes through the source: no check.
        let blocked = to == source && from.port() != 3001;
        Path { loss: if blocked { 1.0 } else { loss }, ..Path::of(20) }
    });
    world.nat_sources.insert(inside, source);
    world.nat_forwards.extend([(source, inside), (advertised, inside)]);
    world.start(
        superior(),
        &superior_site(&[], Trust { keys: keys(&[1, 2]).keys, ..open(10, &[]) }),
    );
    let site = Site { advertise: Some(advertised), ..leaf_site(80, keys(old)) };
    world.start(inside, &site);
    world
}

#[test]
fn a_node_behind_a_nat_is_online_as_soon_as_it_has_answered_twice() {
    let mut world = behind_nat(32, 0.0, &[2]);
    // The TURN server, the heartbeat, the Pong, the heartbeat again, a short check and a full one.
    world.run_for(Duration::from_millis(300));
    assert_eq!(count(&world), (1, 1));
    let late = (0..100).filter(|seed| {
        let mut world = behind_nat(*seed, 0.2, &[2]);
        world.run_for(4 * SECOND);
        count(&world).0 == 0
    });
    let late = late.count();
    assert!(late <= 16, "{late} of 100, with a fifth lost each way");
}

#[test]
fn a_node_behind_a_nat_changes_its_key_without_a_gap() {
    let mut world = behind_nat(33, 0.0, &[1]);
    world.run_for(5 * SECOND);
    let now = world.now;
    let inside = addr("10.0.0.5:3001");
    server(&mut world, inside).engine.set_trust(now, keys(&[2]), Some(node(80)));
    for _ in 0..300 {
        world.run_for(Duration::from_millis(100));
        assert_eq!(count(&world), (1, 1));
    }
}

#[test]
fn a_node_behind_a_nat_that_was_cut_off_is_back_with_its_next_heartbeat() {
    for seed in 0..20 {
        let mut world = behind_nat(seed, 0.0, &[1]);
        world.run_for(Duration::from_millis(5000 + 170 * seed));
        let whole = std::mem::replace(&mut world.path, Box::new(|_, _| Path::of(20)));
        let (whole, cut) = (Rc::new(whole), node(80));
        let path = whole.clone();
        world.path = Box::new(move |from, to| match to == cut {
            true => Path { loss: 1.0, ..Path::of(20) },
            false => path(from, to),
        });
        world.run_for(Duration::from_secs(60));
        assert_eq!(count(&world).0, 0);
        world.path = Box::new(move |from, to| whole(from, to));
        world.run_for(4 * SECOND);
        assert_eq!(count(&world).0, 1, "seed {seed}");
    }
}

/// The nodes of a superior, without anything around them.
struct Gathering {
    members: Members,
    start: Instant,
    seq: u64,
}

impl Gathering {
    fn new(max_nodes: usize) -> Self {
        let start = Instant::now();
        let mut members = Members::new(Rng::seed_from_u64(34));
        let trust = open(max_nodes, &["192.0.2.0/24"]);
        members.set_trust(start, Trust { keys: keys(&[1, 2]).keys, ..trust });
        Self { members, start, seq: 0 }
    }

    /// A heartbeat comes that advertises a port of the victim.
    fn hear(&mut self, ms: u64, from: SocketAddr, port: u16, key: u32) {
        let now = self.start + Duration::from_millis(ms);
        let advertise = Some(victim(port.into()));
        let mut challenge = 0;
        for _ in 0..2 {
            self.seq += 1;
            let ping = Ping { seq: self.seq, challenge, advertise, ..Ping::default() };
            let heartbeat = Heartbeat { ping, key: Some(key), len: 64 };
            match self.members.handle_heartbeat(now, from, &heartbeat) {
                Ok(Some(pong)) => challenge = pong.challenge,
                other => return assert_eq!(other, Ok(None)),
            }
        }
    }

    /// How many places of these are asked at most.
    fn named(&mut self, names: impl IntoIterator<Item = (SocketAddr, u32)>) -> usize {
        for (n, (from, key)) in (0..).zip(names) {
            self.hear(n.into(), from, n, key);
        }
        self.members.unproven()
    }
}

#[test]
fn nobody_advertises_many_places() {
    let at = |ip: [u8; 4], port: u16| SocketAddr::from((ip, port));
    let one = (0..2000).map(|_| (at([203, 0, 113, 1], 9), 1));
    assert_eq!(Gathering::new(5000).named(one), 1, "the new one replaces the old");
    let address = (0..2000).map(|n| (at([203, 0, 113, 1], 1000 + n), 1));
    assert_eq!(Gathering::new(5000).named(address), 16);
    let network = (0..2000).map(|n| (at([203, 0, 113, n as u8], 1000 + n), 1));
    assert_eq!(Gathering::new(5000).named(network), 64);
    let wide =
        |key| (0..1500).map(move |n: u16| (at([198, n as u8, (n >> 8) as u8, key], 9), key.into()));
    assert_eq!(Gathering::new(5000).named(wide(1)), 1024);
    assert_eq!(Gathering::new(5000).named(wide(1).chain(wide(2))), 2048);
    let mut full = Gathering::new(3500);
    assert_eq!(full.named(wide(1).chain(wide(2)).take(1100)), 1024);
    full.members.handle_timeout(full.start + Duration::from_secs(15));
    assert_eq!((full.members.unproven(), full.members.poll_timeout()), (0, None));
}

#[test]
fn who_does_not_answer_where_it_says_is_asked_ever_more_seldom() {
    let mut gathering = Gathering::new(10);
    let mut asked = Vec::new();
    for ms in (0..120_000).step_by(250) {
        // Another place each time does not help.
        gathering.hear(ms, node(9), (ms / 250) as u16, 1);
        let now = gathering.start + Duration::from_millis(ms);
        gathering.members.handle_timeout(now);
        while let Some(check) = gathering.members.poll_transmit(now) {
            assert_eq!(check.payload.len(), 70);
            asked.push(ms);
        }
    }
    assert_eq!(asked[..7], [0, 250, 750, 1750, 3750, 7750, 15_750]);
    assert!(asked[6..].windows(2).all(|pair| pair[1] - pair[0] == 16_000), "{asked:?}");
}
