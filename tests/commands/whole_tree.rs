//! `tb trace --all` with servers as their operators start them.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;

use serde_json::Value;
use turn_balance_lab::built;
use turn_balance_lab::loopback::{Net, answer_bindings, answer_probe};
use turn_balance_lab::patience::until;
use turn_balance_lab::served::Served;

use super::{said, tb};

fn trace(net: &Net, words: &[&str]) -> (Option<i32>, String, String) {
    let root = net.server(1).to_string();
    let args = [&["trace", "--all"], words, &[&root]].concat();
    said(tb(&args, &[]).output().unwrap())
}

fn leaf(net: &Net, n: u8) -> Served {
    answer_bindings(net.turn(n));
    let rest = format!("net.name = 'leaf-{n}'\n[turn]\nbind = '{}'\n", net.turn(n));
    Served::start(built!(), net.server(n), "info", &rest)
}

fn above(net: &Net, n: u8, name: &str, nodes: &[SocketAddr], rest: &str) -> Served {
    let nodes: Vec<_> = nodes.iter().map(|node| format!("'{node}'")).collect();
    let rest = format!("net.name = '{name}'\n[cluster]\nnodes = [{}]\n{rest}", nodes.join(", "));
    Served::start(built!(), net.server(n), "info", &rest)
}

/// The rows: name, state and problem of each.
fn rows(table: &str) -> Vec<(String, String, String)> {
    let cells = |line: &str| {
        let cells: Vec<_> =
            line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        (cells[2].to_owned(), cells[5].to_owned(), cells[6].to_owned())
    };
    table.lines().skip(1).map(cells).collect()
}

#[test]
fn a_sound_cascade_and_one_with_faults() {
    let net = Net::new();
    let _leaves = [3, 4].map(|n| leaf(&net, n));
    let mut mid = above(&net, 2, "mid", &[net.server(3), net.server(4)], "");
    let mut root = above(&net, 1, "root", &[net.server(2)], "");
    mid.until_it_logs("online=2 of 2");
    root.until_it_logs("online=1 of 1");
    let (code, table, summary) = trace(&net, &[]);
    assert_eq!(code, Some(0), "{table}{summary}");
    let row = |name: &str| (name.to_owned(), "offering".to_owned(), "-".to_owned());
    assert_eq!(rows(&table), ["root", "mid", "leaf-3", "leaf-4"].map(row));
    assert!(summary.starts_with("4 nodes on levels 0 to 2, nothing wrong, in "), "{summary}");
    drop((mid, root));

    // A loop, a node that does not run, and one that is there twice; each beside what is well.
    answer_bindings(net.turn(5));
    for n in [5, 6] {
        let (socket, turn) = (UdpSocket::bind(net.server(n)).unwrap(), net.turn(5));
        thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((len, from)) = socket.recv_from(&mut buffer) {
                let answer = answer_probe(&buffer[..len], turn);
                answer.map(|answer| socket.send_to(&answer, from).unwrap());
            }
        });
    }
    let below = [3, 5, 6, 1].map(|n| net.server(n));
    let mut mid = above(&net, 2, "mid", &below, "");
    let admin = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.sock", net.server(1).ip()));
    let _ = fs::remove_file(&admin);
    let rest = format!("[admin]\nbind = 'unix:{}'\n", admin.display());
    let mut root = above(&net, 1, "root", &[net.server(2), net.server(9)], &rest);
    root.until_it_logs("online=1 of 2");
    mid.until_it_logs("online=4 of 4");
    let (code, table, summary) = trace(&net, &[]);
    assert_eq!(code, Some(1), "{table}{summary}");
    let rows = rows(&table);
    let problem = |name: &str| rows.iter().find(|(it, ..)| it == name).unwrap().2.clone();
    assert_eq!(problem("mid"), "in a loop: root > mid > root");
    assert_eq!(problem("leaf-3"), "-");
    let problems: Vec<_> =
        rows.iter().filter(|(name, ..)| name == "-").map(|row| &*row.2).collect();
    let twice = format!("mid lists it twice: it is {} too", net.server(5));
    assert_eq!(problems, ["root says: does not answer", "-", &*twice]);
    assert!(summary.starts_with("6 nodes on levels 0 to 2, 3 with problems"), "{summary}");

    // What its superior alone knows: since when.
    let url = format!("unix:{}", admin.display());
    let (code, json, _) = trace(&net, &["--admin", &url, "--json"]);
    let tree: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (code, tree["schema"].as_str(), &tree["wrong"]),
        (Some(1), Some("tb.tree/1"), &3.into())
    );
    let told = tree["nodes"].as_array().unwrap().iter().find(|node| node["state"] == "offline");
    let message = told.unwrap()["problems"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("root says: offline for "), "{message}");
    for (format, begin) in [("dot", "digraph cascade {"), ("mermaid", "graph LR")] {
        let (_, text, _) = trace(&net, &["--format", format]);
        assert!(text.starts_with(begin) && text.contains("in a loop"), "{text}");
    }
    let (_, lines, _) = trace(&net, &["--format", "jsonl"]);
    assert_eq!(lines.lines().count(), 7, "{lines}");
    let is_one =
        |line: &&str| line.split("\"problems\"").next().unwrap().matches("\"kind\":").count() == 1;
    assert!(lines.lines().all(|line| is_one(&line)), "{lines}");
}

