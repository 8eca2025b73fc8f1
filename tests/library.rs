//! The library as an application uses it, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::{
    Balance, CandidateState, Config, Endpoint, Error, Failure, Family, NodeEntry, Pinger, Server,
    SocketOperation, Strategy, TurnHealth, Verify, WatchChange, WatchReason, Watching,
};
use turn_balance_lab::loopback::{Net, answer_bindings, config};

/// A root, two regions and four leaves.
async fn cascade(net: &Net) -> Vec<Server> {
    let mut servers = Vec::new();
    for leaf in [21, 22, 31, 32] {
        answer_bindings(net.turn(leaf));
        let superior = net.server(leaf / 10);
        let name = format!("leaf-{leaf}");
        let config = config(net.server(leaf), &name, Some(superior), &[], Some(net.turn(leaf)));
        servers.push(Server::start(config).await.unwrap());
    }
    for (region, leaves) in [(2, [21, 22]), (3, [31, 32])] {
        let nodes = leaves.map(|leaf| net.server(leaf));
        let name = format!("region-{region}");
        let config = config(net.server(region), &name, Some(net.server(1)), &nodes, None);
        servers.push(Server::start(config).await.unwrap());
    }
    let nodes = [net.server(2), net.server(3)];
    servers.push(Server::start(config(net.server(1), "root", None, &nodes, None)).await.unwrap());
    servers
}

/// Asks until the cascade is whole.
async fn wait_for_selection(balance: &Balance) {
    let whole = async {
        while balance.select().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), whole).await.expect("the cascade is whole");
}

#[tokio::test]
async fn a_descent_ends_at_a_turn_server() {
    let net = Net::new();
    let _servers = cascade(&net).await;
    let turns: Vec<_> = [21, 22, 31, 32].map(|leaf| net.turn(leaf)).into();
    // The flat list saves the one a level that the other goes through.
    for (strategy, levels) in [(Strategy::Best, 2), (Strategy::First, 3)] {
        let balance = Balance::builder()
            .root(net.server(1))
            .strategy(strategy)
            .timeout(Duration::from_secs(5))
            .build()
            .await
            .unwrap();
        wait_for_selection(&balance).await;
        let selection = balance.select().await.unwrap();
        assert!(turns.contains(&selection.turn), "{selection:?}");
        assert_eq!(selection.path.len(), levels, "{selection:?}");
        let trace = balance.trace().await.unwrap();
        let chosen = trace.candidates.iter().filter(|c| c.state == CandidateState::Selected);
        assert_eq!(chosen.count(), 1, "{trace:?}");
    }
}

#[tokio::test]
async fn the_first_implementations_example_works() {
    let net = Net::new();
    answer_bindings(net.turn(1));
    let alone = config(net.server(1), "alone", None, &[], Some(net.turn(1)));
    let _server = Server::start(alone).await.unwrap();
    let balance = Balance::new(net.server(1)).await.unwrap();
    wait_for_selection(&balance).await;
    let node: SocketAddr = balance.probe(10).await.unwrap();
    assert_eq!(node, net.turn(1));
}

#[tokio::test]
async fn descents_on_one_socket_are_independent() {
    let net = Net::new();
    answer_bindings(net.turn(1));
    let alone = config(net.server(1), "alone", None, &[], Some(net.turn(1)));
    let _server = Server::start(alone).await.unwrap();
    let socket = std::net::UdpSocket::bind((net.ip(9), 0)).unwrap();
    let balance = Balance::builder().root(net.server(1)).socket(socket).build().await.unwrap();
    wait_for_selection(&balance).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let balance = balance.clone();
            tokio::spawn(async move { balance.probe(5).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), net.turn(1));
    }
}

