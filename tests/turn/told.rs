//! URLs from a configuration to what a WebRTC client reads.

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turn_balance_lab::Built;
use turn_balance_lab::certificates::Authority;
use turn_balance_lab::coturn::{Coturn, WITH_SECRET};
use turn_balance_lab::loopback::Net;
use turn_balance_lab::served::Served;

use crate::urls::{LATER, made, with_tls};

const BUILT: Built = turn_balance_lab::built!();

/// Each URL is checked every thirty seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// How much farther the far one is: seen at once, and nearer than what a descent looks around for runners-up.
const DELAY: Duration = Duration::from_millis(10);

/// The `iceServers` that `tb probe` prints, with so many runners-up; `None`: it finds nothing.
fn printed(root: SocketAddr, count: &str) -> Option<Value> {
    let mut probe = Command::new(BUILT.tb);
    probe.args(["probe", "--timeout", "5", "--format", "ice", "--count", count]);
    let output = probe.arg(root.to_string()).env_remove("TB_SERVER").output().unwrap();
    let document = || serde_json::from_slice::<Value>(&output.stdout).unwrap();
    output.status.success().then(|| document()["iceServers"].take())
}

/// Waits until these are printed.
fn until_printed(root: SocketAddr, count: &str, servers: &[&[String]]) {
    let servers: Vec<_> = servers.iter().map(|urls| json!({ "urls": urls })).collect();
    let (start, servers) = (Instant::now(), Value::from(servers));
    loop {
        let told = printed(root, count);
        if told.as_ref() == Some(&servers) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{servers:#}: {told:#?}");
    }
}

/// Passes datagrams on to a server, and its answers back, so late that it is the farther one.
fn farther(front: SocketAddr, server: SocketAddr) {
    let socket = UdpSocket::bind(front).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((len, client)) = socket.recv_from(&mut buffer) {
            let (front, request) = (socket.try_clone().unwrap(), buffer[..len].to_vec());
            thread::spawn(move || {
                let back = UdpSocket::bind((server.ip(), 0)).unwrap();
                back.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                let mut answer = [0; 2048];
                back.send_to(&request, server).unwrap();
                let Ok(len) = back.recv(&mut answer) else { return };
                thread::sleep(DELAY);
                let _ = front.send_to(&answer[..len], client);
            });
        }
    });
}

#[test]
fn a_client_gets_the_urls_of_a_leaf_and_of_a_node_two_levels_up_the_nearest_first() {
    let (net, authority) = (Net::new(), Authority::new(BUILT));
    let (root, region, leaf) = (net.server(1), net.server(2), net.server(3));
    let (beside, alone, far) = (net.turn(3), net.turn(4), net.turn(5));
    let certificate = authority.sign(&format!("IP:{}", beside.ip()), LATER);
    let Some(_beside) = with_tls(beside, &certificate, &WITH_SECRET) else { return };
    let Some(_alone) = Coturn::start(far, &WITH_SECRET) else { return };
    farther(alone, far);
    let tcp = |turn| format!("turn:{turn}?transport=tcp");
    let of_leaf = [tcp(beside), format!("turns:{}:5349?transport=tcp", beside.ip())];
    let of_node = [tcp(far)];
    let _root = Served::start(BUILT, root, "warn", &format!("cluster.nodes = ['{region}']\n"));
    let nodes = format!(
        "[cluster]\nsuperiors = ['{root}']\n\
         nodes = ['{leaf}', {{ turn = '{alone}', urls = {of_node:?} }}]\n"
    );
    let _region = Served::start(BUILT, region, "warn", &nodes);
    let turn = format!(
        "cluster.superiors = ['{region}']\n\
         [turn]\nbind = '{beside}'\nca-file = '{}'\nurls = {of_leaf:?}\n",
        authority.roots().display()
    );
    let _leaf = Served::start(BUILT, leaf, "warn", &turn);
    let [of_leaf, of_node] = [(beside, &of_leaf[..]), (alone, &of_node)]
        .map(|(turn, urls)| [&[made(turn)], urls].concat());
    until_printed(root, "1", &[&of_leaf, &of_node]);
    until_printed(root, "0", &[&of_leaf]);
}

#[test]
fn a_url_that_works_again_is_told_again() {
    let (net, authority) = (Net::new(), Authority::new(BUILT));
    let (leaf, turn) = (net.server(1), net.turn(1));
    let named = format!("IP:{}", turn.ip());
    let ended = authority.sign(&named, "20250101000000Z");
    let Some(coturn) = with_tls(turn, &ended, &WITH_SECRET) else { return };
    let secure = format!("turns:{}:5349?transport=tcp", turn.ip());
    let config = format!(
        "[turn]\nbind = '{turn}'\nca-file = '{}'\nurls = ['{secure}']\n",
        authority.roots().display()
    );
    let mut served = Served::start(BUILT, leaf, "info", &config);
    served.until_it_logs("URL left out");
    until_printed(leaf, "0", &[&[made(turn)]]);

    coturn.kill();
    let _coturn = with_tls(turn, &authority.sign(&named, LATER), &WITH_SECRET);
    until_printed(leaf, "0", &[&[made(turn), secure]]);
    served.until_it_logs("URL works");
}
