//! What `tb probe --format gst` prints, in the hands of GStreamer. It takes no loopback address for a
//! candidate, so this is on a host of its own.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use turn_balance_lab::Built;
use turn_balance_lab::coturn::{NO_FILE, SECRET, WITH_SECRET};
use turn_balance_lab::host::{Host, Lab};
use turn_balance_lab::loopback::skipped;

use crate::{Process, file, lacks};

const BUILT: Built = turn_balance_lab::built!();

/// The one of the distribution, which has its bindings: those in a venv have none.
const PYTHON: &str = "/usr/bin/python3";

const FINDS: &str = "import gi; gi.require_version('GstWebRTC', '1.0'); gi.require_version('Gst', '1.0')\n\
                     from gi.repository import Gst, GstWebRTC; Gst.init(None)\n\
                     assert Gst.ElementFactory.find('webrtcbin') and Gst.ElementFactory.find('nicesrc')";

/// The URI that is printed, once the leaf has a TURN server to name.
fn printed(host: &Host, leaf: SocketAddr) -> String {
    let secret = file(&format!("gst-{}.secret", std::process::id()), SECRET);
    let start = Instant::now();
    loop {
        let mut probe = host.command(BUILT.tb);
        probe.args(["probe", "--timeout", "2", "--verify", "require", "--format", "gst"]);
        probe.args(["--turn-user", "tb", "--turn-secret-file"]).arg(&secret);
        let Output { status, stdout, stderr } = probe.arg(leaf.to_string()).output().unwrap();
        if status.success() {
            return String::from_utf8(stdout).unwrap().trim_end().to_owned();
        }
        let said = String::from_utf8_lossy(&stderr);
        assert!(start.elapsed() < Duration::from_secs(20), "{said}");
    }
}

#[test]
fn gstreamer_finds_the_relay_by_the_printed_uri() {
    let finds = Command::new(PYTHON).args(["-c", FINDS]).stderr(Stdio::null()).status();
    if lacks("gstreamer", finds.is_ok_and(|status| status.success())) {
        return;
    }
    let lab = match Lab::new(BUILT) {
        Ok(lab) => lab,
        Err(error) => return skipped(&error.to_string()),
    };
    let host = lab.host("peer", &["203.0.113.5/24"]);
    let mut coturn = host.command("turnserver");
    coturn.args(["-n", "--no-tls", "--no-dtls", "--no-cli", "--log-file=stdout", NO_FILE]);
    coturn.args(["--pidfile=/dev/null", "--realm=turn.example", "--listening-ip=203.0.113.5"]);
    coturn.args(["--relay-ip=203.0.113.5", "--relay-threads=1"]).args(WITH_SECRET);
    let coturn = coturn.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if lacks("coturn", coturn.is_ok()) {
        return;
    }
    let _coturn = Process(coturn.unwrap());
    let leaf = "203.0.113.5:3001";
    let _leaf = host.serve(&format!("net.bind = '{leaf}'\nturn.bind = '203.0.113.5:3478'\n"));
    let uri = printed(&host, leaf.parse().unwrap());
    assert!(uri.contains("%3Atb:"), "the user of a minted one has a colon: {uri}");

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/webrtc/gstreamer.py");
    let mut gstreamer = host.command("timeout");
    gstreamer.args(["40", PYTHON, script]).arg(&uri);
    let Output { stdout, stderr, .. } = gstreamer.output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|out| String::from_utf8_lossy(&out).into_owned());
    assert_eq!(stdout, "turn-server\nadd-turn-server\n", "{uri}: {stderr}");
}
