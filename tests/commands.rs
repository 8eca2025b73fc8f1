//! The commands as processes: what is in their environment, the signals that they are sent, and pipes
//! that nobody reads.
#![cfg(unix)]

use std::process::{Command, Output};

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
