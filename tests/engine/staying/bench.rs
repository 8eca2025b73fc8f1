//! TURN servers on simulated time, and one who watches them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;

use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{Contender, Options};
use turn_balance::internals::engine::client::watch::WatchEngine;
use turn_balance::internals::wire::{
    ProbeReply, Request, RequestBody, Response, ResponseBody, State, stun,
};
use turn_balance::{CandidateState, Selection, WatchChange};
use turn_balance_sim::{Path, Site, World};

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) const fn s(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// A TURN server and its leaf on one host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) rtt: Duration,
    pub(super) turn_lives: bool,
    pub(super) leaf_lives: bool,
    pub(super) state: State,
    /// The port of the TURN server that the leaf names.
    pub(super) names: u16,
    /// Whether it was drawn, after those before it.
    pub(super) drawn: bool,
}

/// Some of them, and one who watches.
pub(super) struct Bench {
    start: Instant,
    pub(super) now: Instant,
    pub(super) engine: WatchEngine,
    pub(super) spots: BTreeMap<u8, Spot>,
    /// Whether descents find anybody.
    pub(super) finds: bool,
    coming: BTreeMap<(Instant, u64), Coming>,
    count: u64,
    pub(super) sent: BTreeMap<SocketAddr, Vec<Duration>>,
    pub(super) descents: Vec<Duration>,
    pub(super) changes: Vec<(Duration, WatchChange)>,
}

enum Coming {
    Datagram(SocketAddr, Vec<u8>),
    Descent,
}

pub(super) fn turn(n: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, n], 3478))
}

pub(super) fn leaf(n: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, n], 3001))
}

impl Bench {
    pub(super) fn new(seed: u64, rtts: &[u64]) -> Self {
        Self::wanting(seed, rtts, 0)
    }

    /// One who wants so many runners-up.
    pub(super) fn wanting(seed: u64, rtts: &[u64], runners_up: usize) -> Self {
        let options = Options { runners_up, ..Options::default() };
        let start = Instant::now();
        let spot = |rtt: &u64| Spot {
            rtt: ms(*rtt),
            turn_lives: true,
            leaf_lives: true,
            state: State::Offering,
            names: 3478,
            drawn: false,
        };
        Self {
            start,
            now: start,
            engine: WatchEngine::new(&options, start, Rng::seed_from_u64(seed)),
            spots: (1..).zip(rtts.iter().map(spot)).collect(),
            finds: true,
            coming: BTreeMap::new(),
            count: 0,
            sent: BTreeMap::new(),
            descents: Vec::new(),
            changes: Vec::new(),
        }
    }

    pub(super) fn spot(&mut self, n: u8) -> &mut Spot {
        self.spots.get_mut(&n).unwrap()
    }

    pub(super) fn using(&self) -> Option<u8> {
        self.engine.selection().map(|selection| match selection.turn {
            SocketAddr::V4(addr) => addr.ip().octets()[3],
            SocketAddr::V6(_) => unreachable!(),
        })
    }

    pub(super) fn since(&self) -> Duration {
        self.now - self.start
    }

    fn put(&mut self, wait: Duration, coming: Coming) {
        self.count += 1;
        self.coming.insert((self.now + wait, self.count), coming);
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            if self.engine.poll_descent(self.now) {
                self.coming.retain(|_, coming| !matches!(coming, Coming::Descent));
                self.descents.push(self.since());
                self.put(ms(200), Coming::Descent);
            }
            while let Some(sent) = self.engine.poll_transmit(self.now) {
                self.sent.entry(sent.to).or_default().push(self.now - self.start);
                self.answer(sent.to, &sent.payload);
            }
            while let Some(change) = self.engine.poll_event() {
                self.changes.push((self.now - self.start, change));
            }
            let first = self.coming.first_key_value().map(|((at, _), _)| *at);
            let next = self.engine.poll_timeout().into_iter().chain(first).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            match self.coming.first_entry().filter(|first| first.key().0 <= self.now) {
                Some(first) => match first.remove() {
                    Coming::Datagram(from, bytes) => {
                        self.engine.handle_datagram(self.now, from, &bytes);
                    }
                    Coming::Descent => {
                        let found = if self.finds { self.contenders() } else { Vec::new() };
                        self.engine.handle_descent(self.now, found, &[]);
                    }
                },
                None => self.engine.handle_timeout(self.now),
            }
        }
        self.now = end;
    }

    fn answer(&mut self, to: SocketAddr, payload: &[u8]) {
        let SocketAddr::V4(addr) = to else { unreachable!() };
        let spot = self.spots[&addr.ip().octets()[3]];
        if stun::is_stun(payload) {
            let mut answer = payload.to_vec();
            answer[..2].copy_from_slice(&[1, 1]);
            if spot.turn_lives {
                self.put(spot.rtt, Coming::Datagram(to, answer));
            }
            return;
        }
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(payload) else {
            panic!("no probe");
        };
        let turn = (spot.state != State::TurnDown).then_some(SocketAddr::new(to.ip(), spot.names));
        let (nonce, state) = (probe.nonce, spot.state);
        let reply = ProbeReply { nonce, turn, state, version: 1, ..ProbeReply::default() };
        let answer = Response { id, body: ResponseBody::Probe(reply) }.encode();
        if spot.leaf_lives {
            self.put(spot.rtt, Coming::Datagram(to, answer));
        }
    }

    /// What a descent finds: leaves that live, those first whose TURN server does, and who asks not to be
    /// chosen where nobody else is.
    fn contenders(&self) -> Vec<Contender> {
        let reserve = |spot: &Spot| spot.state != State::Offering;
        let lives = |spot: &Spot| spot.leaf_lives && spot.state != State::TurnDown;
        let mut all: Vec<_> = self.spots.iter().filter(|(_, spot)| lives(spot)).collect();
        let rtt = |spot: &Spot| (!spot.drawn).then_some(spot.rtt);
        all.sort_by_key(|(_, spot)| (reserve(spot), !spot.turn_lives, rtt(spot)));
        let first = all.iter().take(1).copied();
        let others = all.iter().skip(1).copied().filter(|(_, spot)| !reserve(spot));
        first.chain(others).map(|(n, spot)| contender(*n, spot)).collect()
    }
}

fn contender(n: u8, spot: &Spot) -> Contender {
    thread_local! {
        static EXAMPLE: Selection = example();
    }
    let mut selection = EXAMPLE.with(Selection::clone);
    (selection.turn, selection.rtt) = (turn(n), spot.rtt);
    selection.verified = spot.turn_lives;
    selection.drawn = spot.drawn.then_some(3);
    let says = match spot.state {
        State::Draining => Some(CandidateState::Draining),
        State::Full => Some(CandidateState::Full),
        _ => None,
    };
    Contender { selection, leaf: Some(leaf(n)), misses: 0, says }
}

/// What a descent to a leaf alone finds.
fn example() -> Selection {
    let mut world = World::new(0, |_, _| Path::of(1));
    world.start(leaf(1), &Site { name: "leaf", turn: Some(turn(1)), ..Site::default() });
    world.run_for(s(5));
    let client = SocketAddr::from(([192, 0, 2, 9], 40_000));
    let descent = world.descend(client, Options::default(), &[leaf(1)]);
    descent.selection().expect("it has ended").expect("it has found the leaf")
}
