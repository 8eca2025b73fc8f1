//! A real cascade: three levels of separate processes, a real coturn beside each leaf.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use turn_balance_lab::coturn::NO_FILE;
use turn_balance_lab::loopback;
use turn_balance_lab::loopback::Net;

const TB: &str = env!("CARGO_BIN_EXE_tb");

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A balance server from a configuration file, as its operator starts it.
fn serve(bind: SocketAddr, name: &str, rest: &str) -> Process {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{bind}.toml"));
    fs::write(&file, format!("[net]\nbind = \"{bind}\"\nname = \"{name}\"\n{rest}")).unwrap();
    let mut command = Command::new(TB);
    command.arg("serve").arg("-c").arg(&file).env_remove("TB_CONFIG");
    Process(command.stderr(Stdio::null()).spawn().unwrap())
}

/// A coturn, if there is one on this machine.
fn coturn(bind: SocketAddr) -> Option<Process> {
    let mut command = Command::new("turnserver");
    command.args(["-n", "--no-auth", "--no-tls", "--no-dtls", "--no-cli", "--no-tcp"]);
    command.args(["--log-file=stdout", "--pidfile=/dev/null", "--relay-threads=1"]);
    command.arg(NO_FILE).arg(format!("--listening-ip={}", bind.ip()));
    command.arg(format!("--relay-ip={}", bind.ip()));
    command.arg(format!("--listening-port={}", bind.port()));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(child) => Some(Process(child)),
        Err(error) => {
            let required = std::env::var("TB_REQUIRE_COTURN").is_ok_and(|value| value == "1");
            assert!(!required, "no coturn, and TB_REQUIRE_COTURN=1: {error}");
            None
        }
    }
}

fn tb(arguments: &[&str]) -> Output {
    let mut command = Command::new(TB);
    command.args(arguments).env("NO_COLOR", "1").env_remove("TB_SERVER");
    command.stdin(Stdio::null()).output().unwrap()
}

fn probe(root: SocketAddr) -> Option<SocketAddr> {
    let output = tb(&["probe", &root.to_string(), "--timeout", "10"]);
    let line = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.success(), !line.is_empty(), "the exit code says what stdout does");
    line.strip_suffix('\n').map(|line| line.parse().expect("an address, alone"))
}

