//! What becomes of an answer.

use std::io::Read as _;
use std::os::fd::OwnedFd;
#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Running, full_pipe, said, tb};

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_printed_is_an_error() {
    let lines: &[&[&str]] = &[
        &["probe", "--json", "127.0.0.1:9"],
        &["trace", "--json", "127.0.0.1:9"],
        &["trace", "--json", "-c1", "127.0.0.1:9"],
        &["ping", "-c1", "127.0.0.1:9"],
        &["serve", "--check"],
        &["serve", "--print-config"],
        &["--help"],
        &["probe", "--help"],
        &["--version"],
    ];
    for line in lines {
        let mut closed = Command::new("sh");
        closed.args(["-c", "exec \"$0\" \"$@\" >&-", env!("CARGO_BIN_EXE_tb")]).args(*line);
        let (code, _, stderr) = said(closed.env_clear().output().unwrap());
        assert_eq!(code, Some(2), "{line:?}: {stderr}");
        assert!(stderr.contains("error: cannot write to stdout"), "{line:?}: {stderr}");
        // One that nobody wants to see is something else.
        let null = tb(line, &[]).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(null.code().is_some_and(|code| code < 2), "{line:?}: {null}");
    }
}

#[test]
fn a_pipe_that_blocks_nobody_is_waited_for() {
    let (code, whole, _) = said(tb(&["serve", "--print-config"], &[]).output().unwrap());
    assert_eq!(code, Some(0));
    let (pipe, mut reader) = full_pipe(false);
    let mut command = tb(&["serve", "--print-config"], &[]);
    let mut running = Running(command.stdout(OwnedFd::from(pipe)).spawn().unwrap());
    drop(command);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        assert_eq!(running.0.try_wait().unwrap(), None, "it gives up");
        thread::yield_now();
    }
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text.trim_start_matches('.'), whole);
    assert_eq!(running.end().0.code(), Some(0));
}
