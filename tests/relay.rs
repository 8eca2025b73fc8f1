//! The right leaf, over real sockets: each leaf stands behind a relay that delays by a known time
//! and drops a known share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use tokio::net::UdpSocket;
use turn_balance::internals::engine::Rng;
use turn_balance::{Balance, Load, NodeEntry, Server, TurnHealth, TurnServer};
use turn_balance_lab::coturn::{Coturn, SECRET, WITH_SECRET};
use turn_balance_lab::loopback;
use turn_balance_lab::loopback::{Net, config};
use turn_balance_lab::second_turn::SecondTurn;
use turn_balance_lab::{Built, built};

const BUILT: Built = built!();

/// Held by the one test that has the machine to itself: the relays of others would delay its own.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What a relay does with a datagram, each way.
#[derive(Clone)]
struct Way {
    delay: Duration,
    loss: f64,
    rng: Arc<Mutex<Rng>>,
}

impl Way {
    /// Sends a datagram on, later or never.
    fn send(&self, socket: Arc<UdpSocket>, datagram: Vec<u8>, to: SocketAddr) {
        let (delay, lost) = (self.delay, self.rng.lock().unwrap().random_bool(self.loss));
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            if !lost {
                let _ = socket.send_to(&datagram, to).await;
            }
        });
    }
}

/// Passes datagrams on to `server` and its answers back, each with a socket of its client's own.
async fn relay(bind: SocketAddr, server: SocketAddr, way: Way) {
    let front = Arc::new(UdpSocket::bind(bind).await.unwrap());
    tokio::spawn(async move {
        let mut backs: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
        let mut buffer = [0; 65_535];
        while let Ok((len, client)) = front.recv_from(&mut buffer).await {
            let back = match backs.get(&client) {
                Some(back) => back.clone(),
                None => {
                    let back = Arc::new(UdpSocket::bind((bind.ip(), 0)).await.unwrap());
                    backs.insert(client, back.clone());
                    tokio::spawn(answers(back.clone(), front.clone(), client, way.clone()));
                    back
                }
            };
            way.send(back, buffer[..len].to_vec(), server);
        }
    });
}

async fn answers(back: Arc<UdpSocket>, front: Arc<UdpSocket>, client: SocketAddr, way: Way) {
    let mut buffer = [0; 65_535];
    while let Ok((len, _)) = back.recv_from(&mut buffer).await {
        way.send(front.clone(), buffer[..len].to_vec(), client);
    }
}

/// A leaf and its TURN server, both so far away.
async fn leaf(net: &Net, n: u8, way: Way, labels: &str) -> Server {
    let at = |port| SocketAddr::new(net.ip(n + 10), port);
    loopback::answer_bindings(at(4478));
    relay(at(3478), at(4478), way.clone()).await;
    relay(at(3001), at(4001), way).await;
    let mut leaf = config(at(4001), &format!("leaf-{n}"), None, &[], Some(at(3478)));
    leaf.turn.server.health = TurnHealth::None;
    leaf.net.labels = labels.parse().unwrap();
    Server::start(leaf).await.unwrap()
}

/// How often `tb probe` names the nearest of four leaves (20, 40, 60 and 80 ms away), of 200 times.
async fn nearest_of_200(loss: f64) -> usize {
    let net = Net::new();
    let rng = Arc::new(Mutex::new(Rng::seed_from_u64(1)));
    let mut servers = Vec::new();
    for n in 1..=4 {
        let delay = Duration::from_millis(10 * u64::from(n));
        servers.push(leaf(&net, n, Way { delay, loss, rng: rng.clone() }, "").await);
    }
    let leaves = [1, 2, 3, 4].map(|n| net.server(n + 10));
    servers.push(Server::start(config(net.server(1), "root", None, &leaves, None)).await.unwrap());

    let root = net.server(1);
    all_are_listed(root, &leaves).await;
    named_of(root, SocketAddr::new(net.ip(11), 3478), 50).await
}

/// How often `tb probe` names the right one of three leaves, of 200 times: the nearest (20 ms away) is full, the
/// last (60 ms) empty.
#[tokio::test(flavor = "multi_thread")]
async fn of_three_leaves_with_loads_the_right_one_is_named_200_times_of_200() {
    let _alone = ALONE.lock().await;
    let net = Net::new();
    let rng = Arc::new(Mutex::new(Rng::seed_from_u64(1)));
    let mut servers = Vec::new();
    for (n, delay, percent) in [(1, 10, 96.0), (2, 12, 60.0), (3, 30, 0.0)] {
        let way = Way { delay: Duration::from_millis(delay), loss: 0.0, rng: rng.clone() };
        let leaf = leaf(&net, n, way, "").await;
        leaf.set_load(Load::new(percent, 100));
        servers.push(leaf);
    }
    let leaves = [1, 2, 3].map(|n| net.server(n + 10));
    servers.push(Server::start(config(net.server(1), "root", None, &leaves, None)).await.unwrap());
    let root = net.server(1);
    all_are_listed(root, &leaves[1..]).await;
    assert_eq!(named_of(root, SocketAddr::new(net.ip(12), 3478), 50).await, 200);
}

