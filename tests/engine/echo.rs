//! One server measured again and again, on paths that are long, doubtful or none.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::client::descent::Obstacle;
use turn_balance::internals::engine::client::echo::{Echo, EchoPlan, Echoes};
use turn_balance::internals::engine::{Rng, Transmit};
use turn_balance::internals::wire::{ProbeReply, Request, RequestBody, Response, ResponseBody};

const SERVER: &str = "203.0.113.1:3001";
const OTHER: &str = "[2001:db8::1]:3001";

fn plan(count: u64) -> EchoPlan {
    let (interval, timeout) = (Duration::from_secs(1), Duration::from_secs(1));
    EchoPlan { interval, timeout, patience: Duration::from_secs(10), count: Some(count) }
}

/// A server some way off, and the requests that are on their way to it.
struct World {
    echoes: Echoes,
    start: Instant,
    now: Instant,
    /// What the address does with a request: when which answer comes back.
    path: fn(u64, SocketAddr) -> Vec<Duration>,
    coming: Vec<(Instant, Transmit)>,
}

impl World {
    fn new(addrs: &[&str], plan: EchoPlan, path: fn(u64, SocketAddr) -> Vec<Duration>) -> Self {
        let addrs: Vec<_> = addrs.iter().map(|addr| addr.parse().unwrap()).collect();
        let start = Instant::now();
        let echoes = Echoes::new(&addrs, plan, start, Rng::seed_from_u64(1));
        Self { echoes, start, now: start, path, coming: Vec::new() }
    }

    /// All that it tells, with the milliseconds at which it does.
    fn run(&mut self) -> Vec<(u128, Echo)> {
        let mut told = Vec::new();
        loop {
            while let Some(transmit) = self.echoes.poll_transmit(self.now) {
                for delay in (self.path)(self.echoes.sent(), transmit.to) {
                    self.coming.push((self.now + delay, answer(&transmit)));
                }
            }
            let at = self.now.duration_since(self.start).as_millis();
            told.extend(std::iter::from_fn(|| self.echoes.poll_event()).map(|echo| (at, echo)));
            let Some(timeout) = self.echoes.poll_timeout() else { return told };
            self.coming.sort_by_key(|(at, _)| *at);
            match self.coming.first() {
                Some((at, _)) if *at <= timeout => {
                    let (at, Transmit { to, payload }) = self.coming.remove(0);
                    self.now = at;
                    self.echoes.handle_datagram(at, to, &payload);
                }
                _ => {
                    self.now = self.now.max(timeout);
                    self.echoes.handle_timeout(self.now);
                }
            }
        }
    }
}

/// What a server sends back.
fn answer(Transmit { to, payload }: &Transmit) -> Transmit {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(payload) else {
        panic!("it sends probes");
    };
    let reply = ProbeReply { nonce: probe.nonce, ..ProbeReply::default() };
    let payload = Response { id, body: ResponseBody::Probe(reply) }.encode();
    Transmit { to: *to, payload }
}

fn answered(told: &[(u128, Echo)]) -> Vec<(u64, u128, bool)> {
    let answers = told.iter().filter_map(|(_, echo)| Some((echo.seq, echo.rtt?, echo.late)));
    answers.map(|(seq, rtt, late)| (seq, rtt.as_millis(), late)).collect()
}

#[test]
fn a_long_way_loses_nothing() {
    let mut world = World::new(&[SERVER], plan(3), |_, _| vec![Duration::from_millis(1500)]);
    let told = world.run();
    assert_eq!(answered(&told), [1, 2, 3].map(|seq| (seq, 1500, true)));
    let missing = told.iter().filter(|(_, echo)| echo.rtt.is_none());
    let missing: Vec<_> = missing.map(|(at, echo)| (*at, echo.seq)).collect();
    assert_eq!(missing, [(1000, 1), (2000, 2), (3000, 3)], "each is told of in its time");
    assert_eq!(told.last().unwrap().0, 3500, "and waited for");
    let one = World::new(&[SERVER], plan(1), |_, _| vec![Duration::from_millis(9999)]).run();
    assert_eq!(answered(&one), [(1, 9999, true)]);
}

