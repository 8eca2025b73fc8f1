//! Together with the `tb` that runs already: what is landed must work with it, as its superior, its
//! node and its client. `.ci/old-tb` builds it and prints its path, which is to be in `TB_OLD`.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use turn_balance_lab::loopback::{self, Net, answer_bindings};

/// A `tb`: its path.
type Tb<'a> = &'a str;

/// The one of today.
const NEW: Tb<'_> = env!("CARGO_BIN_EXE_tb");

/// The one that runs already, if it is at hand.
fn old() -> Option<String> {
    let old = std::env::var("TB_OLD").ok().filter(|path| !path.is_empty());
    let required = std::env::var("TB_REQUIRE_OLD").is_ok_and(|value| value == "1");
    assert!(old.is_some() || !required, "no TB_OLD, and TB_REQUIRE_OLD=1");
    if old.is_none() {
        loopback::skipped("no older tb here; `TB_OLD=$(.ci/old-tb) cargo test` runs this test");
    }
    old
}

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Balance servers, old and new ones: host 1 has the root.
struct Cascade {
    old: String,
    net: Net,
    servers: Vec<Process>,
}

impl Cascade {
    fn new(old: &str) -> Self {
        Self { old: old.to_owned(), net: Net::new(), servers: Vec::new() }
    }

    /// Starts a server on host `n`, with this in `[cluster]` and behind it.
    fn serve(&mut self, tb: Tb<'_>, n: u8, rest: &str) {
        let bind = self.net.server(n);
        let file = tmp(&format!("{bind}.toml"));
        fs::write(&file, format!("net.bind = \"{bind}\"\n[cluster]\n{rest}")).unwrap();
        let mut command = Command::new(tb);
        command.arg("serve").arg("-c").arg(&file).env_remove("TB_CONFIG");
        self.servers.push(Process(command.stderr(Stdio::null()).spawn().unwrap()));
    }

    /// Starts the superior of these hosts.
    fn superior(&mut self, tb: Tb<'_>, n: u8, superiors: &[u8], nodes: &[u8]) {
        let addrs = |hosts: &[u8]| hosts.iter().map(|&n| self.net.server(n).to_string()).collect();
        let (superiors, nodes): (Vec<String>, Vec<String>) = (addrs(superiors), addrs(nodes));
        self.serve(tb, n, &format!("superiors = {superiors:?}\nnodes = {nodes:?}\n"));
    }

    /// Starts the leaf beside the TURN server of a host.
    fn leaf(&mut self, tb: Tb<'_>, n: u8, superior: u8, keys: &str) {
        let (superior, turn) = (self.net.server(superior), self.net.turn(n));
        let rest = format!("superiors = \"{superior}\"\n{keys}\n[turn]\nbind = \"{turn}\"\n");
        self.serve(tb, n, &rest);
    }

    /// Waits until old and new clients find the TURN servers of these hosts and no others, level
    /// by level and in flat lists. Then they must name one of them.
    fn leads_to(&self, hosts: &[u8]) {
        let turns: BTreeSet<_> = hosts.iter().map(|&n| self.net.turn(n)).collect();
        for client in [NEW, &self.old] {
            for view in ["subordinates", "flat"] {
                let start = Instant::now();
                loop {
                    let found = self.turns(client, view);
                    if found == turns {
                        break;
                    }
                    let late = start.elapsed() > Duration::from_secs(30);
                    assert!(!late, "{client}, {view}: {found:?}, not {turns:?}");
                    thread::sleep(Duration::from_millis(50));
                }
            }
            let output = self.run(client, &["probe"]);
            let named = String::from_utf8(output.stdout).unwrap();
            let named = named.trim_end().parse().expect("a TURN server, alone");
            assert!(output.status.success() && turns.contains(&named), "{client} names {named}");
        }
    }

    /// The TURN servers that a trace has.
    fn turns(&self, client: Tb<'_>, view: &str) -> BTreeSet<SocketAddr> {
        let output = self.run(client, &["trace", "--format", "json", "--view", view]);
        let trace: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let candidates = trace["candidates"].as_array().into_iter().flatten();
        candidates
            .filter_map(|row| row["turn"].as_str())
            .map(|turn| turn.parse().unwrap())
            .collect()
    }

    fn run(&self, client: Tb<'_>, args: &[&str]) -> Output {
        let mut command = Command::new(client);
        command.args(args).arg(self.net.server(1).to_string());
        command.env("NO_COLOR", "1").env_remove("TB_SERVER").output().unwrap()
    }
}

fn tmp(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A root and two leaves. One of the TURN servers comes up when the cascade stands: what changes is
/// told upward.
fn nodes_are_listed(superior: Tb<'_>, node: Tb<'_>, old: Tb<'_>) {
    let mut cascade = Cascade::new(old);
    cascade.superior(superior, 1, &[], &[11, 12]);
    answer_bindings(cascade.net.turn(11));
    for n in [11, 12] {
        cascade.leaf(node, n, 1, "");
    }
    cascade.leads_to(&[11]);
    answer_bindings(cascade.net.turn(12));
    cascade.leads_to(&[11, 12]);
}

#[test]
fn an_old_superior_lists_new_nodes() {
    let Some(old) = old() else { return };
    nodes_are_listed(&old, NEW, &old);
}

#[test]
fn a_new_superior_lists_old_nodes() {
    let Some(old) = old() else { return };
    nodes_are_listed(NEW, &old, &old);
}

/// A root that lets whoever has its key join, and two that would: one has none.
fn a_node_with_a_key_joins(superior: Tb<'_>, node: Tb<'_>, old: Tb<'_>) {
    let mut cascade = Cascade::new(old);
    let key = tmp(&format!("{}.key", cascade.net.ip(1)));
    fs::write(&key, [0x5e; 32]).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let keys = format!("keys = [{{ id = 1, file = {key:?} }}]");
    cascade.serve(superior, 1, &format!("join = true\nrequire-auth = true\n{keys}\n"));
    for (n, keys) in [(11, ""), (12, &*keys)] {
        answer_bindings(cascade.net.turn(n));
        cascade.leaf(node, n, 1, keys);
    }
    cascade.leads_to(&[12]);
}

#[test]
fn a_new_node_with_a_key_joins_an_old_superior() {
    let Some(old) = old() else { return };
    a_node_with_a_key_joins(&old, NEW, &old);
}

#[test]
fn an_old_node_with_a_key_joins_a_new_superior() {
    let Some(old) = old() else { return };
    a_node_with_a_key_joins(NEW, &old, &old);
}

#[test]
fn three_mixed_levels_lead_to_every_turn_server() {
    let Some(old) = old() else { return };
    for root in [NEW, &old] {
        let mut cascade = Cascade::new(&old);
        cascade.superior(root, 1, &[], &[2, 3]);
        for (region, n) in [(&*old, 2), (NEW, 3)] {
            let leaves = [10 * n + 1, 10 * n + 2];
            cascade.superior(region, n, &[1], &leaves);
            cascade.leaf(NEW, leaves[0], n, "");
            cascade.leaf(&old, leaves[1], n, "");
        }
        answer_bindings(cascade.net.turn(22));
        cascade.leads_to(&[22]);
        for n in [21, 31, 32] {
            answer_bindings(cascade.net.turn(n));
        }
        cascade.leads_to(&[21, 22, 31, 32]);
    }
}
