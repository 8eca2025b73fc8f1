//! What a terminal shows while a command is at work.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::UdpSocket;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::ptr::null_mut;

use crate::Running;

/// A terminal: its own side, and the one for programs.
#[expect(unsafe_code, reason = "there is no safe way to a terminal")]
fn terminal() -> (File, OwnedFd) {
    let (mut own, mut theirs) = (-1, -1);
    // SAFETY: writes two numbers; the rest may be absent.
    let opened =
        unsafe { libc::openpty(&mut own, &mut theirs, null_mut(), null_mut(), null_mut()) };
    assert_eq!(opened, 0, "{}", io::Error::last_os_error());
    // SAFETY: both have just been opened, and nobody else knows them.
    unsafe { (File::from_raw_fd(own), OwnedFd::from_raw_fd(theirs)) }
}

/// Reads until these words have come or, for `None`, nothing more does.
fn shown(terminal: &mut File, until: Option<&str>) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if until.is_some_and(|words| text.contains(words)) {
            return text;
        }
        match terminal.read(&mut buffer) {
            Ok(0) => return text,
            Ok(len) => bytes.extend(&buffer[..len]),
            // So Linux says that nobody has the other side.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => return text,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn no_trace_of_a_progress_line_is_left_whatever_ends_it() {
    for (ends, locale) in [("^C", "C"), ("^C", "C.UTF-8"), ("TERM", "C"), ("QUIT", "C.UTF-8")] {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let server = silent.local_addr().unwrap().to_string();
        let (mut terminal, side) = terminal();
        let mut command = Command::new("setsid");
        command.args(["-c", env!("CARGO_BIN_EXE_tb"), "probe", &server]).env_clear();
        command.envs([("TERM", "xterm"), ("LC_ALL", locale)]).stdout(Stdio::null());
        command.stdin(side.try_clone().unwrap()).stderr(side);
        let mut running = Running(command.spawn().unwrap());
        drop(command);
        let mut text = shown(&mut terminal, Some("answered, "));
        assert_eq!(text.is_ascii(), locale == "C", "{text:?}");
        match ends {
            "^C" => terminal.write_all(b"\x03").unwrap(),
            signal => running.signal(signal),
        }
        text += &shown(&mut terminal, None);
        assert!(running.end().0.signal().is_some());
        // What a terminal echoes stands behind the line, and goes with it: at once, or with the next
        // turn of the spinner.
        let (_, end) = text.rsplit_once(" s").unwrap();
        let end = end.replace("^C", "");
        assert_eq!(end, "\x1b[K\x1b[?7h\r\x1b[2K", "{text:?}");
        assert_eq!(text.contains("^C"), ends == "^C", "{text:?}");
    }
}

#[test]
fn a_counted_trace_shows_what_it_has_so_far() {
    for format in ["text", "json", "jsonl"] {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let server = silent.local_addr().unwrap().to_string();
        let (mut terminal, side) = terminal();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
        command.args(["trace", "-c9999", "-i100ms", "--timeout=1ms", "--format", format, &server]);
        command.env_clear().env("TERM", "xterm").stdout(Stdio::piped()).stderr(side);
        let mut running = Running(command.spawn().unwrap());
        drop(command);
        let text = shown(&mut terminal, Some("3 descents"));
        assert!(text.contains("LEVEL  CANDIDATE"), "{text:?}");
        running.signal("TERM");
        let text = shown(&mut terminal, None);
        assert!(text.contains("\x1b[2A\r\x1b[2K\x1b[1B"), "{text:?}");
        running.end();
    }
}
