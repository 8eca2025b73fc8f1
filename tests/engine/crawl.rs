//! A look at all of a cascade: each fault is named, a sound one has none, and no list makes it go on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::crawl::{
    Crawl, Stopped, TreeFault, TreeNode, TreeState, WholeTree,
};
use turn_balance::internals::engine::client::descent::Options;
use turn_balance::internals::wire::stun::{BINDING_PASSWORD, BindingKey, BindingRequest};
use turn_balance::internals::wire::{
    Down, Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody, State,
};
use turn_balance::{Name, ServerKind, TurnFault};

const ROUND_TRIP: Duration = Duration::from_millis(10);

fn server(n: u8) -> SocketAddr {
    ([203, 0, 113, n], 3001).into()
}

fn turn(n: u8) -> SocketAddr {
    ([203, 0, 113, n], 3478).into()
}

fn balance(n: u8) -> Node {
    Node::new(server(n), Kind::Balance)
}

fn leaf(n: u8) -> Node {
    Node { turn: Some(turn(n)), ..Node::new(server(n), Kind::Leaf) }
}

/// An internet: what each balance server says, and which TURN servers answer.
#[derive(Default)]
struct Internet {
    says: BTreeMap<SocketAddr, ProbeReply>,
    turns: BTreeSet<SocketAddr>,
    /// What others answer, if they do.
    liar: Option<fn(SocketAddr) -> Option<ProbeReply>>,
    sent: BTreeMap<SocketAddr, u32>,
    /// Who knows of whom beside what is listed.
    unoffered: (Option<Name>, Vec<SocketAddr>),
    /// Whose answers take twice as long.
    slow: Option<SocketAddr>,
}

impl Internet {
    /// A root 1 that lists 2, which lists leaves 11 and 12; all is well.
    fn sound() -> Self {
        let mut internet = Self::default();
        internet.lists(1, [balance(2)]);
        internet.lists(2, [leaf(11), leaf(12)]);
        for n in [11, 12] {
            internet.names(n, turn(n));
            internet.turns.insert(turn(n));
        }
        internet
    }

    fn lists(&mut self, n: u8, nodes: impl IntoIterator<Item = Node>) {
        let nodes = Vec::from_iter(nodes);
        let known: BTreeSet<_> = nodes.iter().map(|node| node.addr).collect();
        let (total, version) = (known.len() as u32, u64::from(n));
        let reply = ProbeReply { nodes, total, version, ..ProbeReply::default() };
        self.says.insert(server(n), reply);
    }

    fn names(&mut self, n: u8, turn: SocketAddr) {
        let reply = ProbeReply { turn: Some(turn), version: u64::from(n), ..ProbeReply::default() };
        self.says.insert(server(n), reply);
    }

    fn answer(&self, to: SocketAddr, payload: &[u8]) -> Option<Vec<u8>> {
        if let Ok(binding) = BindingRequest::decode(payload, &BindingKey::new(BINDING_PASSWORD)) {
            let mut answer = Vec::new();
            binding.respond(to, &BindingKey::new(BINDING_PASSWORD), &mut answer);
            return self.turns.contains(&to).then_some(answer);
        }
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(payload) else {
            panic!("no request: {payload:02x?}");
        };
        let reply = self.says.get(&to).cloned().or_else(|| self.liar?(to))?;
        let reply = ProbeReply { nonce: probe.nonce, ..reply };
        Some(Response { id, body: ResponseBody::Probe(reply) }.encode())
    }

    fn crawl(&mut self) -> WholeTree {
        self.crawl_with(Options::default())
    }

    fn crawl_with(&mut self, options: Options) -> WholeTree {
        let mut now: Instant = turn_balance_lab::moment();
        let mut crawl = Crawl::new(&[server(1)], options, now, Rng::seed_from_u64(1));
        let (by, nodes) = self.unoffered.clone();
        crawl.unoffered(by, nodes);
        let mut coming = Vec::new();
        loop {
            while let Some(transmit) = crawl.poll_transmit(now) {
                *self.sent.entry(transmit.to).or_default() += 1;
                let answer = self.answer(transmit.to, &transmit.payload);
                let trips = 1 + u32::from(self.slow == Some(transmit.to));
                let at = now + ROUND_TRIP * trips;
                coming.extend(answer.map(|answer| (at, transmit.to, answer)));
                coming.sort_by_key(|(at, ..)| *at);
            }
            let Some(due) = crawl.poll_timeout() else { return crawl.finish(now) };
            match coming.first().map(|(at, ..)| *at).filter(|at| *at <= due) {
                Some(_) => {
                    let (at, from, answer) = coming.remove(0);
                    now = now.max(at);
                    crawl.handle_datagram(now, from, &answer);
                }
                None => {
                    now = now.max(due);
                    crawl.handle_timeout(now);
                }
            }
        }
    }
}

