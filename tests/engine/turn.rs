//! The check of a TURN server, against one that does as it is told, twelve milliseconds away and without
//! loss where nothing else is said.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::turn::{CheckPlan, TurnCheck, TurnEvent, TurnStep};
use turn_balance::{TurnCredentials, TurnFault, TurnHealth};
use turn_balance_sim::turn::{Behaviour, PASSWORD, ScriptedTurn, USER};

const SERVER: &str = "203.0.113.52:3478";
const CLIENT: &str = "198.51.100.9:40000";
/// One way.
const DELAY: Duration = Duration::from_millis(6);
const RTT: Duration = Duration::from_millis(12);

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn plan(level: TurnHealth) -> CheckPlan {
    let credentials = Some(TurnCredentials::new(USER, PASSWORD));
    CheckPlan { level, credentials, patience: Duration::from_secs(5), reliable: false }
}

/// A check and the server that it is of.
struct World {
    addr: SocketAddr,
    check: TurnCheck,
    server: ScriptedTurn,
    now: Instant,
    sent: Vec<Vec<u8>>,
    /// Which of the datagrams to the server get lost.
    lost: fn(usize) -> bool,
}

impl World {
    fn new(behaviour: Behaviour, plan: CheckPlan) -> Self {
        Self::at(SERVER, behaviour, plan)
    }

    fn at(server: &str, behaviour: Behaviour, plan: CheckPlan) -> Self {
        let now = Instant::now();
        let addr = addr(server);
        let check = TurnCheck::new(addr, plan, now, Rng::seed_from_u64(1));
        let server = ScriptedTurn::new(addr, behaviour);
        Self { addr, check, server, now, sent: Vec::new(), lost: |_| false }
    }

    /// All that is told until it is over.
    fn run(&mut self) -> (Vec<TurnStep>, Result<(), TurnFault>) {
        let (mut steps, mut outcome) = (Vec::new(), None);
        while let Some(next) = self.check.poll_timeout() {
            self.now = self.now.max(next);
            self.check.handle_timeout(self.now);
            while let Some(transmit) = self.check.poll_transmit(self.now) {
                assert_eq!(transmit.to, self.addr);
                self.sent.push(transmit.payload.clone());
                if (self.lost)(self.sent.len()) {
                    continue;
                }
                for reply in self.server.handle(addr(CLIENT), &transmit.payload) {
                    self.now += 2 * DELAY;
                    self.check.handle_datagram(self.now, transmit.to, &reply);
                }
            }
        }
        while let Some(event) = self.check.poll_event() {
            assert_eq!(outcome, None, "nothing after the end");
            match event {
                TurnEvent::Step(step) => steps.push(step),
                TurnEvent::Ended(ended) => outcome = Some(ended),
            }
        }
        assert!(self.sent.len() <= TurnCheck::MOST_DATAGRAMS);
        (steps, outcome.expect("an end"))
    }
}

/// What comes of a check of all that can be checked, and how many allocations it leaves behind.
fn outcome(behaviour: Behaviour) -> (Result<(), TurnFault>, usize) {
    let mut world = World::new(behaviour, plan(TurnHealth::Relay));
    let (_, outcome) = world.run();
    (outcome, world.server.allocations())
}

#[test]
fn each_level_has_its_steps() {
    let relayed = addr("203.0.113.52:49213");
    let steps = [
        TurnStep::Binding { rtt: RTT },
        TurnStep::Allocate { rtt: RTT, relayed },
        TurnStep::Relay { rtt: RTT, relayed },
    ];
    let levels = [TurnHealth::None, TurnHealth::Binding, TurnHealth::Allocate, TurnHealth::Relay];
    // Binding; Allocate, bare and signed, and Refresh; CreatePermission and Send.
    for (number, (level, sent)) in levels.into_iter().zip([0, 1, 4, 6]).enumerate() {
        for behaviour in [Behaviour::Healthy, Behaviour::Open] {
            let mut world = World::new(behaviour, plan(level));
            assert_eq!(world.run(), (steps[..number].to_vec(), Ok(())), "{level:?}");
            let spared = usize::from(behaviour == Behaviour::Open && number > 1);
            assert_eq!(world.sent.len() + spared, sent);
            assert_eq!(world.server.allocations(), 0);
        }
    }
}