#[tokio::test]
async fn silence_is_an_error_that_names_the_level() {
    let net = Net::new();
    let silent = std::net::UdpSocket::bind(net.server(1)).unwrap();
    let balance = Balance::builder()
        .root(silent.local_addr().unwrap())
        .timeout(Duration::from_millis(50))
        .build()
        .await
        .unwrap();
    let error = balance.select().await.unwrap_err();
    assert!(
        matches!(error, Error::NotFound(Failure::NoAnswer { level: 0, asked: 1, below: None, .. })),
        "{error:?}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_closed_port_is_an_error_at_once_that_names_it() {
    let net = Net::new();
    for root in [net.server(1), "[::1]:9".parse().unwrap()] {
        let balance = Balance::new(root).await.unwrap();
        for _ in 0..3 {
            let Err(Error::NotFound(failure)) = balance.select().await else { panic!("{root}") };
            assert_eq!(failure.to_string(), format!("level 0: nothing listens at `{root}`"));
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_closed_port_among_others_does_not_hold_them_up() {
    let net = Net::new();
    answer_bindings(net.turn(1));
    let alone = config(net.server(1), "alone", None, &[], Some(net.turn(1)));
    let _server = Server::start(alone).await.unwrap();
    // A closed port's error waits when the next datagram is sent: here that to the open one.
    let roots = (2..23).map(|host| net.server(host)).chain([net.server(1)]);
    let balance = roots.fold(Balance::builder(), |builder, root| builder.root(root));
    let balance = balance.build().await.unwrap();
    wait_for_selection(&balance).await;
    let trace = balance.trace().await.unwrap();
    assert_eq!(trace.outcome.unwrap().turn, net.turn(1));
    let closed = trace.candidates.iter().filter(|c| c.state == CandidateState::Unreachable);
    assert_eq!(closed.count(), 21, "{:?}", trace.candidates);
}

#[tokio::test]
async fn each_descent_has_a_source_port_of_its_own() {
    let net = Net::new();
    let root = std::net::UdpSocket::bind(net.server(1)).unwrap();
    let short = Duration::from_millis(50);
    let balance = Balance::builder().root(net.server(1)).timeout(short).build().await.unwrap();
    let (one, two) = tokio::join!(balance.select(), balance.select());
    assert!(one.is_err() && two.is_err(), "nobody answers");
    root.set_nonblocking(true).unwrap();
    let mut ports = std::collections::BTreeSet::new();
    while let Ok((_, from)) = root.recv_from(&mut [0; 1500]) {
        ports.insert(from.port());
    }
    assert_eq!(ports.len(), 2, "{ports:?}");
}

#[tokio::test]
async fn nothing_to_offer_is_a_dead_end_at_once() {
    let net = Net::new();
    let empty = config(net.server(1), "empty", None, &[], None);
    let _server = Server::start(empty).await.unwrap();
    let error = Balance::new(net.server(1)).await.unwrap().probe(60).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(Failure::DeadEnd { level: 0, .. })), "{error:?}");
}

#[tokio::test]
async fn without_a_root_there_is_nobody_to_ask() {
    let error = Balance::builder().build().await.unwrap_err();
    assert!(matches!(error, Error::NoRoots), "{error:?}");
    let root: Endpoint = "192.0.2.1".parse().unwrap();
    let error = Balance::builder().root(root).family(Family::V6).build().await.unwrap_err();
    assert!(matches!(error, Error::NoAddress { family: Family::V6, .. }), "{error:?}");
}

#[tokio::test]
async fn a_pinger_measures_as_often_as_it_is_told() {
    let net = Net::new();
    let alone = config(net.server(1), "alone", None, &[], None);
    let _server = Server::start(alone).await.unwrap();
    let often = Duration::from_millis(10);
    let pinger = Pinger::builder(net.server(1)).interval(often).count(3).family(Family::V4);
    let mut pinger = pinger.build().await.unwrap();
    assert_eq!(pinger.server(), net.server(1));
    for seq in 1..=3 {
        let echo = pinger.next().await.unwrap().unwrap();
        assert_eq!(echo.seq, seq);
        assert!(echo.rtt.is_some(), "{echo:?}");
    }
    assert_eq!(pinger.next().await.unwrap(), None);
    let silent = std::net::UdpSocket::bind(net.server(2)).unwrap();
    let silent = Pinger::builder(silent.local_addr().unwrap()).timeout(often);
    assert_eq!(silent.build().await.unwrap().next().await.unwrap().unwrap().rtt, None);
}

#[tokio::test]
async fn whoever_waits_for_ever_says_so() {
    let net = Net::new();
    answer_bindings(net.turn(1));
    let alone = config(net.server(1), "alone", None, &[], Some(net.turn(1)));
    let _server = Server::start(alone).await.unwrap();
    let balance = Balance::builder().root(net.server(1)).timeout(Duration::MAX);
    let balance = balance.linger(Duration::MAX).build().await.unwrap();
    wait_for_selection(&balance).await;
    assert_eq!(balance.trace().await.unwrap().outcome.unwrap().turn, net.turn(1));
    let pinger = Pinger::builder(net.server(1)).interval(Duration::MAX).timeout(Duration::MAX);
    let mut pinger = pinger.build().await.unwrap();
    assert!(pinger.next().await.unwrap().unwrap().rtt.is_some());
    let second = tokio::time::timeout(Duration::from_millis(50), pinger.next()).await;
    assert!(second.is_err(), "thirty years early: {second:?}");
}

/// How many threads of this process are called that.
#[cfg(target_os = "linux")]
fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|comm| comm.trim_end() == name).count()
}

