//! What must never be: a socket, a clock, async or ambient randomness in the rooms that decide,
//! printing below the command line, and imports that go up.

use std::fs;
use std::path::{Path, PathBuf};

/// All source files of a room.
fn files(room: &str) -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room), &mut found);
    assert!(!found.is_empty(), "no files in {room}");
    found
}

/// Fails with every line of code in these rooms that has one of these words.
fn forbid(rooms: &[&str], words: &[&str]) {
    let mut lines = Vec::new();
    for (path, text) in rooms.iter().flat_map(|room| files(room)) {
        let code = |line: &&str| !line.trim_start().starts_with("//");
        for (number, line) in text.lines().enumerate().filter(|(_, line)| code(line)) {
            if words.iter().any(|word| line.contains(word)) {
                lines.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn engine_and_wire_have_no_socket_clock_async_or_ambient_randomness() {
    let sockets = ["UdpSocket", "TcpStream", "socket2", "libc::", "std::fs", "std::thread"];
    let clocks = ["Instant::now", "SystemTime", ".elapsed()"];
    let asynchronous = ["tokio", "async fn", ".await"];
    let random = ["SysRng", "ThreadRng", "rand::rng(", "rand::random", "getrandom", "generate()"];
    let hashes = ["HashMap", "HashSet"];
    let words: Vec<_> = [&sockets[..], &clocks, &asynchronous, &random, &hashes].concat();
    forbid(&["net/engine", "net/wire"], &words);
}

#[test]
fn imports_go_one_way() {
    forbid(&["net/wire"], &["engine::", "net::io", "crate::config", "crate::cmd"]);
    forbid(&["net/engine"], &["net::io", "crate::config", "crate::cmd"]);
    forbid(&["net/io", "config"], &["crate::cmd"]);
    forbid(&["config"], &["net::io", "net::engine"]);
}

#[test]
fn nothing_below_the_command_line_prints_or_exits() {
    let words = ["println!", "eprintln!", "print!(", "dbg!", "process::exit", "set_global_default"];
    forbid(&["net", "config"], &words);
}

#[test]
fn the_command_line_touches_no_socket_and_no_byte() {
    forbid(&["cmd"], &["UdpSocket", "net::wire", "net::engine", "socket2"]);
}
