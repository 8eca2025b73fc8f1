//! Several superiors, some of whom lie: what one says changes nothing of what another hears.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::ServerEngine;
use turn_balance::internals::engine::server::auth::{Heartbeat, PeerMessage};
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::engine::server::heartbeat::Outgoing;
use turn_balance::internals::engine::server::incoming::LocalAddr;
use turn_balance::internals::engine::server::members::Members;
use turn_balance::internals::engine::server::turn::{HealthPlan, TurnSpec};
use turn_balance::internals::wire::auth::Purpose;
use turn_balance::internals::wire::{Ping, Pong, Response, ResponseBody};

use crate::world::*;
use turn_balance_sim::{Host, Path, Site, World};

/// Where numbers end.
const END: u64 = 1 << 63;

fn rogue() -> SocketAddr {
    addr("198.51.100.66:3001")
}

fn signed(pong: Pong) -> Vec<u8> {
    let mut payload = Response { id: 0, body: ResponseBody::Pong(pong) }.encode();
    key(1).sign(Purpose::Pong, &mut payload, 0);
    payload
}

/// A superior, leaf 11 with a second superior, and that one, which tells it this last number.
fn beside_a_rogue(last_seq: u64) -> World<'static> {
    let mut world = world(31, |_, _| Path::of(5));
    world.start(superior(), &superior_site(&[], open(10, &[])));
    let answer = move |to, _, request: &[u8]| {
        let pong = Pong { seq: ping(request).seq, challenge: 7, status: 1, last_seq };
        vec![(to, signed(pong))]
    };
    world.hosts.insert(rogue(), Host::Actor(Box::new(answer)));
    let site = leaf_site(11, keys(&[1]));
    world.start(node(11), &Site { superiors: vec![superior(), rogue()], ..site });
    world
}

#[test]
fn a_superior_that_tells_a_high_number_mutes_nobody() {
    for last_seq in [u64::MAX, END, END - 1, END - 1000] {
        let mut world = beside_a_rogue(last_seq);
        world.run_for(60 * SECOND);
        let numbers = seen(&world, node(11), superior());
        let numbers: Vec<_> = numbers.iter().map(|payload| ping(payload).seq).collect();
        assert!(numbers.len() > 15, "{}", numbers.len());
        assert!(numbers.is_sorted_by(|a, b| a < b), "{last_seq:x}: {numbers:x?}");
        assert!(numbers.iter().all(|seq| *seq < END >> 1), "{last_seq:x}: {numbers:x?}");
        assert_eq!(dropped(&mut world), [], "{last_seq:x}");
        assert_eq!(count(&world), (1, 1));
    }
}

#[test]
fn a_pong_counts_only_from_the_superior_that_was_asked() {
    let mut world = pair(32, &[], open(10, &[]));
    world.run_for(Duration::from_millis(20));
    // The superior's own answer is lost, and others give it, who have seen the heartbeat.
    world.stop(superior());
    world.start(node(11), &leaf_site(11, keys(&[1])));
    world.run_for(Duration::from_millis(20));
    let before = seen(&world, node(11), superior());
    let seq = ping(before.last().unwrap()).seq;
    let answer = signed(Pong { seq, challenge: 7, ..Pong::default() });
    let strangers = ["198.51.100.1:3002", "198.51.100.2:3001"].map(addr);
    for from in strangers.into_iter().chain([rogue()]) {
        world.send(from, node(11), answer.clone());
    }
    world.run_for(Duration::from_millis(100));
    let dropped = &world.hosts[&node(11)].server().dropped;
    assert_eq!(*dropped, [DropReason::StrayPong; 3]);
    assert_eq!(seen(&world, node(11), superior()).len(), before.len());
    world.send(superior(), node(11), answer);
    world.run_for(Duration::from_millis(100));
    let after = seen(&world, node(11), superior());
    assert_eq!(ping(&after[before.len()]).challenge, 7);
}

