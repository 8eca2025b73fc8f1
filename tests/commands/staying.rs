//! `tb probe --watch` as a process: how it ends, and what it refuses.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{ChildStdout, Stdio};

use turn_balance_lab::built;
use turn_balance_lab::loopback::{Net, answer_bindings};
use turn_balance_lab::patience::until_some;
use turn_balance_lab::served::Served;

use crate::{Running, client, leaf, nth_leaf, said, tb};

/// One that has selected: the process, what it goes on printing, and its first line.
fn staying(root: &str, args: &[&str]) -> (Running, BufReader<ChildStdout>, String) {
    let mut command = client(&["probe", "--watch", "--allow", "127.0.0.0/8"]);
    command.args(args).arg(root).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let mut stdout = BufReader::new(running.0.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    (running, stdout, line)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_a_signal_with_code_0() {
    let net = Net::new();
    answer_bindings(net.turn(1));
    let (_server, root) = leaf(&net).await;
    for signal in ["INT", "TERM"] {
        let (mut running, _stdout, line) = staying(&root.to_string(), &[]);
        assert_eq!(line, format!("{}\n", net.turn(1)));
        running.signal(signal);
        assert_eq!(running.end().0.code(), Some(0), "{signal}");
        let mut said = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(said.contains("  leaf  ") && said.contains("  selected; no standby\n"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_whoever_reads() {
    let net = Net::new();
    answer_bindings(net.turn(1));
    let (_server, root) = leaf(&net).await;
    let (mut running, stdout, _) = staying(&root.to_string(), &[]);
    drop(stdout);
    assert_eq!(running.end().0.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_format_is_a_document_a_change() {
    let net = Net::new();
    answer_bindings(net.turn(1));
    let (_server, root) = leaf(&net).await;
    let turn = net.turn(1);
    let ice = format!(r#"{{"iceServers":[{{"urls":["turn:{turn}?transport=udp"]}}]}}"#) + "\n";
    let env = format!("TURN_URL='turn:{turn}?transport=udp'\n");
    for (format, first) in [("ice", ice), ("env", env)] {
        let (_running, _, line) = staying(&root.to_string(), &["--format", format]);
        assert_eq!(line, first);
    }
    let (_running, _, line) = staying(&root.to_string(), &["--json"]);
    let change: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(change["schema"], "tb.watch/1");
    assert_eq!((&change["reason"], &change["verified"]), (&"selected".into(), &true.into()));
}

#[test]
fn turn_servers_that_a_list_names_are_called_as_it_says() {
    let net = Net::new();
    let node = |n| {
        answer_bindings(net.turn(n));
        format!("{{ turn = '{}', name = 'ams-{n}' }}", net.turn(n))
    };
    let rest = format!("[cluster]\nnodes = [{}]\n", [2, 3].map(node).join(", "));
    let mut root = Served::start(built!(), net.server(1), "info", &rest);
    root.until_it_logs("online=2 of 2");
    let (_running, _, line) = staying(&net.server(1).to_string(), &["--json"]);
    let change: serde_json::Value = serde_json::from_str(&line).unwrap();
    // The other may be too late to stand by.
    let others = change["runners_up"].as_array().unwrap();
    let mut all = [&change].into_iter().chain(others);
    assert!(all.all(|one| one["name"] == "ams-2" || one["name"] == "ams-3"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_never_names_a_runner_up_that_is_gone_for_long() {
    let net = Net::new();
    let mut leaves = Vec::new();
    for n in [1, 2] {
        answer_bindings(net.turn(n));
        leaves.push(nth_leaf(&net, n).await);
    }
    let roots = format!("{},{}", leaves[0].1, leaves[1].1);
    let named = |line: &str| {
        let ice: serde_json::Value = serde_json::from_str(line).unwrap();
        let servers = ice["iceServers"].as_array().unwrap();
        let url = |server: &serde_json::Value| server["urls"][0].as_str().unwrap().to_owned();
        Vec::from_iter(servers.iter().map(url))
    };
    // A runner-up is awaited for 30 ms, in which a host that is busy may not have answered.
    let (mut running, mut stdout, first) = until_some("both answer", || {
        let (running, stdout, line) = staying(&roots, &["--format", "ice"]);
        let first = named(&line);
        (first.len() == 2).then_some((running, stdout, first))
    });
    let (gone, _) = &leaves[usize::from(first[1].contains(&net.turn(2).to_string()))];
    gone.drain();
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(named(&line), first[..1]);
    running.signal("INT");
    let mut said = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.ends_with("  leaf is draining; no standby\n"), "{said}");
}

#[test]
fn until_it_has_selected_it_goes_on_looking_and_a_signal_kills_it() {
    let closed = "127.0.0.1:9";
    let mut command = client(&["probe", "--watch", closed]);
    let mut running = Running(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut stderr = BufReader::new(running.0.stderr.take().unwrap());
    let mut told = String::new();
    while !told.ends_with("looking again\n") {
        assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "{told}");
    }
    assert!(told.starts_with("error: no TURN server reached from `127.0.0.1:9`\n"), "{told}");
    running.signal("INT");
    assert_eq!(running.end().0.code(), None, "it dies of the signal");
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let roots: [&[&str]; 2] =
        [&["https://root.example"], &["--transport", "https", "127.0.0.1", "https://root.example"]];
    for roots in roots {
        let args = [&["probe", "--watch"], roots].concat();
        let (code, stdout, stderr) = said(tb(&args, &[]).output().unwrap());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains("only what answers by UDP can be watched"), "{stderr}");
    }
    let args = ["probe", "--watch", "--format", "ice", "--count", "8", "127.0.0.1"];
    let (code, _, stderr) = said(tb(&args, &[]).output().unwrap());
    assert!(code == Some(2) && stderr.contains("`--watch` names 7 runners-up"), "{stderr}");
}
