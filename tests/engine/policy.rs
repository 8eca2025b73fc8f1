//! Whom the caller's policy allows, and whom it prefers, whatever servers say and whoever is dead.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use turn_balance::internals::Policy;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{
    CandidateState, Descent, Failure, Options, Strategy, Verify, Why,
};
use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody, State,
};
use turn_balance::{Labels, Name};

use turn_balance_sim::{Host, Path, World};

use crate::cascade::{client, leaf, leaf_turn, levels, region, server, trace};

const ROOT: &str = "198.51.100.1";

/// A server: what its list says of it, what it says itself, and what it lists.
#[derive(Debug, Clone)]
struct Known {
    addr: SocketAddr,
    kind: Kind,
    name: &'static str,
    listed: Labels,
    own: Labels,
    alive: bool,
    turn_alive: bool,
    state: State,
    nodes: Vec<Known>,
}

impl Known {
    fn turn(&self) -> Option<SocketAddr> {
        match self.kind {
            Kind::Leaf => Some(SocketAddr::new(self.addr.ip(), 3478)),
            Kind::Turn => Some(self.addr),
            Kind::Balance => None,
        }
    }

    fn name(&self) -> Option<Name> {
        self.name.parse().ok()
    }

    fn node(&self, names: bool) -> Node {
        Node {
            turn: self.turn().filter(|_| self.kind == Kind::Leaf),
            name: self.name().filter(|_| names),
            labels: self.listed.clone(),
            ..Node::new(self.addr, self.kind)
        }
    }

    /// Puts it and all below it into a world.
    fn start(&self, world: &mut World<'_>) {
        if let Some(turn) = self.turn().filter(|_| self.turn_alive) {
            world.hosts.insert(turn, Host::Turn);
        }
        if self.alive && self.kind != Kind::Turn {
            let one = self.clone();
            let answer = move |to, _from, request: &[u8]| match Request::decode(request) {
                Ok(Request { id, body: RequestBody::Probe(probe) }) => {
                    let reply = ProbeReply {
                        nonce: probe.nonce,
                        name: one.name(),
                        turn: one.turn().filter(|_| one.state == State::Offering),
                        state: one.state,
                        nodes: one.nodes.iter().map(|node| node.node(probe.names)).collect(),
                        labels: if probe.extras.labels { one.own.clone() } else { labels("") },
                        ..ProbeReply::default()
                    };
                    vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
                }
                _ => Vec::new(),
            };
            world.hosts.insert(self.addr, Host::Actor(Box::new(answer)));
        }
        self.nodes.iter().for_each(|node| node.start(world));
    }

    /// Calls this with all of them, and what each is known by: before it has spoken, and then.
    fn each(&self, above: &Labels, told: &mut impl FnMut(&Self, &Labels, &Labels)) {
        let before = self.listed.below(above);
        let own = if self.alive && self.kind != Kind::Turn { &self.own } else { &labels("") };
        let after = own.below(&before);
        told(self, &before, &after);
        self.nodes.iter().for_each(|node| node.each(&after, told));
    }
}

fn labels(text: &str) -> Labels {
    text.parse().unwrap()
}

fn policy(require: &[&str], prefer: &[&str], exclude: &[&str]) -> Policy {
    let all = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    Policy { require: all(require), prefer: all(prefer), exclude: all(exclude) }
}

fn leaf_of(n: u8, listed: &str, own: &str) -> Known {
    Known {
        addr: leaf(n),
        kind: Kind::Leaf,
        name: ["fra-a", "fra-b", "ams-a"][usize::from(n % 3)],
        listed: labels(listed),
        own: labels(own),
        alive: true,
        turn_alive: true,
        state: State::Offering,
        nodes: Vec::new(),
    }
}

fn balance(addr: SocketAddr, listed: &str, nodes: Vec<Known>) -> Known {
    Known { addr, kind: Kind::Balance, name: "", nodes, ..leaf_of(0, listed, listed) }
}

fn root(nodes: Vec<Known>) -> Known {
    balance(server(ROOT), "", nodes)
}

/// Leaf `n` is as many milliseconds away, and a region ten times its number.
fn world_of(root: &Known, seed: u64) -> World<'static> {
    let far = |addr: SocketAddr| match addr.ip().to_string().rsplit_once('.') {
        Some(("203.0.113", n)) => {
            n.parse::<f64>().map(|n| if n < 10.0 { n * 10.0 } else { n }).unwrap()
        }
        _ => 0.0,
    };
    let mut world = World::new(seed, move |from, to| Path {
        delay: 0.5 + far(from).max(far(to)) / 2.0,
        ..Path::of(0)
    });
    root.start(&mut world);
    world
}