fn at(tree: &WholeTree, addr: SocketAddr) -> (usize, &TreeNode) {
    tree.nodes.iter().enumerate().find(|(_, node)| node.addr == addr).expect("it is met")
}

/// All faults, each behind the node that has it.
fn faults(tree: &WholeTree) -> Vec<(SocketAddr, TreeFault)> {
    let of = |node: &TreeNode| {
        let addr = node.addr;
        node.faults.clone().into_iter().map(move |fault| (addr, fault)).collect::<Vec<_>>()
    };
    tree.nodes.iter().flat_map(of).collect()
}

#[test]
fn rows_stand_in_one_order_whoever_answers_first() {
    let mut internet = Internet::sound();
    internet.lists(1, [balance(3), balance(2)]);
    internet.lists(3, [leaf(21), leaf(20)]);
    let mut rows = |slow| {
        internet.slow = slow;
        let tree = internet.crawl();
        let told = |fault: &TreeFault| match fault {
            TreeFault::Silent(Some(by)) => Some(tree.nodes[*by].addr),
            _ => None,
        };
        let row = |node: &TreeNode| {
            let by = node.via.map(|via| tree.nodes[via].addr);
            (node.addr, by, node.faults.iter().find_map(told))
        };
        tree.nodes.iter().map(row).collect::<Vec<_>>()
    };
    let by = |n| Some(server(n));
    let below_2 = [11, 12].map(|n| (server(n), by(2), None));
    let below_3 = [20, 21].map(|n| (server(n), by(3), by(3)));
    let above = [(1, None), (2, by(1)), (3, by(1))].map(|(n, via)| (server(n), via, None));
    let all = [&above[..], &below_2, &below_3].concat();
    for slow in [None, by(2), by(3)] {
        assert_eq!(rows(slow), all, "{slow:?}");
    }
}

#[test]
fn nothing_is_wrong_with_a_sound_cascade() {
    let tree = Internet::sound().crawl();
    assert_eq!((faults(&tree), tree.stopped), (vec![], None));
    let rows: Vec<_> = tree.nodes.iter().map(|node| (node.level, node.addr, node.via)).collect();
    let expected = [
        (0, server(1), None),
        (1, server(2), Some(0)),
        (2, server(11), Some(1)),
        (2, server(12), Some(1)),
    ];
    assert_eq!(rows, expected);
    assert!(tree.nodes.iter().all(|node| node.state == TreeState::Offering));
    assert!(tree.nodes.iter().all(|node| node.rtt == Some(ROUND_TRIP)));
    assert_eq!(tree.datagrams, 6, "one each, and one to each TURN server");
}

#[test]
fn two_ways_to_one_server_are_no_fault() {
    let mut internet = Internet::sound();
    internet.lists(1, [balance(2), balance(3)]);
    internet.lists(3, [leaf(12), leaf(11)]);
    // Nor is one that has an address of each family.
    let v6: SocketAddr = "[2001:db8::2]:3001".parse().unwrap();
    internet.says.insert(v6, internet.says[&server(2)].clone());
    internet.says.get_mut(&server(1)).unwrap().nodes.push(Node::new(v6, Kind::Balance));
    assert_eq!(faults(&internet.crawl()), []);
}

#[test]
fn each_fault_is_named() {
    let mut internet = Internet::sound();
    internet.lists(2, [leaf(11), leaf(11), leaf(12)]);
    assert_eq!(faults(&internet.crawl()), [(server(11), TreeFault::Twice(1))]);

    let mut internet = Internet::sound();
    internet.lists(2, [leaf(11), leaf(12), leaf(13)]);
    internet.says.insert(server(13), internet.says[&server(11)].clone());
    let expected = TreeFault::Also(1, server(11));
    assert_eq!(faults(&internet.crawl()), [(server(13), expected)]);

    let mut internet = Internet::sound();
    internet.lists(2, [balance(2), leaf(11), leaf(12)]);
    assert_eq!(faults(&internet.crawl()), [(server(2), TreeFault::Itself(server(2)))]);

    let mut internet = Internet::sound();
    internet.lists(2, [balance(3), leaf(11), leaf(12)]);
    internet.lists(3, [balance(1)]);
    let tree = internet.crawl();
    let (three, _) = at(&tree, server(3));
    assert_eq!(faults(&tree), [(server(3), TreeFault::Loop(vec![0, 1, three, 0]))]);

    let mut internet = Internet::sound();
    internet.says.remove(&server(12));
    let tree = internet.crawl();
    assert_eq!(faults(&tree), [(server(12), TreeFault::Silent(Some(1)))]);
    assert_eq!(at(&tree, server(12)).1.state, TreeState::Silent);

    let mut internet = Internet::sound();
    internet.turns.remove(&turn(12));
    assert_eq!(faults(&internet.crawl()), [(server(12), TreeFault::TurnSilent(turn(12)))]);

    let mut internet = Internet::sound();
    internet.says.get_mut(&server(2)).unwrap().total = 5;
    assert_eq!(faults(&internet.crawl()), [(server(2), TreeFault::Partly(2, 5))]);

    let mut internet = Internet::sound();
    let near: SocketAddr = "10.0.0.1:3001".parse().unwrap();
    internet.lists(2, [leaf(11), Node::new(near, Kind::Balance)]);
    let tree = internet.crawl();
    assert_eq!(faults(&tree), [(near, TreeFault::Refused(1))]);
    assert_eq!(internet.sent.get(&near), None, "nor asked");

    let mut internet = Internet::sound();
    internet.says.clear();
    assert_eq!(faults(&internet.crawl()), [(server(1), TreeFault::Silent(None))]);
}