#[tokio::test]
async fn several_workers_answer_at_one_address() {
    let net = Net::new();
    let mut config = config(net.server(1), "many", None, &[], Some(net.turn(1)));
    config.turn.server.health = TurnHealth::None;
    config.net.workers = 4;
    let addr = SocketAddr::new(net.ip(1), 3004); // a port that no other test has
    config.net.bind = vec![addr.into()];
    let server = Server::start(config.clone()).await.unwrap();
    assert_eq!(server.addrs(), [addr]);
    #[cfg(target_os = "linux")]
    tokio::time::timeout(Duration::from_secs(20), async {
        while threads("tb 3004") != 4 {
            tokio::task::yield_now().await; // a thread takes its name once it runs
        }
    })
    .await
    .expect("four threads");
    for _ in 0..64 {
        // Each from a port of its own, and so to any of the workers.
        let balance = Balance::builder().root(addr).verify(Verify::Off).build().await.unwrap();
        assert_eq!(balance.probe(5).await.unwrap(), net.turn(1));
    }
    let error = Server::start(config.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Socket { operation: SocketOperation::Listen, .. }), "{error:?}");
    server.stop().await;
    Server::start(config).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_server_keeps_the_limits_that_it_is_configured_with() {
    let net = Net::new();
    let mut config = config(net.server(1), "leaf", None, &[], Some(net.turn(1)));
    config.turn.server.health = TurnHealth::None;
    config.limits.exempt.clear();
    config.limits.rates.v4_32 = 3;
    let _server = Server::start(config).await.unwrap();
    let client = std::net::UdpSocket::bind((net.ip(9), 0)).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    for id in 1..=20u8 {
        client.send_to(&[8, id, 0x12, 0], net.server(1)).unwrap();
    }
    let mut answers = 0;
    while let Ok(len) = client.recv(&mut [0; 2048]) {
        answers += 1;
        assert!(28 + len <= 3 * (28 + 4), "{len} bytes");
    }
    // Six at once; of the others one in four.
    assert!((6..20).contains(&answers), "{answers} answers");
}

/// A server needs nothing of the runtime that it is started on.
fn start_and_leave(config: Config) -> Server {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Server::start(config)).unwrap()
}