#[test]
fn each_way_to_fail_is_its_own() {
    let own = addr("203.0.113.52:49213");
    let relays_at = |text| Behaviour::RelaysAt(addr(text));
    for (behaviour, fault) in [
        (Behaviour::Silent, TurnFault::Silent),
        (Behaviour::WrongTransaction, TurnFault::Silent),
        (Behaviour::Missigned, TurnFault::Silent),
        (Behaviour::NoStun, TurnFault::NotStun),
        (Behaviour::Unauthorized, TurnFault::WrongCredentials),
        (Behaviour::OtherRealms, TurnFault::OtherRealm),
        (Behaviour::Stale, TurnFault::Refused(438)),
        (Behaviour::Refuses(300), TurnFault::Moved),
        (Behaviour::Refuses(403), TurnFault::Forbidden),
        (Behaviour::Refuses(441), TurnFault::WrongCredentials),
        (Behaviour::Refuses(486), TurnFault::Quota),
        (Behaviour::Refuses(508), TurnFault::Capacity),
        (Behaviour::Refuses(500), TurnFault::Refused(500)),
        (Behaviour::Permits(508), TurnFault::Capacity),
        (Behaviour::RelaysNothing, TurnFault::Unrelayed),
        (relays_at("0.0.0.0:49213"), TurnFault::UselessAddress),
        (relays_at("10.0.0.52:49213"), TurnFault::UselessAddress),
        (relays_at("127.0.0.1:49213"), TurnFault::UselessAddress),
        (relays_at("[::]:49213"), TurnFault::UselessAddress),
        (relays_at("203.0.113.52:0"), TurnFault::UselessAddress),
    ] {
        assert_eq!(outcome(behaviour), (Err(fault), 0), "{behaviour:?}");
    }
    for behaviour in [
        Behaviour::StaleOnce,
        Behaviour::NewRealm,
        Behaviour::OnlyV6,
        Behaviour::RelaysAt(own),
        relays_at("[2001:db8::52]:49213"),
    ] {
        assert_eq!(outcome(behaviour), (Ok(()), 0), "{behaviour:?}");
    }
}

#[test]
fn an_address_is_judged_by_where_the_server_is_asked() {
    for (server, relayed, useful) in [
        ("127.0.0.1:3478", "127.0.0.1:49213", true),
        ("127.0.0.1:3478", "10.0.0.52:49213", true),
        ("10.0.0.52:3478", "10.0.0.52:49213", true),
        ("10.0.0.52:3478", "203.0.113.52:49213", true),
        ("10.0.0.52:3478", "127.0.0.1:49213", false),
        ("127.0.0.1:3478", "0.0.0.0:49213", false),
    ] {
        let behaviour = Behaviour::RelaysAt(addr(relayed));
        let (_, outcome) = World::at(server, behaviour, plan(TurnHealth::Allocate)).run();
        let expected = if useful { Ok(()) } else { Err(TurnFault::UselessAddress) };
        assert_eq!(outcome, expected, "{relayed} of {server}");
    }
}

#[test]
fn who_has_no_credentials_is_told_to_have_some() {
    for behaviour in [Behaviour::Healthy, Behaviour::Refuses(486)] {
        let bare = CheckPlan { credentials: None, ..plan(TurnHealth::Allocate) };
        let mut world = World::new(behaviour, bare);
        assert_eq!(world.run().1, Err(TurnFault::NoCredentials));
        assert_eq!(world.sent.len(), 2, "nothing to let go");
    }
}

