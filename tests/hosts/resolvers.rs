//! Resolvers that are slow, or silent.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use turn_balance_lab::host::{Host, Lab, eventually};
use turn_balance_lab::process::Answerer;
use turn_balance_lab::resolver::Question;

use crate::{lab, lists};

const RESOLVER: [u8; 4] = [203, 0, 113, 53];

/// A host that asks a resolver of its lab for names.
fn host(lab: &Lab, name: &str, addr: &str) -> Host {
    let mut host = lab.host(name, &[addr]);
    host.ask_names_of(RESOLVER.into());
    host
}

fn resolver(lab: &Lab) -> Host {
    let addr = Ipv4Addr::from(RESOLVER);
    lab.host("resolver", &[&format!("{addr}/24")])
}

/// One that answers nobody before it was asked for each of these names.
fn patient(host: &Host, names: &'static [(&'static str, [u8; 4])]) -> Answerer {
    let asked = Mutex::new(BTreeMap::<String, Vec<(SocketAddr, Vec<u8>)>>::new());
    host.answer((RESOLVER, 53).into(), move |socket, from, request| {
        // Domains' SRV records are asked for too.
        let is_known = |question: &Question| names.iter().any(|(name, _)| *name == question.name);
        let Some(question) = Question::read(request).filter(is_known) else { return };
        let mut asked = asked.lock().unwrap();
        asked.entry(question.name).or_default().push((from, request.to_vec()));
        if asked.len() < names.len() {
            return;
        }
        for (from, request) in asked.values_mut().flat_map(std::mem::take) {
            let question = Question::read(&request).unwrap();
            let (_, ip) = names.iter().find(|(name, _)| *name == question.name).unwrap();
            let _ = socket.send_to(&question.answer(&request, (*ip).into()), from);
        }
    })
}

/// A leaf that answers at an address.
fn leaf(ip: &str) -> String {
    format!("net.bind = '{ip}:3001'\nturn = {{ bind = '{ip}:3478', health = 'none' }}\n")
}

#[test]
fn all_roots_are_looked_up_at_once() {
    let Some(lab) = lab() else { return };
    let resolver = resolver(&lab);
    let names = &[
        ("a.example", [203, 0, 113, 1]),
        ("b.example", [203, 0, 113, 2]),
        ("c.example", [203, 0, 113, 3]),
    ];
    let _patient = patient(&resolver, names);
    let client = host(&lab, "client", "203.0.113.9/24");
    let args = ["a.example", "b.example", "c.example", "--timeout", "3"];
    let mut roots: Vec<_> =
        client.trace_knowing("", &args).into_iter().map(|(addr, _)| addr).collect();
    roots.sort_unstable();
    let expected = names.iter().map(|(_, ip)| SocketAddr::from((*ip, 3001)));
    assert_eq!(roots, Vec::from_iter(expected));
}

#[test]
fn a_root_that_answers_waits_for_no_silent_resolver_and_the_names_are_told() {
    let Some(lab) = lab() else { return };
    let (resolver, server) = (resolver(&lab), lab.host("server", &["203.0.113.1/24"]));
    let _silent = resolver.udp((RESOLVER, 53));
    let _server = server.serve(&leaf("203.0.113.1"));
    eventually("an answer", || server.probe(&["--verify", "off", "203.0.113.1"]));
    let client = host(&lab, "client", "203.0.113.9/24");
    let names = "203.0.113.1 known.example\n";
    let late = "the resolver had not answered when the descent ended";
    for live in ["203.0.113.1", "known.example"] {
        let args = ["a.example", "b.example:3002", live, "--verify", "off", "--timeout", "8"];
        let json = client.tb_knowing(names, &[&["probe", "--json"], &args[..]].concat());
        let probe: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(probe["turn"], "203.0.113.1:3478", "{probe}");
        let unresolved = probe["unresolved"].as_array().unwrap().iter();
        let unresolved: Vec<_> = unresolved
            .map(|root| [&root["host"], &root["reason"]].map(|v| v.as_str().unwrap()))
            .collect();
        assert_eq!(unresolved, [["a.example", late], ["b.example", late]]);

        for command in ["probe", "trace"] {
            let text = client.tb_knowing(names, &[&[command], &args[..]].concat());
            let told = String::from_utf8(text.stderr).unwrap();
            for host in ["a.example", "b.example"] {
                let line = format!("cannot look up `{host}`: {late}");
                assert!(told.lines().any(|said| said == line), "{told}");
            }
            let quiet = client.tb_knowing(names, &[&[command, "-q"], &args[..]].concat());
            assert_eq!((quiet.stderr.len(), quiet.status.code()), (0, Some(0)));
        }
        let counted = client.tb_knowing(names, &[&["trace", "-c2", "-i1ms"], &args[..]].concat());
        let told = String::from_utf8(counted.stderr).unwrap();
        let line = format!("cannot look up `a.example`: {late} (2 of 2 descents)");
        assert!(told.lines().any(|said| said == line), "{told}");
    }
}

