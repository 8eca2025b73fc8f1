//! Descents by HTTPS and TCP on simulated time.

mod choices;
mod policy;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::net::engine::Rng;
use crate::net::engine::client::descent::{
    CandidateState, Failure, Options, Selection, Strategy, Trace, Transport, Unasked, Verify, Why,
};
use crate::net::engine::client::list::{ListedServer, ServerKind, ServerList};
use crate::types::{HttpsFault, HttpsUrl, ServerUrl, TurnFault};

const ROOT: &str = "198.51.100.7:443";

/// What happens after a while.
enum Event {
    List(ListId, Result<CameList, HttpsFault>),
    Found(String, Vec<IpAddr>),
    Connected(PlaceId, Result<Duration, TurnFault>),
    Checked(usize, Result<(), TurnFault>),
}

type Distance = Box<dyn FnMut(&mut Rng) -> Result<Duration, TurnFault>>;

/// An internet: who lists whom, and how far everybody is.
struct World {
    rng: Rng,
    lists: BTreeMap<Option<SocketAddr>, Vec<ListedServer>>,
    places: BTreeMap<SocketAddr, Distance>,
    hosts: BTreeMap<String, Vec<IpAddr>>,
    /// URLs whose checks fail.
    broken: Vec<String>,
    connected: Vec<SocketAddr>,
    looked_up: Vec<String>,
    asked: Vec<Option<SocketAddr>>,
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn url(text: &str) -> ServerUrl {
    text.parse().unwrap()
}

fn leaf(n: u8, urls: &[String]) -> ListedServer {
    let turn = SocketAddr::from(([203, 0, 113, n], 3478));
    let mut leaf = ListedServer::turn(turn);
    leaf.addr = (turn.ip(), 3001).into();
    leaf.kind = ServerKind::Leaf;
    leaf.urls = urls.iter().map(|text| url(text)).collect();
    leaf
}

fn by_tcp(n: u8) -> ListedServer {
    leaf(n, &[format!("turn:203.0.113.{n}:3478?transport=tcp")])
}

fn region(n: u8) -> ListedServer {
    let mut region = ListedServer::turn(SocketAddr::from(([203, 0, 113, n], 3001)));
    (region.kind, region.turn) = (ServerKind::Balance, None);
    region
}

impl World {
    fn new(servers: Vec<ListedServer>) -> Self {
        Self {
            rng: Rng::seed_from_u64(7),
            lists: BTreeMap::from([(None, servers)]),
            places: BTreeMap::new(),
            hosts: BTreeMap::new(),
            broken: Vec::new(),
            connected: Vec::new(),
            looked_up: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn far(mut self, place: &str, rtt: Duration) -> Self {
        self.places.insert(addr(place), Box::new(move |_| Ok(rtt)));
        self
    }

    fn run(&mut self, options: Options) -> Trace {
        let start = turn_balance_lab::moment();
        let root: HttpsUrl = "https://root.example".parse().unwrap();
        let mut descent = StreamDescent::new(options, vec![root], &self.rng, start, start);
        let (mut now, mut events, mut count) = (start, BTreeMap::new(), 0);
        for _ in 0..100_000 {
            while let Some(action) = descent.poll_action(now) {
                count += 1;
                if let Some((after, event)) = self.does(action) {
                    events.insert((now + after, count), event);
                }
            }
            if let Some(trace) = descent.trace() {
                return trace;
            }
            let until = descent.poll_timeout().unwrap();
            match events.first_key_value().map(|(key, _)| *key).filter(|(at, _)| *at <= until) {
                Some(key) => {
                    now = now.max(key.0);
                    match events.remove(&key).unwrap() {
                        Event::List(id, Ok(came)) => descent.handle_list(now, id, came),
                        Event::List(id, Err(fault)) => descent.handle_no_list(now, id, fault),
                        Event::Found(host, ips) => descent.handle_found(now, &host, ips),
                        Event::Connected(id, rtt) => descent.handle_connected(now, id, rtt),
                        Event::Checked(id, outcome) => descent.handle_checked(now, id, outcome),
                    }
                }
                None => {
                    now = now.max(until);
                    descent.handle_timeout(now);
                }
            }
        }
        panic!("it never ends");
    }

    /// What comes of an action, and after how long; `None`: nothing ever.
    fn does(&mut self, action: StreamAction) -> Option<(Duration, Event)> {
        Some(match action {
            StreamAction::List { id, below, .. } => {
                self.asked.push(below);
                let servers = self.lists.get(&below)?.clone();
                let (from, rtt) = (addr(ROOT), ms(8));
                let list =
                    ServerList { addr: from, name: None, rtt, total: servers.len(), servers };
                (ms(24), Event::List(id, Ok(CameList { from, rtt, list })))
            }
            StreamAction::LookUp(host) => {
                self.looked_up.push(host.clone());
                let ips = self.hosts.get(&host)?.clone();
                (ms(5), Event::Found(host, ips))
            }
            StreamAction::Connect(id, addr) => {
                self.connected.push(addr);
                let outcome = self.places.get_mut(&addr)?(&mut self.rng);
                (outcome.unwrap_or(ms(3)), Event::Connected(id, outcome))
            }
            StreamAction::Check { id, url, .. } => {
                let broken = self.broken.contains(&url.to_string());
                let outcome = if broken { Err(TurnFault::Untrusted) } else { Ok(()) };
                (ms(40), Event::Checked(id, outcome))
            }
        })
    }
}

fn select(world: &mut World, options: Options) -> Selection {
    world.run(options).outcome.unwrap()
}

fn urls(selection: &Selection) -> Vec<String> {
    selection.urls.iter().map(ToString::to_string).collect()
}

#[test]
fn the_leaf_with_the_least_tcp_time_is_named() {
    let mut wrong = 0;
    for seed in 0..200 {
        let mut rng = Rng::seed_from_u64(seed);
        let mut order: Vec<u8> = (0..8).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        let mut world = World::new((0..8).map(by_tcp).collect());
        world.rng = rng;
        for (n, place) in order.iter().enumerate() {
            // 30, 36, 42 ms and so on, each with up to 4 ms more.
            let rtt = move |rng: &mut Rng| {
                Ok(ms(30 + 6 * n as u64) + Duration::from_micros(rng.random_range(0..4000)))
            };
            world.places.insert(addr(&format!("203.0.113.{place}:3478")), Box::new(rtt));
        }
        let chosen = select(&mut world, Options::default());
        wrong += u32::from(chosen.turn.ip().to_string() != format!("203.0.113.{}", order[0]));
        assert!(chosen.rtt < ms(36) && chosen.verified && chosen.transport == Transport::Https);
        // The list, the slowest that is near and the copies of that, the best once more, the check.
        assert!(chosen.elapsed < ms(24 + 71 + 5 + 34 + 41), "{:?}", chosen.elapsed);
        assert!(chosen.cost.connections <= 8 * 4, "{}", chosen.cost.connections);
    }
    assert_eq!(wrong, 0);
}

#[test]
fn one_packet_that_is_lost_loses_nobody() {
    let mut wrong = 0;
    for seed in 0..200 {
        let mut world = World::new((0..8).map(by_tcp).collect());
        world.rng = Rng::seed_from_u64(seed);
        for n in 0..8_u8 {
            let rtt = move |rng: &mut Rng| {
                // 5 % each way; the system sends the first packet again after a second.
                let again = if rng.random_bool(0.1) { 1000 } else { 0 };
                Ok(ms(30 + 6 * u64::from(n) + again))
            };
            world.places.insert(addr(&format!("203.0.113.{n}:3478")), Box::new(rtt));
        }
        wrong += u32::from(select(&mut world, Options::default()).turn != addr("203.0.113.0:3478"));
    }
    assert!(wrong <= 6, "{wrong} of 200");
}

#[test]
fn tls_at_443_comes_first_as_far_as_it_works() {
    let all = [
        "turn:203.0.113.1:3478?transport=udp",
        "turn:203.0.113.1:3478?transport=tcp",
        "turns:a.example:443?transport=tcp",
        "turns:a.example:5349?transport=tcp",
        "https://a.example/",
    ];
    let world = || {
        let mut world = World::new(vec![leaf(1, &all.map(str::to_owned))])
            .far("203.0.113.1:3478", ms(10))
            .far("203.0.113.1:443", ms(20));
        world.places.insert(addr("203.0.113.1:5349"), Box::new(|_| Err(TurnFault::Closed)));
        world.hosts.insert("a.example".into(), vec![[203, 0, 113, 1].into()]);
        world
    };
    let [udp, tcp, at_443, elsewhere, _] = all;
    let chosen = select(&mut world(), Options::default());
    assert_eq!(urls(&chosen), [at_443, tcp, elsewhere, udp]);
    assert_eq!((chosen.rtt, chosen.verified), (ms(10), true));
    let mut untrusted = world();
    untrusted.broken = vec![at_443.to_owned()];
    let chosen = select(&mut untrusted, Options::default());
    assert_eq!(urls(&chosen), [tcp, at_443, elsewhere, udp]);
    assert!(chosen.verified);
}

#[test]
fn who_does_not_answer_itself_is_passed_over() {
    let world = || {
        let mut world = World::new(vec![by_tcp(1), by_tcp(2)]);
        world.broken = vec!["turn:203.0.113.1:3478?transport=tcp".to_owned()];
        world.far("203.0.113.1:3478", ms(10)).far("203.0.113.2:3478", ms(90))
    };
    let chosen = select(&mut world(), Options::default());
    assert_eq!((chosen.turn, chosen.verified), (addr("203.0.113.2:3478"), true));
    assert_eq!((chosen.runners_up[0].why, chosen.runners_up[0].verified), (Why::Silent, false));
    let off = Options { verify: Verify::Off, ..Options::default() };
    assert_eq!(select(&mut world(), off).turn, addr("203.0.113.1:3478"));
    let first = Options { strategy: Strategy::First, ..Options::default() };
    assert_eq!(select(&mut world(), first).turn, addr("203.0.113.1:3478"));
    let mut alone = World::new(vec![by_tcp(1)]).far("203.0.113.1:3478", ms(10));
    alone.broken = world().broken;
    assert!(!select(&mut alone, Options::default()).verified);
    let require = Options { verify: Verify::Require, ..Options::default() };
    match alone.run(require).outcome {
        Err(Failure::Https { why: HttpsFailure::Unverified { turn, fault, .. }, .. }) => {
            assert_eq!((turn, fault), (addr("203.0.113.1:3478"), Some(TurnFault::Untrusted)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_web_server_beside_it_tells_how_far_it_is_where_nothing_else_does() {
    let beside = leaf(1, &["turn:203.0.113.1".to_owned(), "https://203.0.113.1/".to_owned()]);
    let mut world = World::new(vec![beside.clone()]).far("203.0.113.1:443", ms(10));
    let chosen = select(&mut world, Options::default());
    assert_eq!((chosen.rtt, chosen.verified), (ms(10), false));
    assert_eq!(urls(&chosen), ["turn:203.0.113.1"]);
    let mut world = World::new(vec![beside, by_tcp(2)])
        .far("203.0.113.1:443", ms(10))
        .far("203.0.113.2:3478", ms(80));
    let chosen = select(&mut world, Options::default());
    assert_eq!(chosen.turn, addr("203.0.113.2:3478"), "TURN is spoken with that one");
}

#[test]
fn it_goes_down_where_there_are_levels() {
    let mut world = World::new(vec![region(10), region(20), by_tcp(3)])
        .far("203.0.113.1:3478", ms(10))
        .far("203.0.113.2:3478", ms(30))
        .far("203.0.113.3:3478", ms(20));
    world.lists.insert(Some(addr("203.0.113.10:3001")), vec![by_tcp(2)]);
    world.lists.insert(Some(addr("203.0.113.20:3001")), vec![by_tcp(1), by_tcp(3)]);
    let trace = world.run(Options::default());
    let chosen = trace.outcome.clone().unwrap();
    assert_eq!(chosen.turn, addr("203.0.113.1:3478"));
    let path: Vec<_> = chosen.path.iter().map(|hop| (hop.level, hop.addr.to_string())).collect();
    let expected = [(0, ROOT), (1, "203.0.113.20:3001"), (2, "203.0.113.1:3001")];
    assert_eq!(path, expected.map(|(level, addr)| (level, addr.to_owned())));
    let state = |at: &str| trace.candidates.iter().find(|row| row.addr == addr(at)).unwrap().state;
    assert_eq!(state("203.0.113.10:3001"), CandidateState::Explored);
    assert_eq!(state("203.0.113.20:3001"), CandidateState::Path);
    assert_eq!(state("203.0.113.1:3001"), CandidateState::Path);
    assert_eq!(state("203.0.113.1:3478"), CandidateState::Selected);
    assert_eq!(state("203.0.113.3:3001"), CandidateState::Lost);
    for row in &trace.candidates[1..] {
        let via = &trace.candidates[row.via.unwrap()];
        assert_eq!(via.level + 1, row.level, "{row:?}");
    }
    // A list that never comes holds nobody up for long.
    world.lists.remove(&Some(addr("203.0.113.10:3001")));
    let chosen = select(&mut world, Options::default());
    assert!(chosen.elapsed < ms(1300), "{:?}", chosen.elapsed);
}

#[test]
fn a_list_leads_nowhere_that_it_must_not() {
    let evil = [
        "turn:127.0.0.1:22?transport=tcp",
        "turn:192.168.1.1:80?transport=tcp",
        "turns:[::1]:443",
        "turns:[fe80::1]:443",
    ];
    let mut world = World::new(vec![
        leaf(1, &evil.map(str::to_owned)),
        leaf(2, &["turns:inside.example:443".to_owned(), "turns:localhost:1".to_owned()]),
        leaf(3, &["turn:203.0.113.3:53?transport=tcp".to_owned()]),
        leaf(4, &["turn:203.0.113.4:123?transport=tcp".to_owned()]),
    ]);
    world.hosts.insert("inside.example".into(), vec![[10, 0, 0, 1].into(), [127, 0, 0, 1].into()]);
    let trace = world.run(Options::default());
    assert_eq!((world.connected.len(), world.looked_up.len()), (0, 1), "{:?}", world.connected);
    match trace.outcome {
        Err(Failure::Https { why: HttpsFailure::Refused { servers, .. }, .. }) => {
            assert_eq!(servers, 4)
        }
        other => panic!("{other:?}"),
    }
    assert!(trace.candidates[1..].iter().all(|row| row.state == CandidateState::Refused));
    let mut options = Options::default();
    options.limits = options.limits.allow(["10.0.0.0/8".parse().unwrap()]);
    world.run(options);
    assert_eq!(world.connected, [addr("10.0.0.1:443")], "what is allowed is asked");
}

#[test]
fn what_a_list_can_make_a_client_do_is_bounded() {
    let far = |n: u32| SocketAddr::from(([203, 1, (n >> 8) as u8, n as u8], 3478));
    let server = |n: u32| {
        let mut one = ListedServer::turn(far(n));
        let host = format!("turns:h{n}.example:443");
        one.urls = vec![url(&format!("turn:{}?transport=tcp", far(n))), url(&host)];
        one
    };
    let mut world = World::new((0..2000).map(server).collect());
    let lower = |n: u32| {
        let mut one = region(0);
        one.addr = SocketAddr::from(([203, 2, 0, n as u8], 3001));
        one
    };
    world.lists.get_mut(&None).unwrap().splice(0..0, (0..50).map(lower));
    let trace = world.run(Options::default());
    assert!(world.connected.len() <= 128, "{}", world.connected.len());
    assert!(world.looked_up.len() <= 64 && world.asked.len() <= 16);
    assert_eq!(trace.elapsed, Options::default().timeout);
    assert!(trace.candidates.iter().any(|row| row.unasked == Some(Unasked::Budget)));
    // All at one host: eight connections that nothing is heard of.
    let server = |n: u16| leaf(1, &[format!("turn:203.0.113.1:{}?transport=tcp", 4000 + n)]);
    let mut same = World::new(vec![server(0)]);
    let one_host = (0..100).map(|n| {
        let mut one = server(n);
        one.turn = Some(SocketAddr::from(([203, 0, 113, 1], 4000 + n)));
        one
    });
    same.lists.insert(None, one_host.collect());
    same.run(Options::default());
    assert_eq!(same.connected.len(), 8);
}

#[test]
fn why_nobody_is_found() {
    let why = |world: &mut World| match world
        .run(Options { timeout: ms(2000), ..Options::default() })
        .outcome
    {
        Err(failure @ Failure::Https { .. }) => failure.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(why(&mut World::new(Vec::new())), "by HTTPS: `https://root.example` lists nobody");
    let udp = || leaf(1, &["turn:203.0.113.1".to_owned()]);
    assert_eq!(
        why(&mut World::new(vec![udp()])),
        "by HTTPS: the one TURN server that `https://root.example` lists has no URL by TCP"
    );
    let mut silent = World::new(vec![by_tcp(1), by_tcp(2)]);
    assert_eq!(
        why(&mut silent),
        "by HTTPS: none of 2 TURN servers that `https://root.example` lists took a TCP connection \
         within 2000 ms"
    );
    let mut closed = World::new(vec![by_tcp(1)]);
    closed.places.insert(addr("203.0.113.1:3478"), Box::new(|_| Err(TurnFault::Closed)));
    assert_eq!(
        why(&mut closed),
        "by HTTPS: the one TURN server that `https://root.example` lists does not listen at \
         its port (by TCP)"
    );
    let mut mute = World::new(Vec::new());
    mute.lists.clear();
    assert_eq!(why(&mut mute), "by HTTPS: `https://root.example` has not answered in time");
}
