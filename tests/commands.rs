//! The commands as processes: what is in their environment, the signals that they are sent, and pipes
//! that nobody reads.
#![cfg(unix)]

#[cfg(target_os = "linux")]
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{Probe, Request, RequestBody};
use turn_balance_lab::loopback::Net;

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

/// Asks a server until that comes to this.
fn ask_until(server: SocketAddr, comes: impl Fn(&io::Result<usize>) -> bool) {
    let client = UdpSocket::bind((server.ip(), 0)).unwrap();
    client.connect(server).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let body = RequestBody::Probe(Probe { nonce: 1, ..Probe::default() });
    let request = Request { id: 1, body }.encode(0);
    let start = Instant::now();
    let ask = || client.send(&request).and_then(|_| client.recv(&mut [0; 2048]));
    while !comes(&ask()) {
        assert!(start.elapsed() < Duration::from_secs(20), "that never comes");
    }
}

#[test]
fn a_log_that_nobody_reads_stops_neither_server_nor_signals() {
    for (signal, twice) in [("TERM", false), ("INT", false), ("TERM", true)] {
        let server = Net::new().server(1);
        let (log, _reader) = full_pipe(true);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
        command.env_clear().args(["serve", "--log-level=trace", "--bind", &server.to_string()]);
        let mut running = Running(command.stderr(OwnedFd::from(log)).spawn().unwrap());
        ask_until(server, io::Result::is_ok);
        running.signal(signal);
        if twice {
            // It has heard that one, and waits for who reads the log.
            let refused = |result: &io::Result<usize>| {
                result.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
            };
            ask_until(server, refused);
            running.signal(signal);
        }
        let (status, time) = running.end();
        assert!(time < Duration::from_secs(1), "{signal} after {time:?}");
        match twice {
            true => assert_eq!(status.signal(), Some(15), "{status}"),
            false => assert_eq!(status.code(), Some(0), "{status}"),
        }
    }
}

#[test]
fn what_was_measured_is_told_whatever_signal_ends_it() {
    let ping = ["ping", "-i", "1ms", "-W", "1ms"];
    let trace = ["trace", "-c", "100000", "-i", "1ms", "--timeout", "1ms"];
    for (command, text, json) in [
        (&ping[..], "packets transmitted, 0 received", "\"schema\":\"tb.ping/1\""),
        (&trace, "LEVEL  CANDIDATE", "\"schema\":\"tb.trace-count/1\""),
    ] {
        for (signal, format, words) in [
            ("INT", "text", text),
            ("TERM", "text", text),
            ("QUIT", "text", text),
            ("TERM", "json", json),
            ("QUIT", "json", json),
            ("TERM", "jsonl", "\"kind\":\"summary\""),
        ] {
            let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
            let server = silent.local_addr().unwrap().to_string();
            let mut tb = Command::new(env!("CARGO_BIN_EXE_tb"));
            tb.env_clear().args(command).args(["--format", format, &server]);
            tb.stdout(Stdio::piped()).stderr(Stdio::null());
            let mut running = Running(tb.spawn().unwrap());
            let mut stdout = running.0.stdout.take().unwrap();
            let reader = thread::spawn(move || {
                let mut text = String::new();
                stdout.read_to_string(&mut text).unwrap();
                text
            });
            for _ in 0..9 {
                silent.recv(&mut [0; 2048]).unwrap();
            }
            running.signal(signal);
            let (status, _) = running.end();
            let said = reader.join().unwrap();
            assert_eq!(status.code(), Some(1), "{command:?} {signal}: {status}, {said}");
            assert!(said.lines().any(|line| line.contains(words)), "{signal} {format}: {said}");
        }
    }
}

#[test]
fn before_an_answer_it_dies_of_the_signal() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("QUIT", 3)] {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let server = silent.local_addr().unwrap();
        // No core file.
        let script = format!("ulimit -c 0; exec '{}' probe {server}", env!("CARGO_BIN_EXE_tb"));
        let mut running = Running(Command::new("sh").args(["-c", &script]).spawn().unwrap());
        silent.recv(&mut [0; 2048]).unwrap();
        running.signal(signal);
        assert_eq!(running.end().0.signal(), Some(number));
    }
}

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

/// A terminal: its own side, and the one for programs.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no safe way to a terminal")]
fn terminal() -> (File, OwnedFd) {
    use std::os::fd::FromRawFd as _;
    use std::ptr::null_mut;
    let (mut own, mut theirs) = (-1, -1);
    // SAFETY: writes two numbers; the rest may be absent.
    let opened =
        unsafe { libc::openpty(&mut own, &mut theirs, null_mut(), null_mut(), null_mut()) };
    assert_eq!(opened, 0, "{}", io::Error::last_os_error());
    // SAFETY: both have just been opened, and nobody else knows them.
    unsafe { (File::from_raw_fd(own), OwnedFd::from_raw_fd(theirs)) }
}

/// Reads until these words have come or, for `None`, nothing more does.
#[cfg(target_os = "linux")]
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

#[cfg(target_os = "linux")]
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
        // What a terminal echoes stands behind the line, and goes with it.
        let echo = if ends == "^C" { "^C" } else { "" };
        let (_, end) = text.rsplit_once(" s").unwrap();
        assert_eq!(end, format!("\x1b[K\x1b[J\x1b[?7h{echo}\r\x1b[J"), "{text:?}");
    }
}

#[cfg(target_os = "linux")]
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
        assert!(text.contains("\r\x1b[2A\x1b[J"), "{text:?}");
        running.end();
    }
}