fn descend(root: &Known, options: Options) -> (Descent, World<'static>) {
    let mut world = world_of(root, 1);
    (world.descend(client(), options, &[root.addr]), world)
}

fn with(policy: Policy) -> Options {
    Options { policy, ..levels() }
}

/// The TURN server that is chosen, by the number of its leaf.
fn chosen(root: &Known, options: Options) -> Option<u8> {
    let turn = descend(root, options).0.selection().unwrap().ok()?.turn;
    (0..255).find(|n| leaf_turn(*n) == turn)
}

#[test]
fn what_is_required_and_excluded_decides_and_the_least_time_among_the_rest() {
    let root = root(vec![
        leaf_of(11, "region=us,tier=gold", ""),
        leaf_of(22, "region=eu", ""),
        leaf_of(33, "region=eu,tier=gold", ""),
    ]);
    for (require, exclude, expected) in [
        (&[][..], &[][..], Some(11)),
        (&["region=eu"], &[], Some(22)),
        (&["region=eu", "tier=gold"], &[], Some(33)),
        (&["region=us", "region=eu"], &["tier=gold"], Some(22)),
        (&[], &["region=us"], Some(22)),
        (&["region=eu"], &["name=fra-b"], Some(33)),
        (&["name=fra-b"], &[], Some(22)),
        (&["region=af"], &[], None),
    ] {
        for strategy in [Strategy::Best, Strategy::First] {
            let options = Options { strategy, ..with(policy(require, &[], exclude)) };
            assert_eq!(chosen(&root, options), expected, "{require:?} {exclude:?} {strategy:?}");
        }
    }
}

/// Whom a selection names.
fn named(root: &Known, options: Options) -> BTreeSet<SocketAddr> {
    let (descent, _) = descend(root, options);
    let selection = descent.selection().unwrap().unwrap();
    let others = selection.runners_up.iter().map(|other| other.turn);
    others.chain([selection.turn]).collect()
}

/// Its TURN server, which answers, does not speak for it.
#[test]
fn a_leaf_that_may_yet_say_what_is_excluded_is_heard_first() {
    let mut root = root(vec![leaf_of(11, "", "zone=us"), leaf_of(22, "", "zone=eu")]);
    for verify in [Verify::Off, Verify::On, Verify::Require] {
        for alive in [true, false] {
            root.nodes[0].alive = alive;
            let options = Options { verify, ..with(policy(&[], &[], &["zone=us"])) };
            assert_eq!(named(&root, options), [leaf_turn(22)].into(), "{verify:?} {alive}");
        }
    }
}

#[test]
fn levels_that_claim_what_is_preferred_hold_nobody_for_more_than_a_second() {
    let silent = Known { alive: false, turn_alive: false, ..leaf_of(200, "tier=gold", "") };
    let levels = (244..=250).fold(silent, |below, n| balance(leaf(n), "tier=gold", vec![below]));
    let root = root(vec![leaf_of(20, "", ""), levels]);
    let (descent, _) = descend(&root, with(policy(&[], &["tier=gold"], &[])));
    let selection = descent.selection().unwrap().unwrap();
    assert_eq!(selection.turn, leaf_turn(20));
    // What was in hand first came after 25 ms.
    assert!(selection.elapsed < Duration::from_millis(1_100), "{:?}", selection.elapsed);
}

#[test]
fn a_turn_server_that_is_ruled_out_is_named_by_no_leaf() {
    let turn = Known { addr: leaf_turn(11), kind: Kind::Turn, ..leaf_of(11, "region=us", "") };
    let root = root(vec![turn, leaf_of(11, "", ""), leaf_of(22, "region=eu", "")]);
    for verify in [Verify::Off, Verify::On, Verify::Require] {
        let options = Options { verify, ..with(policy(&[], &[], &["region=us"])) };
        assert_eq!(named(&root, options), [leaf_turn(22)].into(), "{verify:?}");
    }
}