/// The same with labels: the nearest (20 ms away) is in another region, the next (24 ms) is not preferred, the
/// last (60 ms) is nearly full.
#[tokio::test(flavor = "multi_thread")]
async fn of_three_leaves_with_labels_the_right_one_is_named_200_times_of_200() {
    let _alone = ALONE.lock().await;
    let net = Net::new();
    let rng = Arc::new(Mutex::new(Rng::seed_from_u64(1)));
    let mut servers = Vec::new();
    for (n, delay, percent, labels) in [
        (1, 10, 0.0, "region=us,tier=gold"),
        (2, 12, 10.0, "region=eu"),
        (3, 30, 80.0, "region=eu,tier=gold"),
    ] {
        let way = Way { delay: Duration::from_millis(delay), loss: 0.0, rng: rng.clone() };
        let leaf = leaf(&net, n, way, labels).await;
        leaf.set_load(Load::new(percent, 100));
        servers.push(leaf);
    }
    let leaves = [1, 2, 3].map(|n| net.server(n + 10));
    servers.push(Server::start(config(net.server(1), "root", None, &leaves, None)).await.unwrap());
    let root = net.server(1);
    all_are_listed(root, &leaves).await;
    let right = SocketAddr::new(net.ip(13), 3478);
    let policy = ["--require", "region=eu", "--prefer", "tier=gold"];
    assert_eq!(named_by(root, &policy, right, 50).await, 200);

    let mut nowhere = Command::new(BUILT.tb);
    nowhere.args(["probe", "--require", "region=af", &root.to_string()]);
    let told = tokio::task::spawn_blocking(move || nowhere.output().unwrap()).await.unwrap();
    let stderr = String::from_utf8(told.stderr).unwrap();
    assert_eq!((told.status.code(), told.stdout.as_slice()), (Some(1), &b""[..]), "{stderr}");
    let why = "`region=af` is required, which leaves out 3 TURN servers";
    assert!(stderr.contains(why) && stderr.contains("hint: `tb trace --json"), "{stderr}");
}

/// Waits until all of these stand in the list of a root.
async fn all_are_listed(root: SocketAddr, nodes: &[SocketAddr]) {
    let balance = Balance::new(root).await.unwrap();
    let whole = async {
        loop {
            let trace = balance.trace().await.unwrap();
            let asked =
                |node: &SocketAddr| trace.candidates.iter().any(|c| c.addr == *node && c.sent > 0);
            if nodes.iter().all(asked) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), whole).await.expect("all nodes are online");
}

/// How often `tb probe` names a TURN server, of so many times four at once.
async fn named_of(root: SocketAddr, right: SocketAddr, times: usize) -> usize {
    named_by(root, &[], right, times).await
}

/// The same with these arguments besides.
async fn named_by(root: SocketAddr, args: &[&str], right: SocketAddr, times: usize) -> usize {
    let (root, right, mut named) = (root.to_string(), right.to_string(), 0);
    for _ in 0..times {
        let probes = [(); 4].map(|()| {
            let mut probe = Command::new(BUILT.tb);
            probe.args(["probe", "--timeout", "10", &root]).args(args);
            tokio::task::spawn_blocking(move || probe.output().unwrap())
        });
        for probe in probes {
            let printed = String::from_utf8(probe.await.unwrap().stdout).unwrap();
            named += usize::from(printed.trim_end() == right);
        }
    }
    named
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_leaf_is_named_200_times_of_200() {
    let _alone = ALONE.lock().await;
    assert_eq!(nearest_of_200(0.0).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn and_198_times_where_a_tenth_is_lost_each_way() {
    let _alone = ALONE.lock().await;
    let named = nearest_of_200(0.1).await;
    assert!(named >= 198, "{named} of 200");
}

/// How often `tb probe` names the first of some TURN servers that have nothing beside them, of 100 times:
/// they stand where these addresses are, each farther away than the one before it.
async fn nearest_turn_of_100(net: &Net, first: u8, turns: [SocketAddr; 3]) -> usize {
    let rng = Arc::new(Mutex::new(Rng::seed_from_u64(1)));
    let mut root = config(net.server(first), "root", None, &[], None);
    for (n, turn) in (1..).zip(turns) {
        let way =
            Way { delay: Duration::from_millis(10 * u64::from(n)), loss: 0.0, rng: rng.clone() };
        let front = net.turn(first + n);
        relay(front, turn, way).await;
        root.cluster.nodes.push(NodeEntry::new(front).turn(TurnServer::default()));
    }
    let _root = Server::start(root).await.unwrap();
    let (at, fronts) = (net.server(first), [1, 2, 3].map(|n| net.turn(first + n)));
    all_are_listed(at, &fronts).await;
    named_of(at, fronts[0], 25).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_turn_server_is_named_200_times_of_200() {
    let _alone = ALONE.lock().await;
    let net = Net::new();
    let real = [1, 2, 3].map(|n| SocketAddr::new(net.ip(n), 4478));
    let Some(_first) = Coturn::start(real[0], &WITH_SECRET) else { return };
    let Some(_second) = SecondTurn::start(BUILT, real[1], SECRET) else { return };
    let Some(_third) = Coturn::start(real[2], &WITH_SECRET) else { return };
    let [a, b, c] = real;
    assert_eq!(nearest_turn_of_100(&net, 10, [a, b, c]).await, 100, "a coturn is");
    assert_eq!(nearest_turn_of_100(&net, 20, [b, c, a]).await, 100, "the other one is");
}
