//! The commands as processes: what is in their environment, the signals that they are sent, and pipes
//! that nobody reads.
#![cfg(unix)]

mod elsewhere;
mod handover;
mod interrupts;
mod log;
mod manager;
mod ping;
mod pipes;
mod reload;
mod rotation;
#[cfg(target_os = "linux")]
mod screen;
mod signals;
mod state;
mod staying;
#[cfg(target_os = "linux")]
mod stopped;
mod verify;
mod whole_tree;
mod words;

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use turn_balance::Server;
use turn_balance_lab::loopback::{Net, config};

/// `tb` with an environment of these variables alone, ended if it goes on.
fn tb(args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new("timeout");
    command.arg("20").arg(env!("CARGO_BIN_EXE_tb")).args(args).env_clear();
    command.envs(variables.iter().copied());
    command
}

/// How it ended, and what it printed on stdout and stderr.
fn said(output: Output) -> (Option<i32>, String, String) {
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), stdout, stderr)
}

/// A stream that has no room, and its reader, who does not read. One that blocks nobody says so.
fn full_pipe(blocks: bool) -> (UnixStream, UnixStream) {
    let (mut writer, reader) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    while writer.write(&[b'.'; 4096]).is_ok() {}
    writer.set_nonblocking(!blocks).unwrap();
    (writer, reader)
}

/// A child that does not outlive a test that fails.
struct Running(Child);

impl Running {
    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// How it ends, and how soon.
    fn end(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it goes on");
            thread::yield_now();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_look_up_for_which_there_is_no_thread_is_one_that_failed() {
    // More than any system has room for.
    let huge = (1_u64 << 60).to_string();
    for args in [["probe", "root.example"], ["trace", "root.example"], ["ping", "root.example"]] {
        let (code, stdout, stderr) =
            said(tb(&args, &[("RUST_MIN_STACK", &huge)]).output().unwrap());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.starts_with("error: cannot look up `root.example`"), "{stderr}");
    }
}

#[test]
fn a_log_for_which_there_is_no_thread_is_an_error_that_is_said() {
    let huge = (1_u64 << 60).to_string();
    let serve = ["serve", "--bind", "127.0.0.1:0"];
    let (code, stdout, stderr) = said(tb(&serve, &[("RUST_MIN_STACK", &huge)]).output().unwrap());
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.starts_with("error: cannot start"), "{stderr}");
}

/// A client command on its own, with nothing of this shell's in it.
fn client(args: &[&str]) -> Command {
    let mut tb = Command::new(env!("CARGO_BIN_EXE_tb"));
    tb.args(args).env_clear().stdin(Stdio::null());
    tb
}

/// A balance server that names a TURN server, until the test ends.
async fn leaf(net: &Net) -> (Server, SocketAddr) {
    nth_leaf(net, 1).await
}

async fn nth_leaf(net: &Net, n: u8) -> (Server, SocketAddr) {
    let mut config = config(net.server(n), "leaf", None, &[], Some(net.turn(n)));
    config.turn.server.health = turn_balance::TurnHealth::None;
    (Server::start(config).await.unwrap(), net.server(n))
}