#[test]
fn where_all_are_left_out_the_failure_counts_them_by_rule() {
    let mut root = root(vec![
        leaf_of(11, "region=us", ""),
        leaf_of(22, "region=eu,tier=bronze", ""),
        leaf_of(33, "", ""),
        balance(region(1), "region=us", vec![leaf_of(14, "", "")]),
        balance(region(2), "region=eu", vec![leaf_of(44, "", ""), leaf_of(55, "tier=bronze", "")]),
    ]);
    root.nodes[4].nodes[0].alive = false;
    root.nodes[4].nodes[0].turn_alive = false;
    let policy = policy(&["region=eu"], &[], &["tier=bronze"]);
    let (descent, world) = descend(&root, with(policy.clone()));
    let failure = descent.selection().unwrap().unwrap_err();
    assert_eq!(
        failure.to_string(),
        "`tier=bronze` is excluded, which leaves out 2 TURN servers; `region=eu` is required, which \
         leaves out 2 TURN servers and all below 1 balance server; the one other is silent: level 2: \
         the one candidate below `203.0.113.2:3001` did not answer within 10 s"
    );
    assert_eq!(failure.kind(), "ruled_out");
    let asked: BTreeSet<_> = world.log.iter().map(|sent| sent.to.ip()).collect();
    let idle = [leaf(11), leaf(22), region(1), leaf(14), leaf(55)].map(|addr| addr.ip());
    assert!(idle.iter().all(|ip| !asked.contains(ip)), "{asked:?}");
    let states = trace(&descent).candidates.into_iter().map(|row| (row.addr, row.state));
    let states = BTreeMap::from_iter(states);
    for (addr, state) in [
        (leaf(11), CandidateState::RuledOut),
        (leaf(33), CandidateState::RuledOut),
        (region(1), CandidateState::RuledOut),
        (leaf(44), CandidateState::Silent),
    ] {
        assert_eq!(states[&addr], state, "{addr}");
    }
    let root = Known { nodes: root.nodes[..2].to_vec(), ..root };
    let failure = descend(&root, with(policy)).0.selection().unwrap().unwrap_err();
    assert!(matches!(failure, Failure::RuledOut { others: None, .. }), "{failure:?}");
}

#[test]
fn nobody_is_blamed_for_what_the_policy_leaves_out() {
    // It lists one that says only of itself what it is: a region that is sound, beside a leaf that is not.
    let sound = balance(region(1), "", vec![leaf_of(11, "", "region=us")]);
    let silent = Known { alive: false, turn_alive: false, ..leaf_of(22, "region=eu", "") };
    let (eu, timeout) = (policy(&["region=eu"], &[], &[]), Duration::from_secs(2));
    let why = |nodes| {
        let options = Options { timeout, ..with(eu.clone()) };
        descend(&root(nodes), options).0.selection().unwrap().unwrap_err().to_string()
    };
    let left_out = "`region=eu` is required, which leaves out 1 TURN server";
    let others = "the one other is silent: level 1: the one candidate below";
    let told = why(vec![sound.clone(), silent.clone()]);
    assert!(told.starts_with(&format!("{left_out}; {others} ")), "{told}");
    // Some answer and name nobody.
    let down = Known { state: State::TurnDown, ..leaf_of(33, "region=eu", "") };
    let told = why(vec![sound.clone(), silent, down.clone()]);
    assert!(told.starts_with(&format!("{left_out}; of 2 others 1 are silent: ")), "{told}");
    let told = why(vec![sound, down]);
    let others = format!("of the others: level 1: `fra-a` ({}) is a dead end, the TURN", leaf(33));
    assert!(told.starts_with(&format!("{left_out}; {others}")), "{told}");
}

/// Whoever lists it is of an older release, and so may be whoever is listed.
#[test]
fn what_a_list_is_silent_of_a_server_says_itself() {
    let eu = policy(&["region=eu"], &[], &[]);
    let root_of = |nodes| root(vec![balance(region(1), "", nodes)]);
    let old = root_of(vec![
        leaf_of(11, "", "region=us"),
        leaf_of(22, "", "region=eu"),
        leaf_of(33, "", ""),
    ]);
    assert_eq!(chosen(&old, with(eu.clone())), Some(22));
    // What stands above it is not changed by it.
    let liar = root_of(vec![leaf_of(11, "region=us", "region=eu"), leaf_of(22, "", "tier=gold")]);
    assert_eq!(chosen(&liar, with(eu.clone())), None);
    // A TURN server says nothing.
    let turn = |n: u8, listed: &str| Known {
        kind: Kind::Turn,
        addr: leaf_turn(n),
        ..leaf_of(n, listed, "")
    };
    let turns = root_of(vec![turn(11, ""), turn(22, "region=eu"), turn(33, "")]);
    assert_eq!(chosen(&turns, with(eu.clone())), Some(22));
    // Nor does a peer of the first implementation.
    let bare = |to, request: &[u8]| match Request::decode(request) {
        Ok(Request { id, .. }) => {
            let reply = ProbeReply { turn: Some(leaf_turn(11)), ..ProbeReply::default() };
            vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
        }
        Err(_) => Vec::new(),
    };
    for (policy, found) in [(Policy::default(), true), (eu, false)] {
        let mut world = world_of(&old, 1);
        world.hosts.insert(old.addr, Host::Peer(bare));
        let descent = world.descend(client(), with(policy), &[old.addr]);
        assert_eq!(descent.selection().unwrap().is_ok(), found);
    }
}

