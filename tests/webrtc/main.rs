//! What `tb probe --format ice` prints, in the hands of others: a real coturn that shares a secret stands
//! beside a real `tb serve`, and its own client and a real WebRTC stack pass data through it.
//!
//! Where coturn or aiortc are missing this is skipped, unless `TB_REQUIRE_COTURN=1` or
//! `TB_REQUIRE_AIORTC=1`. `TB_PYTHON` is a Python that has aiortc, such as that of a venv. GStreamer is asked where
//! it is, with `TB_REQUIRE_GSTREAMER=1` it must be; so is Janus, with `TB_REQUIRE_JANUS=1`, what it gets of the broker.
#![cfg(target_os = "linux")]

mod gstreamer;
mod janus;

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::Value;
use turn_balance_lab::coturn::NO_FILE;
use turn_balance_lab::loopback::{Net, skipped};

const SECRET: &str = "north-wind";

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether to go on without a program: not where it is required.
fn lacks(program: &str, found: bool) -> bool {
    if !found {
        let variable = format!("TB_REQUIRE_{}", program.to_uppercase());
        let required = env::var(&variable).is_ok_and(|value| value == "1");
        assert!(!required, "no {program}, and {variable}=1");
        skipped(&format!("there is no {program}"));
    }
    !found
}

/// A coturn whose users are whoever its secret makes, and which relays between loopback addresses.
fn coturn(bind: SocketAddr) -> Option<Process> {
    let mut command = Command::new("turnserver");
    command.args(["-n", "--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers"]);
    command.args(["--log-file=stdout", "--pidfile=/dev/null", "--relay-threads=1"]);
    command.args([NO_FILE, "--use-auth-secret", "--realm=turn.example", "--fingerprint"]);
    command.arg(format!("--static-auth-secret={SECRET}"));
    command.arg(format!("--listening-ip={}", bind.ip()));
    command.arg(format!("--relay-ip={}", bind.ip()));
    command.arg(format!("--listening-port={}", bind.port()));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    (!lacks("coturn", child.is_ok())).then(|| Process(child.unwrap()))
}

/// A leaf beside it, as its operator starts it.
fn leaf(net: &Net) -> Process {
    let (bind, turn) = (net.server(1), net.turn(1));
    let text = format!(
        "net = {{ bind = '{bind}', name = 'fra-b' }}\n[turn]\nbind = '{turn}'\nhealth = 'binding'\n"
    );
    let config = file(&format!("{bind}.toml"), &text);
    let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
    command.arg("serve").arg("-c").arg(&config).env_clear();
    Process(command.stderr(Stdio::null()).spawn().unwrap())
}

/// A file of this test's own, closed to others.
fn file(name: &str, content: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("webrtc-{name}"));
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

/// What `tb probe --format ice` prints, once the leaf has a TURN server to name.
fn ice(root: SocketAddr) -> String {
    let secret = file(&format!("{root}.secret"), SECRET);
    let start = Instant::now();
    loop {
        let mut probe = Command::new(env!("CARGO_BIN_EXE_tb"));
        probe.env_clear().args(["probe", "--timeout", "2", "--verify", "require"]);
        probe.args(["--format", "ice", "--turn-user", "tb", "--turn-secret-file"]).arg(&secret);
        let Output { status, stdout, stderr } = probe.arg(root.to_string()).output().unwrap();
        if status.success() {
            return String::from_utf8(stdout).unwrap();
        }
        let said = String::from_utf8_lossy(&stderr);
        assert!(stdout.is_empty() && start.elapsed() < Duration::from_secs(20), "{said}");
        thread::yield_now();
    }
}

/// A coturn and a leaf, and what a client is told of them.
fn told() -> Option<(String, [Process; 2])> {
    let net = Net::new();
    let coturn = coturn(net.turn(1))?;
    let leaf = leaf(&net);
    Some((ice(net.server(1)), [coturn, leaf]))
}

#[test]
fn coturns_own_client_allocates_and_relays() {
    let Some((ice, _servers)) = told() else { return };
    let ice: Value = serde_json::from_str(&ice).unwrap();
    let server = &ice["iceServers"][0];
    let url = server["urls"][0].as_str().unwrap();
    let addr = url.strip_prefix("turn:").and_then(|url| url.strip_suffix("?transport=udp"));
    let addr: SocketAddr = addr.unwrap().parse().unwrap();
    let client = |password: &str| {
        let mut client = Command::new("timeout");
        client.args(["30", "turnutils_uclient", "-y", "-c", "-m", "1", "-n", "20", "-l", "100"]);
        client.args(["-u", server["username"].as_str().unwrap(), "-w", password]);
        client.args(["-L", "127.0.0.1", "-p", &addr.port().to_string(), &addr.ip().to_string()]);
        let output = client.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (done, said) = client(server["credential"].as_str().unwrap());
    assert!(done && said.contains("Total lost packets 0 ("), "{said}");
    let (done, said) = client("another");
    assert!(!done || !said.contains("Total lost packets 0 ("), "any password does: {said}");
}

#[test]
fn a_webrtc_stack_sends_data_by_the_relay_alone() {
    let python = env::var_os("TB_PYTHON").unwrap_or_else(|| "python3".into());
    let has = Command::new(&python).args(["-c", "import aiortc"]).stderr(Stdio::null()).status();
    if lacks("aiortc", has.is_ok_and(|status| status.success())) {
        return;
    }
    let Some((ice, _servers)) = told() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/webrtc/relay.py");
    let mut peers = Command::new("timeout");
    peers.arg("60").arg(&python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut peers = peers.stderr(Stdio::piped()).spawn().unwrap();
    peers.stdin.take().unwrap().write_all(ice.as_bytes()).unwrap();
    let output = peers.wait_with_output().unwrap();
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
    assert_eq!(stdout, "through the relay\n", "{stderr}");
}
