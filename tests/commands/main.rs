//! The client commands as processes, as those use them who have patience and those who have none.
#![cfg(unix)]

mod interrupts;
mod ping;
mod words;

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use turn_balance::Server;
use turn_balance_lab::loopback::{Net, config};

/// A command line, with nothing of this shell's in it.
fn tb(args: &[&str]) -> Command {
    let mut tb = Command::new(env!("CARGO_BIN_EXE_tb"));
    tb.args(args).env_clear().stdin(Stdio::null());
    tb
}

/// A balance server that names a TURN server, until the test ends.
async fn leaf(net: &Net) -> (Server, SocketAddr) {
    let mut config = config(net.server(1), "leaf", None, &[], Some(net.turn(1)));
    config.turn.health = turn_balance::TurnHealth::None;
    (Server::start(config).await.unwrap(), net.server(1))
}