/// A region lists nobody where all below it is dead, and so is listed by nobody.
#[test]
fn what_is_dead_below_a_region_that_offers_nothing_is_named() {
    let net = Net::new();
    let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.key", net.server(1).ip()));
    fs::write(&key, [7; 32]).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let key = format!("keys = [{{ id = 1, file = '{}' }}]\n", key.display());
    let _listed = above(&net, 2, "listed", &[net.server(8)], "");
    let superior = format!("{key}superiors = ['{}']\n", net.server(1));
    let dying = leaf(&net, 9);
    let _joined = above(&net, 3, "joined", &[net.server(9)], &superior);
    let admin = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.sock", net.server(1).ip()));
    let _ = fs::remove_file(&admin);
    let admin = format!("unix:{}", admin.display());
    let rest = format!("{key}join = true\n[admin]\nbind = '{admin}'\n");
    let _root = above(&net, 1, "root", &[net.server(2)], &rest);
    let count = |state: &str| {
        let (_, table, _) = said(tb(&["status", &admin], &[]).output().unwrap());
        table.matches(&format!("  {state}  ")).count()
    };
    until("it has joined", || count("online") == 1);
    drop(dying);
    until("neither offers anything", || count("nothing") == 2);
    let below = |table: &str| {
        let rows = table.lines().skip(1).filter(|line| line.trim_start().starts_with('2'));
        let told = |line: &str| line.split("  offline  ").nth(1).unwrap().trim().to_owned();
        // Whose superior has answered first stands first.
        let mut rows = Vec::from_iter(rows.map(told));
        rows.sort();
        rows
    };
    let (code, table, _) = trace(&net, &[]);
    assert_eq!(
        (code, below(&table)),
        (Some(1), vec!["listed says: does not answer".to_owned()]),
        "{table}"
    );
    let (code, table, _) = trace(&net, &["--admin", &admin]);
    let expected = ["joined", "listed"].map(|name| format!("{name} says: does not answer"));
    assert_eq!((code, below(&table)), (Some(1), expected.to_vec()), "{table}");
    assert!(
        table.contains("says that it has nothing to offer; root says: offers nothing for "),
        "{table}"
    );
}

#[test]
fn what_it_cannot_do_is_said() {
    for (words, why) in [
        (&["trace", "--all", "https://root.example"][..], "asks by UDP alone"),
        (&["trace", "--admin", "unix:/nowhere", "root.example"], "--all"),
        (&["trace", "--all", "--count", "3"], "cannot be used with"),
    ] {
        let (code, stdout, stderr) = said(tb(words, &[]).output().unwrap());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
    }
}