#[test]
fn what_is_lost_holds_nothing_up() {
    let lossy = |seq, _| if seq == 2 { vec![] } else { vec![Duration::from_millis(20)] };
    let mut world = World::new(&[SERVER], plan(4), lossy);
    let told = world.run();
    assert_eq!(answered(&told), [1, 3, 4].map(|seq| (seq, 20, false)));
    assert_eq!(world.now - world.start, Duration::from_millis(3020));
    let mut world = World::new(&[SERVER], plan(1), |_, _| vec![]);
    world.run();
    assert_eq!(world.now - world.start, Duration::from_secs(10), "where nobody ever answers");
}

#[test]
fn an_answer_that_comes_twice_is_told_of_as_that() {
    let twice = |_, _| vec![Duration::from_millis(20), Duration::from_millis(30)];
    let told = World::new(&[SERVER], plan(2), twice).run();
    let told: Vec<_> = told.iter().map(|(at, echo)| (*at, echo.seq, echo.repeated)).collect();
    assert_eq!(told, [(20, 1, false), (30, 1, true), (1020, 2, false)]);
}

#[test]
fn of_several_addresses_the_one_that_answers_is_measured() {
    let path = |_, to: SocketAddr| match to.is_ipv4() {
        true => vec![Duration::from_millis(20)],
        false => vec![],
    };
    let mut world = World::new(&[OTHER, SERVER], plan(3), path);
    assert!(!world.echoes.is_settled());
    assert_eq!(world.echoes.server(), Some(OTHER.parse().unwrap()));
    let told = world.run();
    assert_eq!(answered(&told), [1, 2, 3].map(|seq| (seq, 20, false)));
    assert!(world.echoes.is_settled());
    assert_eq!(world.echoes.server(), Some(SERVER.parse().unwrap()));
    assert_eq!((told.len(), world.echoes.sent()), (3, 3));
}

/// The requests of the next round.
fn round(echoes: &mut Echoes, now: Instant) -> Vec<Transmit> {
    std::iter::from_fn(|| echoes.poll_transmit(now)).collect()
}

#[test]
fn where_nothing_listens_the_first_error_is_the_last() {
    let World { mut echoes, now, .. } = World::new(&[OTHER, SERVER], plan(9), |_, _| vec![]);
    let asked = round(&mut echoes, now);
    echoes.handle_icmp(asked[0].to, Obstacle::Path, &asked[0].payload);
    assert_eq!(echoes.poll_event(), None, "the other may answer");
    assert_eq!(echoes.server(), Some(SERVER.parse().unwrap()));
    echoes.handle_icmp(asked[1].to, Obstacle::Port, b"forged");
    assert_eq!(echoes.poll_event(), None, "it quotes nothing");
    echoes.handle_icmp(asked[1].to, Obstacle::Port, &asked[1].payload);
    let echo = echoes.poll_event().unwrap();
    assert_eq!((echo.seq, echo.rtt, echo.obstacle), (1, None, Some(Obstacle::Port)));
    assert_eq!(echoes.poll_timeout(), None);
}

#[test]
fn a_server_that_is_away_for_a_moment_is_measured_on() {
    let World { mut echoes, now, .. } = World::new(&[SERVER], plan(9), |_, _| vec![]);
    let second = Duration::from_secs(1);
    let first = answer(&round(&mut echoes, now)[0]);
    echoes.handle_datagram(now + second / 50, first.to, &first.payload);
    assert!(echoes.poll_event().unwrap().rtt.is_some());
    for (n, obstacle) in [(1, Obstacle::Port), (2, Obstacle::Path)] {
        let asked = round(&mut echoes, now + n * second);
        echoes.handle_icmp(asked[0].to, obstacle, &asked[0].payload);
        let echo = echoes.poll_event().unwrap();
        assert_eq!((echo.seq, echo.obstacle), (u64::from(n) + 1, Some(obstacle)));
        assert_eq!(echoes.poll_timeout(), Some(now + (n + 1) * second));
    }
    let back = answer(&round(&mut echoes, now + 3 * second)[0]);
    echoes.handle_datagram(now + 3 * second, back.to, &back.payload);
    assert_eq!(echoes.poll_event().unwrap().seq, 4);
}

#[test]
fn no_interval_at_all_is_a_short_one() {
    let plan = EchoPlan { interval: Duration::ZERO, count: None, ..plan(0) };
    let World { mut echoes, now, .. } = World::new(&[SERVER], plan, |_, _| vec![]);
    assert_eq!(round(&mut echoes, now).len(), 1);
    assert_eq!(round(&mut echoes, now + Duration::from_millis(1)).len(), 1);
}
