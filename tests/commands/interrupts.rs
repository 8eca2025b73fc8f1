//! Ctrl-C, whenever it comes.
#![expect(unsafe_code, reason = "to signal a process is a system call")]

use std::io::Read as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use turn_balance_lab::loopback::Net;

use crate::{client, leaf};

/// Descents of less than a millisecond, one a millisecond: most of the time is between two waits.
#[tokio::test(flavor = "multi_thread")]
async fn none_is_lost() {
    let net = Net::new();
    let (_server, root) = leaf(&net).await;
    let root = root.to_string();
    for round in 0..100u64 {
        let args = ["trace", "-c", "100000", "-i", "1ms", "--strategy", "first", &root];
        let mut child =
            client(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        thread::sleep(Duration::from_micros(60_000 + round * 137));
        // SAFETY: numbers, of a child that has not been waited for.
        unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
        let sent = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if sent.elapsed() > Duration::from_secs(10) {
                let _ = child.kill();
                panic!("round {round}: it goes on");
            }
            thread::sleep(Duration::from_millis(1));
        };
        let mut table = String::new();
        child.stdout.take().unwrap().read_to_string(&mut table).unwrap();
        assert_eq!(status.code(), Some(0), "round {round}: {status} {table}");
        assert!(table.starts_with("LEVEL"), "round {round}: {table}");
    }
}