#[test]
fn a_permission_that_is_forbidden_proves_nothing() {
    let mut world = World::new(Behaviour::Permits(403), plan(TurnHealth::Relay));
    let (steps, outcome) = world.run();
    let relayed = addr("203.0.113.52:49213");
    assert_eq!(steps.last(), Some(&TurnStep::Unproved { relayed }));
    assert_eq!((outcome, world.server.allocations()), (Ok(()), 0));
}

#[test]
fn what_is_lost_is_sent_again_but_over_streams() {
    let mut world = World::new(Behaviour::Healthy, plan(TurnHealth::Relay));
    world.lost = |number| !number.is_multiple_of(3);
    assert_eq!(world.run().1, Ok(()));
    assert_eq!((world.sent.len(), world.server.allocations()), (18, 0));
    for (n, request) in world.sent.iter().enumerate() {
        assert_eq!(*request, world.sent[n / 3 * 3], "the same bytes again");
    }
    let mut world = World::new(Behaviour::Silent, plan(TurnHealth::Relay));
    assert_eq!(world.run().1, Err(TurnFault::Silent));
    assert_eq!(world.sent.len(), 4);
    let reliable = CheckPlan { reliable: true, ..plan(TurnHealth::Relay) };
    let mut world = World::new(Behaviour::Silent, reliable.clone());
    let start = world.now;
    assert_eq!(world.run().1, Err(TurnFault::Silent));
    assert_eq!((world.sent.len(), world.now - start), (1, Duration::from_secs(5)));
    // What is relayed goes by UDP behind the server.
    let mut world = World::new(Behaviour::RelaysNothing, reliable);
    assert_eq!(world.run().1, Err(TurnFault::Unrelayed));
    assert_eq!(world.sent.len(), 3 + 1 + 4 + 1);
}

#[test]
fn an_allocation_that_is_not_heard_of_is_let_go_too() {
    let mut world = World::new(Behaviour::SwallowsAllocate, plan(TurnHealth::Relay));
    let start = world.now;
    assert_eq!(world.run().1, Err(TurnFault::Silent));
    assert_eq!(world.server.allocations(), 0);
    // Binding, Allocate unsigned, Allocate signed, and what nobody waits for.
    assert!(world.now - start < Duration::from_secs(6), "{:?}", world.now - start);
    let mut world = World::new(Behaviour::SwallowsAllocate, plan(TurnHealth::Relay));
    world.lost = |number| number == 7;
    assert_eq!(world.run().1, Err(TurnFault::Silent));
    assert_eq!(world.server.allocations(), 0, "Refresh is sent twice");
}

#[test]
fn who_does_not_want_to_know_any_more_lets_go() {
    let mut world = World::new(Behaviour::SwallowsAllocate, plan(TurnHealth::Relay));
    for _ in 0..3 {
        let Some(transmit) = world.check.poll_transmit(world.now) else { break };
        for reply in world.server.handle(addr(CLIENT), &transmit.payload) {
            world.check.handle_datagram(world.now, addr(SERVER), &reply);
        }
    }
    assert_eq!(world.server.allocations(), 1);
    world.check.abandon(world.now);
    let refresh = world.check.poll_transmit(world.now).expect("Refresh");
    world.server.handle(addr(CLIENT), &refresh.payload);
    assert_eq!(world.server.allocations(), 0);
}

#[test]
fn only_the_server_itself_is_believed() {
    let mut world = World::new(Behaviour::Healthy, plan(TurnHealth::Binding));
    let request = world.check.poll_transmit(world.now).unwrap().payload;
    let reply = world.server.handle(addr(CLIENT), &request).remove(0);
    for other in ["203.0.113.53:3478", "203.0.113.52:3479"] {
        assert!(!world.check.handle_datagram(world.now, addr(other), &reply));
    }
    assert_eq!(world.check.poll_event(), None);
    world.check.handle_fault(world.now, TurnFault::Closed);
    assert_eq!(world.check.poll_event(), Some(TurnEvent::Ended(Err(TurnFault::Closed))));
    assert_eq!(world.check.poll_timeout(), None);
    assert!(!world.check.handle_datagram(world.now, addr(SERVER), &reply), "it is over");
}