#[tokio::test]
async fn a_server_does_without_timers_and_sockets_of_a_runtime_and_outlives_it() {
    let net = Net::new();
    let mut leaf = config(net.server(2), "leaf", Some(net.server(1)), &[], Some(net.turn(2)));
    leaf.turn.server.health = TurnHealth::None;
    let root = config(net.server(1), "root", None, &[net.server(2)], None);
    let servers = [root, leaf].map(|config| {
        std::thread::spawn(move || start_and_leave(config)).join().expect("it starts")
    });
    // What it lists has been checked, and goes on being checked.
    let balance = Balance::builder().root(net.server(1)).verify(Verify::Off).build().await.unwrap();
    wait_for_selection(&balance).await;
    let failed = tokio::time::timeout(Duration::from_millis(1), servers[0].failed()).await;
    assert!(failed.is_err(), "{failed:?}");
    for server in servers {
        server.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_stops_frees_its_address() {
    let net = Net::new();
    let config = config(net.server(1), "one", None, &[], Some(net.turn(1)));
    Server::start(config.clone()).await.unwrap().stop().await;
    let again = Server::start(config.clone()).await.unwrap();
    let error = Server::start(config).await.unwrap_err();
    assert!(matches!(error, Error::Socket { operation: SocketOperation::Listen, .. }), "{error:?}");
    again.stop().await;
}

#[tokio::test]
async fn a_host_name_stands_for_its_addresses() {
    let net = Net::new();
    // `localhost` is 127.0.0.1 everywhere, so the leaf takes a port of its own there.
    let mut leaf = config("127.0.0.1:0".parse().unwrap(), "leaf", None, &[], Some(net.turn(2)));
    leaf.turn.server.health = TurnHealth::None;
    let leaf = Server::start(leaf).await.unwrap();
    let mut root = config(net.server(1), "root", None, &[], None);
    let name = Endpoint::Name("localhost".to_owned(), leaf.addrs()[0].port());
    let nowhere = Endpoint::Name("nowhere.example".to_owned(), 3001);
    root.cluster.nodes = [name, nowhere].map(NodeEntry::from).into();
    let _root = Server::start(root).await.unwrap();
    let balance = Balance::new(net.server(1)).await.unwrap();
    wait_for_selection(&balance).await;
    assert_eq!(balance.probe(5).await.unwrap(), net.turn(2));
}

#[tokio::test]
async fn both_address_families_are_served_from_one_wildcard() {
    let mut both = config("[::]:0".parse().unwrap(), "both", None, &[], None);
    both.turn.bind = vec!["[2001:db8::1]:3478".parse().unwrap()];
    both.turn.server.health = TurnHealth::None;
    let server = Server::start(both).await.unwrap();
    let port = server.addrs()[0].port();
    for ip in ["127.0.0.1", "127.99.1.2", "::1"] {
        let root = SocketAddr::new(ip.parse().unwrap(), port);
        let balance = Balance::builder().root(root).verify(Verify::Off).build().await.unwrap();
        assert_eq!(balance.probe(5).await.unwrap().port(), 3478, "{ip}");
    }
}

/// The next change, by one who asks again and again what is new.
async fn next_change(watch: &mut Watching) -> Result<WatchChange, Error> {
    let asks = async {
        loop {
            let soon = tokio::time::timeout(Duration::from_millis(20), watch.next());
            if let Ok(change) = soon.await {
                return change;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asks).await.expect("a change")
}

#[tokio::test]
async fn whoever_stays_is_told_of_each_change() {
    let net = Net::new();
    let servers = cascade(&net).await;
    let balance = Balance::new(net.server(1)).await.unwrap();
    wait_for_selection(&balance).await;
    let mut watch = balance.watch().unwrap();
    assert!(watch.selection().is_none());
    let selected = next_change(&mut watch).await.unwrap();
    assert_eq!((selected.reason, selected.left), (WatchReason::Selected, None));
    let first = selected.selection.unwrap().turn;
    assert_eq!(watch.selection().unwrap().turn, first);
    let leaves = [21, 22, 31, 32].map(|leaf| net.turn(leaf));
    servers[leaves.iter().position(|turn| *turn == first).unwrap()].drain();
    let moved = next_change(&mut watch).await.unwrap();
    assert_eq!(moved.reason, WatchReason::Says(CandidateState::Draining));
    assert_eq!(moved.left.unwrap().turn, first);
    assert_ne!(moved.selection.unwrap().turn, first);
}

#[tokio::test]
async fn whoever_stays_where_nobody_answers_hears_why_and_goes_on() {
    let net = Net::new();
    let balance = Balance::new(net.server(1)).await.unwrap();
    let mut watch = balance.watch().unwrap();
    for _ in 0..2 {
        let error = next_change(&mut watch).await.unwrap_err();
        assert!(matches!(error, Error::NotFound(_)), "{error}");
    }
    answer_bindings(net.turn(1));
    let config = config(net.server(1), "leaf", None, &[], Some(net.turn(1)));
    let _server = Server::start(config).await.unwrap();
    let selected = loop {
        if let Ok(change) = next_change(&mut watch).await {
            break change;
        }
    };
    assert_eq!(selected.selection.unwrap().turn, net.turn(1));
}
