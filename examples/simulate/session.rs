//! One descent.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::net::engine::Rng;
use turn_balance::net::engine::balancer::{Balancer, Offer, Verdict};
use turn_balance::net::engine::descent::{self, Descent, Options};
use turn_balance::net::wire::stun;

use super::model::{Network, ms};
use super::tree::{Tree, addr};
use super::{Args, Strategy, Switch};

/// What came of a session.
pub(crate) struct Outcome {
    /// What the choice costs over the best, ms; none: no answer.
    pub(crate) regret: Option<f64>,
    /// Whether that is within 10 % or 5 ms of the best.
    pub(crate) good: bool,
    pub(crate) datagrams: u32,
    pub(crate) bytes: u64,
    pub(crate) time: f64,
    pub(crate) bound: f64,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(crate) fn run(
    args: &Args,
    mut network: Network<'_>,
    tree: &Tree,
    servers: &BTreeMap<SocketAddr, (usize, Offer)>,
) -> Outcome {
    let host = |server: usize| tree.servers[server].host;
    let near =
        |a: &usize, b: &usize| network.true_rtt(host(*a)).total_cmp(&network.true_rtt(host(*b)));
    let Some(best) = tree.leaves().min_by(near) else {
        unreachable!("a tree has leaves");
    };
    let root = (0..tree.roots).map(|root| network.least_rtt(host(root))).fold(f64::MAX, f64::min);
    let bound = root + network.least_rtt(host(best));
    let (chosen, datagrams, bytes, time) = match args.strategy {
        Strategy::Floor => floor(&mut network, tree),
        _ => descend(args, &mut network, tree, servers),
    };
    let best = network.true_rtt(host(best));
    let regret = chosen.map(|leaf| network.true_rtt(host(leaf)) - best);
    let good = regret.is_some_and(|regret| regret <= (best * 0.1).max(5.0));
    Outcome { regret, good, datagrams, bytes, time, bound }
}

/// Asks every leaf three times, 10 ms apart, and takes the least time: the leaf, the datagrams
/// (two for the root), their bytes and the time.
fn floor(network: &mut Network<'_>, tree: &Tree) -> (Option<usize>, u32, u64, f64) {
    let mut best: Option<(f64, usize)> = None;
    let root = network.least_rtt(tree.servers[0].host);
    let mut asked = 0;
    for leaf in tree.leaves() {
        for copy in 0..3 {
            asked += 1;
            let sent = root + 10.0 * f64::from(copy);
            let host = tree.servers[leaf].host;
            let Some(there) = network.one_way(sent, host) else { continue };
            let Some(back) = network.one_way(sent, host) else { continue };
            let rtt = there + back;
            if network.arrives(sent + rtt) && best.is_none_or(|(least, _)| rtt < least) {
                best = Some((rtt, leaf));
            }
        }
    }
    let time = root + 20.0 + best.map_or(0.0, |(rtt, _)| rtt);
    (best.map(|(_, leaf)| leaf), asked + 2, u64::from(asked) * 20, time)
}

/// What is on its way, by arrival; the number keeps the order of what arrives at once.
type Flight = BinaryHeap<Reverse<(Duration, u64, bool, SocketAddr, Vec<u8>)>>;

fn descend(
    args: &Args,
    network: &mut Network<'_>,
    tree: &Tree,
    servers: &BTreeMap<SocketAddr, (usize, Offer)>,
) -> (Option<usize>, u32, u64, f64) {
    let options = Options {
        strategy: match args.strategy {
            Strategy::First => descent::Strategy::First,
            _ => descent::Strategy::Best,
        },
        verify: args.verify == Switch::On,
        timeout: Duration::from_secs_f64(args.timeout),
        ..Options::default()
    };
    let client = SocketAddr::from(([192, 0, 2, 255], 40_000));
    let roots: Vec<_> = (0..tree.roots).map(addr).collect();
    let rng = Rng::from_rng(&mut network.rng);
    let mut descent = Descent::new(options, &roots, *START, rng);
    let mut balancer = Balancer::default();
    let mut flight = Flight::new();
    let (mut now, mut order) = (Duration::ZERO, 0);
    loop {
        while let Some(transmit) = descent.poll_transmit(*START + now) {
            order += 1;
            let at = now.as_secs_f64() * 1e3;
            let turn = transmit.to.port() == 3478;
            let to = SocketAddr::new(transmit.to.ip(), 3001);
            let Some((server, _)) =
                servers.get(&to).filter(|(server, _)| !turn || tree.is_leaf(*server))
            else {
                continue;
            };
            if let Some(way) = network.one_way(at, tree.servers[*server].host) {
                flight.push(Reverse((now + ms(way), order, false, transmit.to, transmit.payload)));
            }
        }
        let Some(deadline) = descent.poll_timeout() else { break };
        let deadline = deadline.saturating_duration_since(*START);
        let due = flight.peek().is_some_and(|Reverse((at, ..))| *at <= deadline);
        let Some(Reverse((at, _, back, addr, payload))) = due.then(|| flight.pop()).flatten()
        else {
            now = deadline.max(now);
            descent.handle_timeout(*START + now);
            continue;
        };
        now = at;
        let at = now.as_secs_f64() * 1e3;
        if back {
            if network.arrives(at) {
                descent.handle_datagram(*START + now, addr, &payload);
            }
            continue;
        }
        let to = SocketAddr::new(addr.ip(), 3001);
        let Some((server, offer)) = servers.get(&to) else { continue };
        let answer = if stun::is_stun(&payload) {
            let mut answer = payload;
            answer[..2].copy_from_slice(&[1, 1]);
            Some(answer)
        } else {
            let mut answer = Vec::new();
            let verdict = balancer.handle_datagram(offer, to, client, &payload, &mut answer);
            (verdict == Verdict::Answer).then_some(answer)
        };
        // The link's state then is that of the arrival.
        let sent = f64::MAX;
        if let Some((answer, way)) = answer.zip(network.one_way(sent, tree.servers[*server].host)) {
            order += 1;
            flight.push(Reverse((now + ms(way), order, true, addr, answer)));
        }
    }
    let Some(trace) = descent.trace() else { unreachable!("it is finished") };
    let chosen = trace.outcome.ok().and_then(|selection| {
        servers.get(&SocketAddr::new(selection.turn.ip(), 3001)).map(|(server, _)| *server)
    });
    let time = trace.elapsed.as_secs_f64() * 1e3;
    (chosen, trace.cost.datagrams, trace.cost.bytes, time)
}
