//! The house of ARCHITECTURE.md, as far as a test can hold it: imports that go one way and in no
//! circle, small files, no socket, clock, async or ambient randomness in the rooms that decide, and
//! no printing below the command line.

mod circles;
mod imports;
mod made_up;
mod rules;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imports::{imports, line};

/// Source files: their paths below `src`, with slashes, and their text.
type Files = BTreeMap<String, String>;

/// A room, and the rooms that it may import from besides itself. A file belongs to the innermost
/// room that it is in.
type Room = (&'static str, &'static [&'static str]);

/// `types <- wire <- engine <- io <- http <- cmd`, with the faults that tests plant below them all.
const ROOMS: [Room; 15] = [
    ("types", &[]),
    ("net/fault.rs", &[]),
    ("net/wire", &["types", "net/fault.rs"]),
    ("net/engine", &["types", "net/fault.rs", "net/wire"]),
    // The two halves of the engine share what is in the engine itself and the check of a TURN server,
    // and know nothing else of each other.
    ("net/engine/turn", &["types", "net/fault.rs", "net/wire", "net/engine"]),
    ("net/engine/client", &["types", "net/fault.rs", "net/wire", "net/engine", "net/engine/turn"]),
    ("net/engine/server", &["types", "net/fault.rs", "net/wire", "net/engine", "net/engine/turn"]),
    ("config", &["types"]),
    ("error.rs", &["types", "config", "net/engine/client"]),
    (
        "net/io",
        &[
            "types",
            "net/fault.rs",
            "net/wire",
            "net/engine",
            "net/engine/turn",
            "net/engine/client",
            "net/engine/server",
            "config",
            "error.rs",
        ],
    ),
    ("net/http", &["types", "config", "error.rs", "net/engine/client", "net/io"]),
    // It sees the library's face, wherever what is there has its home.
    (
        "cmd",
        &["types", "config", "error.rs", "net/wire", "net/engine/client", "net/io", "net/http"],
    ),
    ("main.rs", &["cmd"]),
    ("net/mod.rs", &[]),
    ("lib.rs", &[]),
];

/// All source files, or those of a room.
fn files(room: &str) -> Files {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            match entry.unwrap().path() {
                path if path.is_dir() => walk(&path, found),
                path if path.extension().is_some_and(|extension| extension == "rs") => {
                    found.push(path);
                }
                _ => {}
            }
        }
    }
    let (src, mut found) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), Vec::new());
    walk(&src.join(room), &mut found);
    assert!(!found.is_empty(), "no files in {room}");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        (name, fs::read_to_string(path).unwrap())
    };
    found.into_iter().map(read).collect()
}

/// Fails with every line of code in these rooms that has one of these words.
fn forbid(rooms: &[&str], words: &[&str]) {
    let mut lines = Vec::new();
    for (path, text) in rooms.iter().flat_map(|room| files(room)) {
        let code = |line: &&str| !line.trim_start().starts_with("//");
        for (number, line) in text.lines().enumerate().filter(|(_, line)| code(line)) {
            if words.iter().any(|word| has(line, word)) {
                lines.push(format!("src/{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// Whether a word stands there: `.await` does not in `.awaits`.
fn has(line: &str, word: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let goes_on = |at| word.ends_with(letter) && line[at..].starts_with(letter);
    line.match_indices(word).any(|(at, _)| !goes_on(at + word.len()))
}

/// The room that a file is in.
fn room(file: &str) -> Room {
    let inside = ROOMS.into_iter().filter(|(room, _)| Path::new(file).starts_with(room));
    inside.max_by_key(|(room, _)| room.len()).unwrap_or_else(|| panic!("{file} is in no room"))
}

#[test]
fn no_files_need_each_other() {
    let circles = circles::circles(&imports(&files("")));
    assert!(circles.is_empty(), "{} circles:\n\n{}", circles.len(), circles.join("\n"));
}

#[test]
fn imports_go_one_way() {
    let upward = |(from, to): &(String, String)| {
        let ((from, below), (to, _)) = (room(from), room(to));
        from != to && !below.contains(&to)
    };
    let imports = imports(&files(""));
    let upward = imports.iter().filter(|(files, _)| upward(files));
    let lines: Vec<_> = upward.map(|(files, items)| line(files, items)).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn the_page_names_each_file_of_the_engine() {
    let page = include_str!("../../ARCHITECTURE.md");
    let words: BTreeSet<_> = page.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let files = files("net/engine");
    let names = files.keys().map(|file| Path::new(file).file_stem().unwrap().to_str().unwrap());
    let missing: Vec<_> = names.filter(|name| !words.contains(name)).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");
}

#[test]
fn files_are_small() {
    let lines = |(file, text): (String, String)| (text.lines().count(), file);
    let mut lengths: Vec<_> = files("").into_iter().map(lines).collect();
    lengths.sort();
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > 450).collect();
    assert!(long.is_empty(), "more than 450 lines: {long:?}");
    let (median, _) = lengths[lengths.len() / 2];
    assert!(median <= 120, "half of them have {median} lines or more");
}

/// A stranger to the code must not ask which of two is meant. Each system has a `Batch` of its own.
#[test]
fn no_two_types_have_one_name() {
    let mut homes = BTreeMap::<String, Vec<String>>::new();
    for (file, text) in files("") {
        for name in tree::types(&syn::parse_file(&text).unwrap()) {
            homes.entry(name).or_default().push(file.clone());
        }
    }
    homes.retain(|name, files| files.len() > 1 && name != "Batch");
    assert!(homes.is_empty(), "{homes:#?}");
}

#[test]
fn what_decides_has_no_socket_clock_async_or_ambient_randomness() {
    let sockets = ["UdpSocket", "TcpStream", "socket2", "libc::", "std::fs", "std::thread"];
    let clocks = ["Instant::now", "SystemTime", ".elapsed()"];
    let asynchronous = ["tokio", "async fn", ".await"];
    let random = ["SysRng", "ThreadRng", "rand::rng(", "rand::random", "getrandom", "generate()"];
    let hashes = ["HashMap", "HashSet"];
    let words: Vec<_> = [&sockets[..], &clocks, &asynchronous, &random, &hashes].concat();
    forbid(&["types", "net/engine", "net/wire"], &words);
}

#[test]
fn nothing_below_the_command_line_prints_or_exits() {
    let words = ["println!", "eprintln!", "print!(", "dbg!", "process::exit", "set_global_default"];
    forbid(&["types", "net", "config"], &words);
}

#[test]
fn the_command_line_touches_no_socket_and_no_byte() {
    forbid(&["cmd"], &["UdpSocket", "net::wire", "net::engine", "socket2"]);
}