#[test]
fn where_no_root_can_be_looked_up_all_are_told_and_there_is_one_timeout() {
    let Some(lab) = lab() else { return };
    let resolver = resolver(&lab);
    let _silent = resolver.udp((RESOLVER, 53));
    let client = host(&lab, "client", "203.0.113.9/24");
    let args = ["probe", "a.example:3002", "b.example", "c.example", "--timeout", "500ms"];
    let output = client.tb_knowing("", &args);
    let told = String::from_utf8(output.stderr).unwrap();
    let expected = "cannot look up `b.example`: the resolver had not answered when the descent ended\n\
                    cannot look up `c.example`: the resolver had not answered when the descent ended\n\
                    error: cannot look up `a.example`\n  \
                    Caused by: timed out\n\n\
                    hint: `getent ahosts a.example` shows what the system knows\n";
    assert_eq!((told.as_str(), output.status.code()), (expected, Some(2)));
    let json = client.tb_knowing("", &[&args[..], &["--json"]].concat());
    let probe: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(probe["error"]["kind"], "resolve");
    let hosts = probe["unresolved"].as_array().unwrap().iter().map(|root| root["host"].as_str());
    assert_eq!(Vec::from_iter(hosts.map(Option::unwrap)), ["a.example", "b.example", "c.example"]);
}

#[test]
fn a_servers_names_wait_for_no_silent_one() {
    let Some(lab) = lab() else { return };
    let resolver = resolver(&lab);
    let _silent = resolver.udp((RESOLVER, 53));
    let (root, server) =
        (host(&lab, "root", "203.0.113.1/24"), host(&lab, "leaf", "203.0.113.2/24"));
    let names = "203.0.113.1 root.example\n203.0.113.2 z.example\n";
    let config = "net.bind = '203.0.113.1:3001'\n\
                  cluster.nodes = ['a.example', 'b.example', 'z.example', 'c.example']\n";
    let root = root.serve_knowing(names, config);
    let superiors = "cluster.superiors = ['a.example', 'root.example']\n";
    let leaf = server
        .serve_knowing(names, &(leaf("203.0.113.2").replace("turn", &format!("{superiors}turn"))));
    lists(&server, "203.0.113.1:3001", &["203.0.113.2:3001"]);
    let [root, leaf] = [root, leaf].map(|process| process.log());
    for log in [&root, &leaf] {
        assert!(!log.contains("cannot look up"), "{log}");
    }
    let told = "looked up a name host=z.example:3001 new=203.0.113.2:3001 gone=- still_online=-";
    assert!(root.contains(told), "{root}");
    assert!(leaf.contains("announcing superior=203.0.113.1:3001"), "{leaf}");
}

/// Ctrl-C is heard while a name is looked up, and `-w` ends that too.
#[test]
fn a_ping_does_not_wait_for_a_silent_resolver() {
    let Some(lab) = lab() else { return };
    let resolver = resolver(&lab);
    let socket = resolver.udp((RESOLVER, 53));
    let client = host(&lab, "client", "203.0.113.9/24");
    let output = client.tb_knowing("", &["ping", "-w", "300ms", "a.example:3002"]);
    let told = String::from_utf8(output.stderr).unwrap();
    let expected = "error: cannot look up `a.example`\n  Caused by: timed out\n\n\
                    hint: `getent ahosts a.example` shows what the system knows\n";
    assert_eq!((told.as_str(), output.status.code()), (expected, Some(2)));

    while socket.set_nonblocking(true).is_ok() && socket.recv(&mut [0; 512]).is_ok() {}
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut ping = client.knowing(Path::new("/dev/null"));
    let mut ping = ping.args(["ping", "a.example"]).stderr(Stdio::piped()).spawn().unwrap();
    socket.recv(&mut [0; 512]).unwrap(); // it is looking
    let sent = client.command("kill").args(["-s", "INT", &ping.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let mut said = String::new();
    ping.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((ping.wait().unwrap().signal(), said.as_str()), (Some(2), ""));
}
