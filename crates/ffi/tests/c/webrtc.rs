//! The library in the hands of a WebRTC stack: GStreamer's `webrtcbin`, with a real coturn. It uses no loopback
//! address, so all of this is on a host of its own.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tokio::runtime::Runtime;
use turn_balance::{Balance, Server};
use turn_balance_lab::Built;
use turn_balance_lab::coturn::{Coturn, SECRET, WITH_SECRET};
use turn_balance_lab::host::Lab;
use turn_balance_lab::loopback::config;

use crate::{compile, lacks, printed};

const BUILT: Built = Built { tb: "tb", folder: env!("CARGO_TARGET_TMPDIR") };

#[test]
fn a_message_passes_through_the_turn_server_that_was_chosen() {
    if env::var_os("TB_FFI_CFLAGS").is_some() {
        return;
    }
    let asked = Command::new("pkg-config").args(["--cflags", "--libs", "gstreamer-1.0"]).output();
    let Some(flags) = asked.ok().filter(|asked| asked.status.success()) else {
        return lacks("there are no headers of GStreamer").unwrap_or_default();
    };
    let flags = String::from_utf8(flags.stdout).unwrap();
    let flags: Vec<_> = ["-std=gnu11"].into_iter().chain(flags.split_whitespace()).collect();
    let Some(program) = compile("cc", "tests/c/webrtc.c", &flags) else { return };
    let lab = match Lab::new(BUILT) {
        Ok(lab) => lab,
        Err(error) => return lacks(&error.to_string()).unwrap_or_default(),
    };
    lab.host("peer", &["203.0.113.5/24", "203.0.113.6/24"]).run(|| relay(&program));
}

fn relay(program: &Path) {
    let [root, leaf, turn] = ["203.0.113.6:3001", "203.0.113.5:3001", "203.0.113.5:3478"]
        .map(|addr| addr.parse::<SocketAddr>().unwrap());
    let Some(coturn) = Coturn::start(turn, &WITH_SECRET) else { return };
    let runtime = Runtime::new().unwrap();
    let beside = config(leaf, "leaf", Some(root), &[], Some(coturn.addr));
    let above = config(root, "root", None, &[leaf], None);
    let _servers = [beside, above].map(|it| runtime.block_on(Server::start(it)).unwrap());
    runtime.block_on(async {
        let balance = Balance::new(root).await.unwrap();
        while balance.select().await.is_err() {}
    });
    let said = printed(Command::new(program).args([&root.to_string(), SECRET]));
    assert_eq!(said, "through the relay\n");
}