fn down(n: u8, state: State, fault: Option<TurnFault>) -> Down {
    Down { addr: server(n), kind: Kind::Balance, name: None, state, fault }
}

#[test]
fn what_a_server_does_not_offer_is_told_with_its_reason() {
    let mut internet = Internet::sound();
    let own = Down { addr: turn(16), kind: Kind::Turn, ..down(16, State::TurnDown, None) };
    internet.says.get_mut(&server(2)).unwrap().down = vec![
        down(13, State::Nothing, Some(TurnFault::Silent)),
        down(14, State::TurnDown, Some(TurnFault::Quota)),
        down(15, State::Draining, None),
        own,
    ];
    // One has told its superior, and does not answer from here; one says another thing by now.
    let quota = Some(TurnFault::Quota);
    let reply = ProbeReply { state: State::TurnDown, fault: quota, ..ProbeReply::default() };
    internet.says.insert(server(14), reply);
    let tree = internet.crawl();
    let expected = [
        (server(13), TreeFault::Unoffered(1, TreeState::Offline, Some(TurnFault::Silent))),
        (server(14), TreeFault::Says(TreeState::TurnDown, quota)),
        (turn(16), TreeFault::Unoffered(1, TreeState::TurnDown, None)),
    ];
    assert_eq!(faults(&tree), expected, "who drains means to, and once is enough");
    let states = [13, 14, 15].map(|n| at(&tree, server(n)).1.state);
    assert_eq!(states, [TreeState::Offline, TreeState::TurnDown, TreeState::Draining]);
    assert!(
        !internet.sent.contains_key(&turn(16)),
        "why a TURN server is down, its superior knows"
    );
    let text = |fault: &TreeFault| fault.text(ServerKind::Balance, |at| format!("n{at}"));
    assert_eq!(text(&expected[0].1), "n1 says: does not answer");
    let told = TreeFault::Unoffered(1, TreeState::TurnDown, quota);
    assert_eq!(text(&told), "n1 says: its TURN server has no room left for this user (486)");
    let itself = expected[2].1.text(ServerKind::Turn, |at| format!("n{at}"));
    assert_eq!(itself, "n1 says: it cannot be used");

    internet.says.remove(&server(14));
    let silent = [
        (server(14), told),
        (server(14), TreeFault::Silent(None)), // its superior hears it, and we do not
    ];
    assert_eq!(faults(&internet.crawl())[1..3], silent);
}

#[test]
fn what_is_below_who_is_not_offered_is_named() {
    // A region all of whose leaves are dead lists nobody, and so its superior does not list it.
    let mut internet = Internet::sound();
    internet.lists(1, [balance(2)]);
    internet.says.get_mut(&server(1)).unwrap().down = vec![down(3, State::Nothing, None)];
    internet.lists(3, []);
    let region = internet.says.get_mut(&server(3)).unwrap();
    (region.state, region.down) = (
        State::Nothing,
        vec![down(13, State::Nothing, Some(TurnFault::Silent)), down(3, State::Nothing, None)],
    );
    let tree = internet.crawl();
    let (three, _) = at(&tree, server(3));
    let silent = TreeFault::Unoffered(three, TreeState::Offline, Some(TurnFault::Silent));
    let expected = [
        (server(3), TreeFault::Says(TreeState::Nothing, None)),
        (server(3), TreeFault::Itself(server(3))),
        (server(13), silent),
    ];
    assert_eq!(faults(&tree), expected);
    assert_eq!((at(&tree, server(13)).1.level, at(&tree, server(13)).1.via), (2, Some(three)));

    // Whom clients are sent to comes first, and they stand for no more than others: eight to one address.
    let victim: SocketAddr = ([198, 51, 100, 9], 5000).into();
    let at_victim = |port| Down {
        addr: SocketAddr::new(victim.ip(), port),
        ..down(1, State::Nothing, Some(TurnFault::Silent))
    };
    internet.says.get_mut(&server(1)).unwrap().down = (5000..5030).map(at_victim).collect();
    let near = Down { addr: "10.0.0.1:3001".parse().unwrap(), ..at_victim(1) };
    internet.says.get_mut(&server(2)).unwrap().down = vec![near.clone()];
    let tree = internet.crawl();
    let sent: u32 =
        internet.sent.iter().filter(|(to, _)| to.ip() == victim.ip()).map(|(_, n)| n).sum();
    assert_eq!((sent, tree.stopped), (8, Some(Stopped::Address)));
    assert!(!internet.sent.contains_key(&near.addr), "no list may lead there");
    assert!(at(&tree, server(11)).1.rtt.is_some());
}