/// A preferred leaf is waited for, and what leads to it is gone down into, however far it is.
#[test]
fn the_preferred_one_wins_however_far_it_is() {
    let gold = policy(&[], &["tier=gold"], &[]);
    let near = root(vec![
        leaf_of(11, "", ""),
        leaf_of(12, "tier=silver", ""),
        leaf_of(250, "tier=gold", ""),
    ]);
    let (descent, _) = descend(&near, with(gold.clone()));
    let selection = descent.selection().unwrap().unwrap();
    assert_eq!((selection.turn, selection.verified), (leaf_turn(250), true));
    assert_eq!(selection.labels, labels("tier=gold"));
    let others = selection.runners_up.iter().map(|other| (other.turn, other.why));
    let others = Vec::from_iter(others);
    assert_eq!(others, [(leaf_turn(11), Why::Unpreferred), (leaf_turn(12), Why::Unpreferred)]);
    let deep = root(vec![
        balance(region(1), "", vec![leaf_of(11, "", ""), leaf_of(12, "", "")]),
        balance(region(9), "", vec![leaf_of(240, "tier=gold", "")]),
    ]);
    assert_eq!(chosen(&deep, with(gold.clone())), Some(240));
    // It is dead: another is chosen, and not much later.
    let mut dead = near;
    (dead.nodes[2].alive, dead.nodes[2].turn_alive) = (false, false);
    let (descent, _) = descend(&dead, with(gold));
    let selection = descent.selection().unwrap().unwrap();
    assert_eq!(selection.turn, leaf_turn(11));
    assert!(selection.elapsed.as_millis() < 700, "{:?}", selection.elapsed);
}

/// Without a policy nobody is asked for labels, and with one each request asks.
#[test]
fn labels_are_asked_for_where_there_is_a_policy() {
    let root = root(vec![leaf_of(11, "region=eu", ""), leaf_of(22, "", "")]);
    for (policy, names) in [
        (Policy::default(), false),
        (policy(&["region=eu"], &[], &[]), false),
        (policy(&[], &[], &["name=fra-b"]), true),
    ] {
        let mut world = world_of(&root, 1);
        let asked = Rc::new(RefCell::new(Vec::new()));
        for host in world.hosts.values_mut() {
            let Host::Actor(actor) = host else { continue };
            let (mut inner, asked) =
                (std::mem::replace(actor, Box::new(|_, _, _| Vec::new())), asked.clone());
            *actor = Box::new(move |to, from, request| {
                if let RequestBody::Probe(probe) = Request::decode(request).unwrap().body {
                    asked.borrow_mut().push((probe.extras.labels, probe.names));
                }
                inner(to, from, request)
            });
        }
        world.descend(client(), with(policy.clone()), &[root.addr]);
        let probes = asked.take();
        assert!(probes.len() >= 2);
        assert!(probes.iter().all(|said| *said == (!policy.is_empty(), names)), "{policy:?}");
    }
}

const WORDS: [&str; 7] = ["", "a=1", "a=2", "b=1", "a=1,b=1", "a=1,b=2", "a=2,b=1,c=1"];

/// Any cascade of three levels, in which anybody may be dead, lie, or be of an older release.
fn any_root(rng: &mut Rng) -> Known {
    let mut next = 10;
    let mut leaf = |rng: &mut Rng| {
        next += 1;
        let [listed, own] = [0, 1].map(|_| WORDS[rng.random_range(0..WORDS.len())]);
        let one = leaf_of(next, listed, own);
        let (kind, addr) = match rng.random_bool(0.2) {
            true => (Kind::Turn, leaf_turn(next)),
            false => (Kind::Leaf, one.addr),
        };
        let alive = |rng: &mut Rng| rng.random_bool(0.8);
        Known { kind, addr, alive: alive(rng), turn_alive: alive(rng), ..one }
    };
    let mut some = |rng: &mut Rng| Vec::from_iter((0..rng.random_range(0..6)).map(|_| leaf(rng)));
    let mut nodes = some(rng);
    for n in 1..=rng.random_range(0..4) {
        let [listed, own] = [0, 1].map(|_| WORDS[rng.random_range(0..4)]);
        let below = some(rng);
        nodes.push(Known { own: labels(own), ..balance(region(n), listed, below) });
    }
    root(nodes)
}

