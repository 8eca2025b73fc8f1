//! Signed heartbeats: what is answered, and when the next one leaves.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::engine::server::heartbeat::{Heartbeats, Outgoing, Tells};
use turn_balance::internals::engine::server::incoming::LocalAddr;
use turn_balance::internals::wire::auth::{Key, Purpose, Tag};
use turn_balance::internals::wire::{Ping, Pong, Response, ResponseBody};

use crate::world::*;
use turn_balance_sim::{Jitter, Path, World};

#[test]
fn a_stale_heartbeat_is_answered_and_the_next_one_accepted_at_once() {
    let mut world = pair(1, &[], open(10, &[]));
    world.run_for(Duration::from_millis(100));
    assert_eq!(count(&world), (1, 1), "without being listed");
    let up = seen(&world, node(11), superior());
    let down = seen(&world, superior(), node(11));
    let [first, second, ..] = &up[..] else { panic!("{} heartbeats", up.len()) };
    assert_eq!(ping(first).challenge, 0);
    let answer = pong(&down[0]).unwrap();
    assert_eq!((answer.seq, answer.last_seq, answer.status), (ping(first).seq, 0, 1));
    assert_eq!(ping(second).challenge, answer.challenge);
    assert!(down[0].len() <= first.len(), "{} bytes to {}", down[0].len(), first.len());
    assert!(matches!(keys(&[1]).keys.judge(Purpose::Pong, &down[0]), Tag::Right(_)));
    // One that was answered is not answered again.
    for from in [superior(), addr("198.51.100.2:3001")] {
        world.send(from, node(11), down[0].clone());
    }
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[&node(11)].server().dropped, [DropReason::StrayPong; 2]);
    assert_eq!(seen(&world, node(11), superior()).len(), up.len());
    // Nor one that the superior has not signed.
    let forged = Pong { seq: ping(second).seq, challenge: 7, ..answer };
    let unsigned = Response { id: 0, body: ResponseBody::Pong(forged) }.encode();
    let mut wrong = unsigned.clone();
    Key::new(1, &[9; 32]).sign(Purpose::Pong, &mut wrong, 0);
    for payload in [unsigned, wrong] {
        world.send(superior(), node(11), payload);
    }
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[&node(11)].server().dropped[2..], [DropReason::WrongTag; 2]);
    assert_eq!(seen(&world, node(11), superior()).len(), up.len());
    let pongs = |world: &World| {
        seen(world, superior(), node(11)).iter().filter_map(|payload| pong(payload)).count()
    };
    let before = pongs(&world);
    // A challenge lasts a minute or two, and nobody goes offline when it ends.
    for _ in 0..600 {
        world.run_for(SECOND);
        assert_eq!(count(&world), (1, 1));
    }
    let pongs = pongs(&world) - before;
    assert!((4..=5).contains(&pongs), "{pongs} in ten minutes");
    assert_eq!(dropped(&mut world), []);
}

#[test]
fn a_node_that_restarts_goes_on_with_its_numbers() {
    let mut world = pair(2, &[], open(10, &[]));
    world.run_for(30 * SECOND);
    let before = seen(&world, node(11), superior()).len();
    let last = ping(&seen(&world, node(11), superior())[before - 1]).seq;
    world.start(node(11), &leaf_site(11, keys(&[1])));
    world.run_for(SECOND);
    let after = seen(&world, node(11), superior());
    let [first, second] = [0, 1].map(|n| ping(&after[before + n]).seq);
    assert!(last < second && first != second, "{last:x}, then {first:x} and {second:x}");
    assert_eq!(dropped(&mut world), []);
    assert_eq!(count(&world), (1, 1));
}

#[test]
fn no_answer_is_longer_than_its_heartbeat() {
    let mut world = pair(20, &[], open(10, &[]));
    let mut short = vec![0x1a, 0x00];
    key(1).sign(Purpose::Ping, &mut short, 0);
    world.send(node(12), superior(), short);
    world.run_for(Duration::from_millis(20));
    assert_eq!(dropped(&mut world), [DropReason::ShortHeartbeat]);
    assert_eq!(seen(&world, superior(), node(12)).len(), 0);
}

#[test]
fn loss_duplication_and_reordering_keep_no_node_out() {
    for seed in 0..20 {
        let mut world = world(seed, |from, to| {
            let jitter = Jitter::Even(300.0);
            let beside = from.ip() == to.ip();
            let faults = Path { jitter, loss: 0.1, twice: 0.2, ..Path::of(20) };
            if beside { Path::of(0) } else { faults }
        });
        world.start(superior(), &superior_site(&[node(11)], required(open(10, &[]))));
        for n in [11, 12] {
            world.start(node(n), &leaf_site(n, keys(&[1])));
        }
        world.run_for(10 * SECOND);
        for second in 0..300 {
            world.run_for(SECOND);
            assert_eq!(count(&world), (2, 2), "seed {seed}, second {second}");
        }
        let reasons = dropped(&mut world);
        assert!(reasons.iter().all(|reason| *reason == DropReason::Replayed), "seed {seed}");
    }
}

/// A server's heartbeats to one superior, which a test answers by hand.
struct Knocker(Heartbeats, Instant);

impl Knocker {
    fn new() -> Self {
        let now = Instant::now();
        let mut heartbeats = Heartbeats::new(None, Rng::seed_from_u64(18));
        heartbeats.set_identity(Some(key(1)), None);
        heartbeats.set_superiors(now, [superior()]);
        heartbeats.set_offer(now, Tells::Offering, 1);
        Self(heartbeats, now)
    }

    /// The next heartbeat: when it leaves, by which socket, and what it says.
    fn next(&mut self) -> (Instant, Option<SocketAddr>, Ping) {
        self.1 = self.1.max(self.0.poll_timeout().unwrap());
        let Outgoing { transmit, via } = self.0.poll_transmit(self.1).unwrap();
        (self.1, via.map(|LocalAddr(via)| via), ping(&transmit.payload))
    }

    fn refuse(&mut self, via: SocketAddr, seq: u64, challenge: u64) -> bool {
        let pong = Pong { seq, challenge, ..Pong::default() };
        self.0.handle_pong(self.1, LocalAddr(via), superior(), pong)
    }
}

#[test]
fn heartbeats_leave_from_the_socket_that_the_superior_knows_until_it_knows_it_no_more() {
    let mut knocker = Knocker::new();
    let (_, via, first) = knocker.next();
    assert_eq!((via, first.challenge), (None, 0), "from every socket");
    assert!(knocker.refuse(node(11), first.seq, 5));
    assert!(!knocker.refuse(node(12), first.seq, 6), "each heartbeat has one answer");
    let start = knocker.1;
    loop {
        let (at, via, ping) = knocker.next();
        if at >= start + Duration::from_secs(180) {
            assert_eq!((via, ping.challenge), (None, 0), "nobody asks for a new one");
            break;
        }
        assert_eq!((via, ping.challenge), (Some(node(11)), 5));
    }
}

#[test]
fn a_superior_that_refuses_everything_hears_one_heartbeat_a_second() {
    let mut knocker = Knocker::new();
    let start = knocker.1;
    for beat in 0..100 {
        let (at, _, ping) = knocker.next();
        assert!(at >= start + SECOND * u32::max(beat, 1).saturating_sub(1));
        assert!(knocker.refuse(node(11), ping.seq, beat.into()));
    }
}
