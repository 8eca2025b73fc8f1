//! Nodes and superiors that DNS names, and a name server that changes its mind, is slow, dead, or has more to
//! say than a datagram holds. Needs Knot.

use std::fmt::Write as _;

use turn_balance::View;
use turn_balance_lab::host::{Host, Lab, eventually};
use turn_balance_lab::knot::Knot;
use turn_balance_lab::process::Process;

use crate::{addr, lab, lists};

const DNS: [u8; 4] = [203, 0, 113, 53];
const ROOT: &str = "203.0.113.1:3001";
const ADMIN: &str = "127.0.0.1:9301";

/// What names the root.
const ABOVE: &str = "_root._udp SRV 0 0 3001 root\nroot A 203.0.113.1\n";

/// A host that asks the name server of its lab, and has not much patience.
fn host(lab: &Lab, name: &str, addr: &str) -> Host {
    let mut host = lab.host(name, &[addr]);
    host.ask_names_as("nameserver 203.0.113.53\noptions timeout:1 attempts:1\n");
    host
}

/// A leaf that announces itself to whoever the SRV records name.
fn leaf(lab: &Lab, last: u8) -> (Host, Process) {
    let ip = format!("203.0.113.{last}");
    let host = host(lab, &ip, &format!("{ip}/24"));
    let process = host.serve_knowing(
        "",
        &format!(
            "net.bind = '{ip}:3001'\nnet.drain = 0\n\
             cluster.superiors = {{ srv = '_root._udp.example.org' }}\n\
             turn = {{ bind = '{ip}:3478', health = 'none' }}\nlog.level = 'trace'\n"
        ),
    );
    (host, process)
}

/// The root, whose nodes stand in DNS.
fn root(host: &Host, nodes: &str) -> Process {
    host.serve_knowing(
        "",
        &format!("net.bind = '{ROOT}'\ncluster.nodes = {nodes}\nadmin.bind = '{ADMIN}'\n"),
    )
}

/// Waits for a line of the log that has all of these.
fn says(process: &Process, parts: &[&str]) {
    eventually(&format!("{parts:?}"), || {
        let log = process.log();
        log.lines().any(|line| parts.iter().all(|part| line.contains(part))).then_some(())
    });
}