fn any_policy(rng: &mut Rng) -> Policy {
    let labels = ["a=1", "a=2", "b=1", "b=2", "c=1", "name=fra-b"];
    let mut some = |p: f64| {
        let drawn = labels.iter().filter(|_| rng.random_bool(p));
        Vec::from_iter(drawn.map(|label| label.parse().unwrap()))
    };
    Policy { require: some(0.15), prefer: some(0.2), exclude: some(0.1) }
}

/// One seed is one run, so that what a policy does to a descent can be told.
#[test]
fn the_law_holds_whatever_servers_say_and_whoever_is_dead() {
    let (mut named, mut none, mut left_out) = (0, 0, 0);
    for seed in 0..600 {
        let mut rng = Rng::seed_from_u64(seed);
        let (root, policy) = (any_root(&mut rng), any_policy(&mut rng));
        let strategy = if rng.random_bool(0.8) { Strategy::Best } else { Strategy::First };
        let verify = if rng.random_bool(0.8) { Verify::On } else { Verify::Require };
        let options = Options { strategy, verify, runners_up: 3, ..with(policy.clone()) };
        let run = || {
            let mut world = world_of(&root, seed);
            let descent = world.descend(client(), options.clone(), &[root.addr]);
            (format!("{:?}", descent.trace()), descent, world)
        };
        let (told, descent, world) = run();
        assert_eq!(told, run().0, "seed {seed}");

        let (mut allowed, mut forbidden) = (BTreeMap::new(), BTreeSet::new());
        let mut out: Vec<(SocketAddr, Vec<Known>)> = Vec::new();
        root.each(&labels(""), &mut |one, before, after| {
            let name = one.name();
            if one.kind == Kind::Balance {
                if policy.breach_below(before, name.as_ref()).is_some() {
                    forbidden.insert(one.addr);
                }
                if policy.breach_below(after, name.as_ref()).is_some() {
                    out.push((one.addr, one.nodes.clone()));
                }
                return;
            }
            let ruled_out = match one.kind {
                Kind::Turn => !policy.allows(before, name.as_ref()),
                _ => policy.breach_yet(before, name.as_ref()).is_some(),
            };
            if ruled_out {
                forbidden.insert(one.addr);
                forbidden.extend(one.turn());
            }
            if policy.allows(after, name.as_ref()) {
                let serves = one.turn_alive && (one.alive || one.kind == Kind::Turn);
                allowed.insert(one.turn().unwrap(), (policy.misses(after, name.as_ref()), serves));
            }
        });
        for below in out.iter().flat_map(|(_, nodes)| nodes) {
            allowed.remove(&below.turn().unwrap());
            forbidden.extend([Some(below.addr), below.turn()].into_iter().flatten());
        }
        left_out += forbidden.len();
        for sent in world.log.iter().filter(|sent| sent.from.ip() == client().ip()) {
            assert!(!forbidden.contains(&sent.to), "seed {seed}: {} is asked", sent.to);
        }
        let best = allowed.values().filter(|(_, serves)| *serves).map(|(misses, _)| *misses).min();
        match descent.selection().unwrap() {
            Ok(selection) => {
                named += 1;
                let others = selection.runners_up.iter().map(|other| other.turn);
                for turn in others.chain([selection.turn]) {
                    assert!(allowed.contains_key(&turn), "seed {seed}: {turn}, {policy:?}");
                }
                let (misses, serves) = allowed[&selection.turn];
                if strategy == Strategy::Best && serves {
                    assert_eq!(Some(misses), best, "seed {seed}: {told}");
                }
            }
            Err(failure) => {
                none += 1;
                let best = best.filter(|_| strategy == Strategy::Best);
                assert_eq!(best, None, "seed {seed}: {failure}");
            }
        }
    }
    // It is about something.
    assert!(named > 200 && none > 50 && left_out > 600, "{named} {none} {left_out}");
}
