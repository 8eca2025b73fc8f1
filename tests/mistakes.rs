//! What operators do wrong, made on purpose: the log names it, where the mistake is. What each waited is
//! printed with `--nocapture`.
#![cfg(unix)]

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Instant;

use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody,
};
use turn_balance_lab::built;
use turn_balance_lab::loopback::{Net, answer_bindings};
use turn_balance_lab::served::Served;

/// Waits until a server says this, and prints how long it took.
fn says(served: &mut Served, start: Instant, mistake: &str, words: &str) {
    served.until_it_logs(words);
    println!("{mistake} | {words} | {:.1} s", start.elapsed().as_secs_f64());
}

/// The lines for a key of this number and secret.
fn key(id: u8, secret: u8) -> String {
    let name = format!("mistakes-{secret}.key");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    let new = file.with_extension(format!("{:?}", thread::current().id()));
    fs::write(&new, [secret; 32]).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&new, &file).unwrap(); // others read it
    format!("keys = [{{ id = {id}, file = '{name}' }}]\n")
}

/// A leaf with a TURN server that answers, below this superior.
fn leaf(net: &Net, n: u8, superior: SocketAddr, cluster: &str) -> Served {
    answer_bindings(net.turn(n));
    let turn = net.turn(n);
    let rest = format!("[cluster]\nsuperiors = '{superior}'\n{cluster}[turn]\nbind = '{turn}'\n");
    Served::start(built!(), net.server(n), "info", &rest)
}

/// A superior with these nodes.
fn superior(net: &Net, nodes: &[SocketAddr], cluster: &str) -> Served {
    let nodes: Vec<_> = nodes.iter().map(|node| format!("'{node}'")).collect();
    let rest = format!("[cluster]\nnodes = [{}]\n{cluster}", nodes.join(", "));
    Served::start(built!(), net.server(1), "info", &rest)
}

#[test]
fn a_turn_server_that_never_answers() {
    let net = Net::new();
    let rest = format!("[turn]\nbind = '{}'\n", net.turn(2));
    let start = Instant::now();
    let mut leaf = Served::start(built!(), net.server(2), "warn", &rest);
    says(&mut leaf, start, "a TURN server that does not run", "TURN server down: does not answer");
}

#[test]
fn a_superior_that_does_not_list_it_or_does_not_run() {
    let net = Net::new();
    let start = Instant::now();
    let mut lost = leaf(&net, 2, net.server(1), "");
    says(
        &mut lost,
        start,
        "a superior that does not run, or does not list the node",
        "no superior has checked this server",
    );
    let start = Instant::now();
    let above = superior(&net, &[net.server(2)], "");
    lost.until_it_logs("no longer wrong trouble=unchecked");
    above.end();
    let start_down = Instant::now();
    says(
        &mut lost,
        start_down,
        "a superior that has gone",
        "no superior checks this server any more",
    );
    assert!(start < start_down);
}

#[test]
fn nodes_that_do_not_run() {
    let net = Net::new();
    let start = Instant::now();
    let mut above = superior(&net, &[net.server(2), net.server(3)], "");
    let _leaf = leaf(&net, 2, net.server(1), "");
    says(&mut above, start, "a node that does not run", "nodes are not online");
    let log = above.end();
    assert!(log.contains(&format!("missing={}: silent", net.server(3))), "{log}");
}

#[test]
fn keys_that_differ() {
    let cases = [
        (key(1, 2), "a key of the same number and another secret", "is not what key 1 makes here"),
        (key(2, 2), "a key of another number", "is made with key 2, which is none of those here"),
        (String::new(), "no key", "is missing"),
    ];
    for (cluster, mistake, words) in cases {
        let net = Net::new();
        let start = Instant::now();
        let keyed = key(1, 1) + "require-auth = true\n";
        let mut above = superior(&net, &[net.server(2)], &keyed);
        let mut below = leaf(&net, 2, net.server(1), &cluster);
        says(&mut above, start, mistake, words);
        if !cluster.is_empty() {
            says(
                &mut below,
                start,
                &format!("{mistake}, seen from below"),
                "not believed, for its tag",
            );
        }
        let log = above.end();
        assert!(log.contains(&format!("peer={}", net.server(2))), "{log}");
    }
}