fn status(host: &Host) -> String {
    let output = host.tb("status", &[&format!("http://{ADMIN}")]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// SRV records of nodes at port 3001 of hosts that the zone has.
fn named(hosts: &[&str]) -> String {
    let line = |host: &&str| format!("_tb._udp SRV 10 5 3001 {host}\n");
    hosts.iter().map(line).collect()
}

#[test]
fn who_is_named_joins_and_who_is_named_no_more_and_offline_leaves() {
    let Some(lab) = lab() else { return };
    let (name_server, root_host) =
        (lab.host("dns", &["203.0.113.53/24"]), host(&lab, "root", "203.0.113.1/24"));
    let hosts = format!("{ABOVE}a A 203.0.113.2\nb A 203.0.113.3\nb A 203.0.113.4\n");
    let start = format!("{hosts}{}", named(&["a"]));
    let Some(mut dns) = Knot::start(&name_server, DNS.into(), &start) else { return };
    let root = root(&root_host, "[{ srv = '_tb._udp.example.org' }]");
    let leaves = [2, 3, 4].map(|last| leaf(&lab, last));
    let [a, b, c] = ["203.0.113.2:3001", "203.0.113.3:3001", "203.0.113.4:3001"];
    lists(&root_host, ROOT, &[a]);
    says(&leaves[0].1, &["announcing superior=203.0.113.1:3001"]);

    // A name of two addresses is two nodes.
    dns.say(&format!("{hosts}{}", named(&["a", "b"])));
    lists(&root_host, ROOT, &[a, b, c]);
    let now = status(&root_host);
    let stands = format!("_tb._udp.example.org stands for {a} {b} {c}\n");
    assert!(now.contains(&stands), "{now}");

    // Who is dropped stays, as long as it answers.
    dns.say(&format!("{hosts}{}", named(&["b"])));
    let name = "host=_tb._udp.example.org";
    says(&root, &["looked up a name", name, "gone=- still_online=203.0.113.2:3001"]);
    lists(&root_host, ROOT, &[a, b, c]);
    let now = status(&root_host);
    let stands = format!("stands for {b} {c}, and no more for {a}, kept while answering\n");
    assert!(now.contains(&stands), "{now}");
    let [(_, first), _second, _third] = leaves;
    first.end();
    says(&root, &["looked up a name", name, "new=- gone=203.0.113.2:3001"]);
    lists(&root_host, ROOT, &[b, c]);

    // An answer with nothing in it takes nothing away, and is told once.
    dns.say(&hosts);
    says(&root, &["WARN", "cannot look up a name", name, "kept=2"]);
    lists(&root_host, ROOT, &[b, c]);
    let now = status(&root_host);
    assert!(now.contains("it cannot look up `_tb._udp.example.org`: "), "{now}");
    assert!(now.contains("; 2 of before stay"), "{now}");
    dns.say(&format!("{hosts}{}{}", named(&["b", "d"]), "d A 203.0.113.5\n"));
    says(&root, &["a name can be looked up again", name]);
    says(&root, &["looked up a name", "new=203.0.113.5:3001"]);
    let log = root.log();
    assert_eq!(log.matches("cannot look up a name").count(), 1, "{log}");
}

#[test]
fn a_name_server_that_is_slow_or_dead_takes_nobody_away() {
    let Some(lab) = lab() else { return };
    let (name_server, root_host) =
        (lab.host("dns", &["203.0.113.53/24"]), host(&lab, "root", "203.0.113.1/24"));
    let hosts = format!("{ABOVE}a A 203.0.113.2\nb A 203.0.113.3\n");
    let both = format!("{hosts}{}", named(&["a", "b"]));
    let Some(mut dns) = Knot::start(&name_server, DNS.into(), &both) else { return };
    let root = root(&root_host, "[{ srv = '_tb._udp.example.org' }, 'gone.example.org']");
    let leaves = [2, 3].map(|last| leaf(&lab, last));
    let nodes = ["203.0.113.2:3001", "203.0.113.3:3001"];
    lists(&root_host, ROOT, &nodes);
    says(
        &root,
        &["cannot look up a name", "host=gone.example.org:3001", "there is no such name", "kept=0"],
    );

    let name = "host=_tb._udp.example.org";
    dns.pause();
    says(&root, &["cannot look up a name", name, "no name server has answered", "kept=2"]);
    lists(&root_host, ROOT, &nodes);
    dns.go_on();
    says(&root, &["a name can be looked up again", name]);

    drop(dns);
    let failed = |process: &Process| process.log().matches("cannot look up a name").count();
    eventually("that is told too", || (failed(&root) > 2).then_some(()));
    lists(&root_host, ROOT, &nodes);
    // Of how that goes the packages say much more than who runs a server wants to know.
    let log = leaves[0].1.log();
    assert!(log.contains(" TRACE ") && !log.contains("retry_interval"), "{log}");
    // It comes back with another answer, and a superior more.
    let other = "c A 203.0.113.4\n_root._udp SRV 9 0 3001 c\n";
    dns =
        Knot::start(&name_server, DNS.into(), &format!("{both}{}{other}", named(&["c"]))).unwrap();
    says(&root, &["looked up a name", name, "new=203.0.113.4:3001 gone=-"]);
    says(&leaves[0].1, &["announcing superior=203.0.113.4:3001"]);
    // One that does not check goes with its name, one that does stays without.
    dns.say("a A 203.0.113.2\nb A 203.0.113.3\nd A 203.0.113.6\n_root._udp SRV 0 0 3001 d\n");
    says(&leaves[0].1, &["announcing superior=203.0.113.6:3001"]);
    says(&leaves[0].1, &["announcing no more superior=203.0.113.4:3001"]);
    let log = leaves[0].1.log();
    assert!(!log.contains("announcing no more superior=203.0.113.1:3001"), "{log}");
    lists(&root_host, ROOT, &nodes);
}

/// Without EDNS, as by default, an answer over UDP has 512 bytes: it comes by TCP.
#[test]
fn what_a_datagram_cannot_hold_is_asked_for_again() {
    let Some(lab) = lab() else { return };
    let (name_server, root_host) =
        (lab.host("dns", &["203.0.113.53/24"]), host(&lab, "root", "203.0.113.1/24"));
    let mut records = String::new();
    for n in 1..=60 {
        writeln!(
            records,
            "many A 10.9.0.{n}\n_tb._udp SRV 0 {n} 4000 host-{n}\nhost-{n} A 10.9.1.{n}"
        )
        .unwrap();
    }
    // What cannot be a node.
    records += "_tb._udp SRV 0 0 0 many\n_tb._udp SRV 0 0 3001 .\n";
    let Some(_dns) = Knot::start(&name_server, DNS.into(), &records) else { return };
    let _root = root(&root_host, "['many.example.org', { srv = '_tb._udp.example.org' }]");
    let nodes = |path: &str| {
        let now = status(&root_host);
        now.lines().filter(|line| line.starts_with(path)).count()
    };
    eventually("all of them", || (nodes("10.9.0.") == 60 && nodes("10.9.1.") == 60).then_some(()));
    let now = status(&root_host);
    for stands in [
        "many.example.org:3001 stands for 10.9.0.1:3001 ",
        "_tb._udp.example.org stands for 10.9.1.1:4000 ",
    ] {
        assert!(
            now.lines().any(|line| line.starts_with(stands) && line.ends_with(" and 52 more")),
            "{now}"
        );
    }
    assert!(
        root_host.list(addr(ROOT), View::Subordinates).is_some_and(|list| list.nodes.is_empty())
    );
}

/// A leaf whose TURN server is not asked, at a port of its own.
fn lone(host: &Host, bind: &str) -> Process {
    let ip = addr(bind).ip();
    host.serve(&format!("net.bind = '{bind}'\nturn = {{ bind = '{ip}:3478', health = 'none' }}\n"))
}

#[test]
fn clients_find_roots_by_their_domain() {
    let Some(lab) = lab() else { return };
    let name_server = lab.host("dns", &["203.0.113.53/24"]);
    let client = host(&lab, "client", "203.0.113.9/24");
    let hosts = [1, 2].map(|last| lab.host("root", &[&format!("203.0.113.{last}/24")]));
    // What the domain itself is at is another server, which knows nothing of this.
    let _web = lab.host("web", &["203.0.113.80/24"]);
    let records = "@ A 203.0.113.80\nfirst A 203.0.113.1\nsecond A 203.0.113.2\n\
                   _tb._udp SRV 10 0 4001 first\n_tb._udp SRV 20 0 4002 second\n";
    let Some(dns) = Knot::start(&name_server, DNS.into(), records) else { return };
    let [first, second] =
        [lone(&hosts[0], "203.0.113.1:4001"), lone(&hosts[1], "203.0.113.2:4002")];
    for root in ["203.0.113.1:4001", "203.0.113.2:4002"] {
        eventually("an answer", || client.list(addr(root), View::Subordinates));
    }
    let tb = |names: &str, args: &[&str]| {
        let output = client.tb_knowing(names, args);
        let [said, told] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), said, told)
    };
    let probe = ["probe", "--verify", "off", "-q"];
    for domain in ["example.org", "example.org.", "_tb._udp.example.org"] {
        let found = tb("", &[&probe[..], &[domain]].concat());
        assert_eq!(found, (Some(0), "203.0.113.1:3478\n".to_owned(), String::new()), "{domain}");
    }
    let trace = client.trace_knowing("", &["example.org", "--verify", "off"]);
    let asked = |root: &str| trace.iter().any(|(candidate, _)| *candidate == addr(root));
    assert!(asked("203.0.113.1:4001") && asked("203.0.113.80:3001"), "{trace:?}");
    assert!(!asked("203.0.113.2:4002"), "its priority is for when the first is silent: {trace:?}");
    let (code, said, _) = tb("", &["ping", "-c1", "example.org"]);
    assert!(code == Some(0) && said.starts_with("PING example.org (203.0.113."), "{said}");
    let (_, said, _) = tb("", &["trace", "--all", "example.org"]);
    assert!(
        ["203.0.113.1:4001", "203.0.113.2:4002"].iter().any(|root| said.contains(root)),
        "{said}"
    );

    // With a port it is that host and no other.
    let (code, ..) = tb("", &[&probe[..], &["example.org:3001"]].concat());
    assert_eq!(code, Some(1));
    first.end();
    let found = tb("", &[&probe[..], &["example.org"]].concat());
    assert_eq!(found.1, "203.0.113.2:3478\n", "{found:?}");
    second.end();
    let (code, _, told) = tb("", &[&probe[..], &["none.example.org"]].concat());
    assert_eq!(code, Some(2));
    assert!(told.starts_with("error: cannot look up `none.example.org`\n"), "{told}");

    // A host that the system knows waits for no name server.
    let known = lone(&hosts[0], "203.0.113.1:3001");
    eventually("an answer", || client.list(addr("203.0.113.1:3001"), View::Subordinates));
    dns.pause();
    let found = tb("203.0.113.1 example.org\n", &[&probe[..], &["example.org"]].concat());
    assert_eq!(found, (Some(0), "203.0.113.1:3478\n".to_owned(), String::new()));
    known.end();
}