/// Those that a trace has asked, with their levels and states: not whom it was told of as not offered.
fn trace(root: SocketAddr) -> Vec<(u8, SocketAddr, String)> {
    let output = tb(&["trace", "--json", &root.to_string(), "--timeout", "10"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = document["candidates"].as_array().unwrap();
    let asked = rows.iter().filter(|row| row["sent"].as_u64() > Some(0));
    let row = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let level = row["level"].as_u64().unwrap().try_into().unwrap();
        (level, text("addr").parse().unwrap(), text("state"))
    };
    asked.map(row).collect()
}

/// Waits for something to come true: for ever is thirty seconds.
fn wait(what: &str, mut came_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !came_true() {
        assert!(start.elapsed() < Duration::from_secs(30), "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

struct Cascade {
    net: Net,
    leaves: Vec<(u8, Option<Process>)>,
    _turns: Vec<Process>,
    _regions: Vec<Process>,
    root: Option<Process>,
}

impl Cascade {
    /// None where there is no coturn.
    fn start() -> Option<Self> {
        let net = Net::new();
        let leaves = [21, 22, 31, 32];
        let turns: Option<_> = leaves.iter().map(|&n| coturn(net.turn(n))).collect();
        let Some(turns) = turns else {
            loopback::skipped("no coturn here; `apt-get install coturn` runs this test");
            return None;
        };
        let regions = [2, 3].map(|region: u8| {
            let nodes = [1, 2].map(|n| net.server(region * 10 + n).to_string());
            let superior = net.server(1);
            let rest = format!("[cluster]\nsuperiors = \"{superior}\"\nnodes = {nodes:?}\n");
            serve(net.server(region), &format!("region-{region}"), &rest)
        });
        let mut cascade = Self {
            leaves: leaves.map(|n| (n, None)).into(),
            _turns: turns,
            _regions: regions.into(),
            root: None,
            net,
        };
        cascade.restart_root();
        for n in leaves {
            cascade.restart_leaf(n);
        }
        let root = cascade.root();
        wait("all four leaves are offered", || {
            trace(root).iter().filter(|(level, ..)| *level == 2).count() == 4
        });
        Some(cascade)
    }

    fn root(&self) -> SocketAddr {
        self.net.server(1)
    }

    fn restart_root(&mut self) {
        self.root = None;
        let nodes = [2, 3].map(|n| self.net.server(n).to_string());
        let rest = format!("[cluster]\nnodes = {nodes:?}\n");
        self.root = Some(serve(self.root(), "root", &rest));
    }

    fn restart_leaf(&mut self, n: u8) {
        let (superior, turn) = (self.net.server(n / 10), self.net.turn(n));
        let rest = format!("[cluster]\nsuperiors = \"{superior}\"\n[turn]\nbind = \"{turn}\"\n");
        let process = serve(self.net.server(n), &format!("leaf-{n}"), &rest);
        *self.leaf(n) = Some(process);
    }

    fn leaf(&mut self, n: u8) -> &mut Option<Process> {
        &mut self.leaves.iter_mut().find(|(leaf, _)| *leaf == n).unwrap().1
    }

    /// The leaf beside a TURN server.
    fn leaf_of(&self, turn: SocketAddr) -> u8 {
        let leaves = self.leaves.iter().map(|(n, _)| *n);
        leaves.into_iter().find(|&n| self.net.turn(n) == turn).expect("a leaf's TURN server")
    }
}

#[test]
fn probe_trace_and_ping_end_at_a_real_turn_server() {
    let Some(cascade) = Cascade::start() else { return };
    let root = cascade.root();
    let turn = probe(root).expect("a TURN server");
    cascade.leaf_of(turn);

    let rows = trace(root);
    let selected: Vec<_> = rows.iter().filter(|(.., state)| state == "selected").collect();
    assert_eq!(selected.len(), 1, "{rows:?}");
    assert_eq!(selected[0].0, 3, "{rows:?}");
    for level in 0..3 {
        let path = rows.iter().filter(|(l, _, state)| *l == level && state == "path");
        assert_eq!(path.count(), 1, "level {level} of {rows:?}");
    }

    // Of the TURN server, and of a balance server.
    for addr in [turn, root] {
        let stun = Command::new("turnutils_stunclient")
            .args(["-p", &addr.port().to_string(), &addr.ip().to_string()])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&stun.stdout).into_owned();
        assert!(stun.status.success() && said.contains("UDP reflexive addr"), "{said}");
    }

    let ping = tb(&["ping", "-c", "3", "-i", "0.2", &root.to_string()]);
    let text = String::from_utf8(ping.stdout).unwrap();
    assert!(ping.status.success(), "{text}");
    assert!(text.contains("3 packets transmitted, 3 received, 0% packet loss"), "{text}");
}

#[test]
fn the_script_of_the_readme_works() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/configs/cascade.sh");
    let output = Command::new("sh").arg(script).env("TB", TB).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap();
    assert!(last.parse::<SocketAddr>().is_ok(), "{text}");
    for name in ["root", "region-a", "region-b", "leaf-a1", "leaf-a2", "leaf-b1", "leaf-b2"] {
        assert!(text.contains(name), "{name} in {text}");
    }
}

/// Waits until a server answers, then sends it a signal. Returns how it ended.
fn signalled(signal: &str) -> std::process::ExitStatus {
    let net = Net::new();
    let mut server = serve(net.server(1), "one", "");
    let addr = net.server(1).to_string();
    wait("the server answers", || tb(&["ping", "-qq", "-c", "1", &addr]).status.success());
    let pid = server.0.id().to_string();
    assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    server.0.wait().unwrap()
}

#[test]
fn a_server_stops_on_request_with_0() {
    assert_eq!(signalled("TERM").code(), Some(0));
    assert_eq!(signalled("INT").code(), Some(0));
}

#[test]
fn an_interrupted_probe_ends_by_the_signal() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let mut command = Command::new(TB);
    command.args(["probe", &addr, "--timeout", "60"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut probe = Process(command.spawn().unwrap());
    // It is asking: the signal is heard from now on.
    silent.recv_from(&mut [0; 2048]).unwrap();
    let pid = probe.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    let status = probe.0.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGINT));
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_port_is_a_no_and_a_bad_prefix_is_nothing_to_ask_with() {
    let root = Net::new().server(1).to_string();
    let said = |arguments: &[&str]| {
        let output = tb(&[arguments, &[&root]].concat());
        assert!(output.stdout.is_empty());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = said(&["probe"]);
    assert_eq!(code, Some(1));
    assert!(text.contains(&format!("Caused by: level 0: nothing listens at `{root}`")), "{text}");
    let (code, text) = said(&["probe", "--allow", "10.1.2.3/8"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("10.0.0.0/8 is meant"), "{text}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let net = Net::new();
    let _server = serve(net.server(1), "one", "");
    let addr = net.server(1).to_string();
    wait("the server answers", || tb(&["ping", "-qq", "-c", "1", &addr]).status.success());
    let line = format!("{TB} ping -i 0.01 -c 100 {addr} | head -n 1; exit ${{PIPESTATUS[0]}}");
    let output = Command::new("bash").args(["-c", &line]).output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_leaf_that_dies_is_passed_over_and_comes_back() {
    let Some(mut cascade) = Cascade::start() else { return };
    let root = cascade.root();
    let turn = probe(root).expect("a TURN server");
    let chosen = cascade.leaf_of(turn);
    *cascade.leaf(chosen) = None;
    let dead = cascade.net.server(chosen);
    wait("the dead leaf is listed no more", || {
        assert_ne!(probe(root).expect("another leaf lives"), turn);
        !trace(root).iter().any(|(_, addr, _)| *addr == dead)
    });
    cascade.restart_leaf(chosen);
    let silent = ["silent", "unreachable"];
    wait("the leaf is offered again", || {
        assert!(probe(root).is_some());
        trace(root)
            .iter()
            .any(|(_, addr, state)| *addr == dead && !silent.contains(&state.as_str()))
    });
    cascade.restart_root();
    wait("the root has its tree again", || {
        trace(root).iter().filter(|(level, ..)| *level == 2).count() == 4
    });
}