#[test]
fn numbers_end_at_half_of_their_range() {
    let mut world = pair(33, &[node(12)], open(10, &[]));
    world.run_for(SECOND);
    let send = |world: &mut World, seq, challenge| {
        let ping = Ping { seq, challenge, ..Ping::default() };
        world.send(node(12), superior(), heartbeat(&key(1), Purpose::Ping, ping));
        world.run_for(Duration::from_millis(20));
        dropped(world)
    };
    assert_eq!(send(&mut world, u64::MAX, 0), []);
    let challenge = pong(&seen(&world, superior(), node(12))[0]).unwrap().challenge;
    assert_eq!(send(&mut world, u64::MAX, challenge), [DropReason::Replayed]);
    assert_eq!(send(&mut world, END, challenge), [DropReason::Replayed]);
    assert_eq!(send(&mut world, 1, challenge), [], "nothing of that is remembered");
    assert_eq!(send(&mut world, END - 1, challenge), []);
    assert_eq!(send(&mut world, END, challenge), [DropReason::Replayed]);
}

/// A superior that a node knows by two addresses, and that knows the node by one.
struct TwoNames {
    now: Instant,
    above: Members,
    below: ServerEngine,
    rng: Rng,
    /// How many heartbeats to each address it has dropped as repeated.
    replayed: [usize; 2],
}

impl TwoNames {
    fn new(seed: u64) -> Self {
        let (now, mut rng) = (Instant::now(), Rng::seed_from_u64(seed));
        let (above, below) = (Self::superior(now, &mut rng), Self::node(now, &mut rng));
        Self { now, above, below, rng, replayed: [0; 2] }
    }

    fn superior(now: Instant, rng: &mut Rng) -> Members {
        let mut above = Members::new(Rng::from_rng(rng));
        above.set_trust(now, open(10, &[]));
        above
    }

    fn node(now: Instant, rng: &mut Rng) -> ServerEngine {
        let mut below = ServerEngine::new(None, Rng::from_rng(rng));
        let turn = TurnSpec::new(addr("203.0.113.11:3478"));
        below.set_turn(now, [TurnSpec { plan: HealthPlan::None, ..turn }]);
        below.set_trust(now, keys(&[1]), None);
        below.set_superiors(now, vec![superior(), rogue()]);
        below
    }

    /// Lets so much time pass, and loses one in ten of what is sent.
    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.below.handle_timeout(self.now);
            self.below.poll_snapshot(self.now);
            while let Some(Outgoing { transmit, .. }) = self.below.poll_heartbeat(self.now) {
                let lost = [(); 2].map(|()| self.rng.random_bool(0.1));
                if lost[0] {
                    continue;
                }
                let len = transmit.payload.len();
                let heard = Heartbeat { ping: ping(&transmit.payload), key: Some(1), len };
                match self.above.handle_heartbeat(self.now, node(11), &heard) {
                    Ok(Some(pong)) if !lost[1] => {
                        let via = LocalAddr(node(11));
                        let pong = PeerMessage::Pong(pong, 1);
                        let taken =
                            self.below.handle_peer_message(self.now, via, transmit.to, &pong);
                        assert_eq!(taken, Ok(()));
                    }
                    Err(DropReason::Replayed) => {
                        self.replayed[usize::from(transmit.to == rogue())] += 1;
                    }
                    other => assert!(other.is_ok(), "{other:?}"),
                }
            }
            self.now = self.below.poll_timeout().unwrap().min(end);
        }
    }
}

#[test]
fn two_addresses_of_one_superior_do_not_fight() {
    for seed in 0..200 {
        let mut two = TwoNames::new(seed);
        for _ in 0..20 {
            match two.rng.random_range(0..3) {
                0 => two.above = TwoNames::superior(two.now, &mut two.rng),
                1 => two.below = TwoNames::node(two.now, &mut two.rng),
                _ => {}
            }
            let time = Duration::from_millis(two.rng.random_range(1..60_000));
            two.run_for(time);
        }
        assert_eq!(two.replayed, [0, 0], "seed {seed}");
    }
}