#[test]
fn whom_an_admin_interface_alone_knows_is_asked_too() {
    let mut internet = Internet::sound();
    internet.lists(3, [leaf(11)]);
    internet.says.get_mut(&server(2)).unwrap().name = Some("mid".parse().unwrap());
    for (by, superior) in
        [(Some("mid".parse().unwrap()), 1), (Some("who".parse().unwrap()), 0), (None, 0)]
    {
        internet.unoffered = (by, vec![server(3), server(9)]);
        let tree = internet.crawl();
        assert_eq!(faults(&tree), [], "why they are not offered is told there");
        let found = at(&tree, server(3)).1;
        assert_eq!((found.state, found.via), (TreeState::Offering, Some(superior)));
        assert_eq!(at(&tree, server(9)).1.state, TreeState::Offline);
    }
}

#[test]
fn no_list_makes_it_go_on() {
    // Each server lists sixty others, all of which answer.
    fn endless(addr: SocketAddr) -> Option<ProbeReply> {
        let SocketAddr::V4(addr) = addr else { return None };
        let n = addr.ip().to_bits().wrapping_mul(60);
        let node = |k| {
            Node::new(
                (std::net::Ipv4Addr::from_bits(((n + k) % 0xdf00_0000) | 0x0b00_0000), 3001).into(),
                Kind::Balance,
            )
        };
        let nodes = Vec::from_iter((0..60).map(node));
        Some(ProbeReply { total: 60, version: u64::from(n), nodes, ..ProbeReply::default() })
    }
    let mut internet = Internet { liar: Some(endless), ..Internet::default() };
    let options = Options { timeout: Duration::from_secs(3600), ..Options::default() };
    let tree = internet.crawl_with(options.clone());
    assert!(matches!(tree.stopped, Some(Stopped::Nodes(4096))), "{:?}", tree.stopped);
    assert_eq!(tree.nodes.len(), 4096);
    assert!(tree.datagrams <= 8 * 4096);

    // Each lists one more.
    fn deep(addr: SocketAddr) -> Option<ProbeReply> {
        let below = SocketAddr::new(addr.ip(), addr.port() + 1);
        let nodes = vec![Node::new(below, Kind::Balance)];
        let version = u64::from(addr.port());
        Some(ProbeReply { total: 1, version, nodes, ..ProbeReply::default() })
    }
    let mut internet = Internet { liar: Some(deep), ..Internet::default() };
    let tree = internet.crawl_with(options.clone());
    assert_eq!(tree.stopped, Some(Stopped::Levels(8)));
    assert_eq!(
        tree.nodes.last().map(|node| (node.level, node.state)),
        Some((9, TreeState::Unasked))
    );

    // All ports of a victim.
    let mut internet = Internet::default();
    let victim =
        |port: u16| Node::new(SocketAddr::new([198, 51, 100, 9].into(), port), Kind::Balance);
    internet.lists(1, (5000..5060).map(victim));
    let tree = internet.crawl_with(options);
    let sent: u32 = internet.sent.iter().filter(|(to, _)| to.port() >= 5000).map(|(_, n)| n).sum();
    assert!(sent <= 8, "{sent}");
    assert_eq!(tree.nodes.len(), 61);
    assert_eq!(tree.stopped, Some(Stopped::Address));
    assert!(tree.nodes.iter().any(|node| node.state == TreeState::Unasked));

    // Nor beyond its time.
    let mut internet = Internet { liar: Some(endless), ..Internet::default() };
    let options = Options { timeout: 5 * ROUND_TRIP / 2, ..Options::default() };
    let tree = internet.crawl_with(options);
    assert_eq!((tree.stopped, tree.elapsed), (Some(Stopped::Time), 5 * ROUND_TRIP / 2));
}