#[test]
fn a_prefix_that_may_not_join_and_a_cascade_that_is_full() {
    let cases = [
        ("join-prefixes = ['192.0.2.0/24']\n", "is in none of the `join-prefixes`"),
        ("max-nodes = 1\n", "is one more than `max-nodes`"),
        ("join = false\n", "is none of `nodes`, and `join` is off"),
    ];
    for (policy, words) in cases {
        let net = Net::new();
        let start = Instant::now();
        let join = if policy.starts_with("join =") { "" } else { "join = true\n" };
        let open = key(1, 1) + join + "require-auth = true\n" + policy;
        let mut above = superior(&net, &[], &open);
        let mut leaves = [2, 3].map(|n| leaf(&net, n, net.server(1), &key(1, 1)));
        let line = above.line_that_has(words);
        println!("{} | {words} | {:.1} s", policy.trim_end(), start.elapsed().as_secs_f64());
        // With room for one it may be either.
        let first = line.contains(&format!("from={} ", net.server(2)));
        let below = &mut leaves[usize::from(!first)];
        let words = format!("a superior does not take this server at this address: it {words}");
        says(below, start, &format!("{}, seen from below", policy.trim_end()), &words);
    }
}

#[test]
fn an_address_that_is_advertised_and_where_nothing_is() {
    let net = Net::new();
    let start = Instant::now();
    let open = key(1, 1) + "join = true\n";
    let mut above = superior(&net, &[], &open);
    let advertise = format!("advertise = '{}'\n", net.server(9));
    let mut leaf = leaf(&net, 2, net.server(1), &(key(1, 1) + &advertise));
    says(&mut above, start, "`advertise` where nothing is", "a node is not where it advertises");
    let words = "a superior does not take this server at this address: it does not answer checks";
    says(&mut leaf, start, "`advertise` where nothing is, seen from below", words);
    above.until_it_logs("node online");
    let log = above.end();
    assert!(log.contains(&format!("advertise={}", net.server(9))), "{log}");
    assert!(log.contains(&format!("node online addr={}", net.server(2))), "{log}");
}

#[test]
fn two_nodes_with_one_name() {
    let net = Net::new();
    let start = Instant::now();
    let mut above = superior(&net, &[net.server(2), net.server(3)], "");
    let leaves = [2, 3].map(|n| {
        answer_bindings(net.turn(n));
        let superior = net.server(1);
        let rest = format!(
            "net.name = 'fra'\n[cluster]\nsuperiors = '{superior}'\n[turn]\nbind = '{}'\n",
            net.turn(n)
        );
        Served::start(built!(), net.server(n), "info", &rest)
    });
    says(&mut above, start, "two nodes with one name", "two nodes have one name");
    drop(leaves);
}

#[test]
fn neither_nodes_nor_a_turn_server() {
    let net = Net::new();
    let start = Instant::now();
    let mut served = Served::start(built!(), net.server(1), "warn", "");
    says(&mut served, start, "neither nodes nor a TURN server", "nothing to offer");
}

#[test]
fn a_node_that_names_what_cannot_be_passed_on() {
    let net = Net::new();
    let node = UdpSocket::bind(net.server(2)).unwrap();
    let named = SocketAddr::new(net.ip(9), 53);
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((len, from)) = node.recv_from(&mut buffer) {
            let Ok(Request { id, body: RequestBody::Probe(probe) }) =
                Request::decode(&buffer[..len])
            else {
                continue;
            };
            let nodes = vec![Node::new(named, Kind::Balance)];
            let reply = ProbeReply { nodes, total: 1, nonce: probe.nonce, ..ProbeReply::default() };
            let reply = Response { id, body: ResponseBody::Probe(reply) };
            let _ = node.send_to(&reply.encode(), from);
        }
    });
    let start = Instant::now();
    let mut above = superior(&net, &[net.server(2)], "");
    says(&mut above, start, "a list with a useless address", "what a node names is not passed on");
    let log = above.end();
    assert!(log.contains(&format!("named={named}")), "{log}");
}
