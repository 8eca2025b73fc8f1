//! Whatever comes from outside is shown so that a terminal takes none of it for an order: arguments,
//! variables, paths, and texts of files.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Changes the colour, the title, the line and the direction of writing, clears, rings and goes back.
const EVIL: &str = "\u{1b}[35m\u{1b}]0;title\u{7}\r\u{9b}2J\u{8}\u{7f}\u{202e}";

/// What `tb` prints with these arguments and variables, on stdout and stderr.
fn tb(args: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new("timeout");
    command.arg("20").arg(env!("CARGO_BIN_EXE_tb")).args(args).env_clear();
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert_ne!(output.status.code(), Some(124), "{args:?} goes on");
    let texts = [output.stdout, output.stderr].map(String::from_utf8);
    texts.map(Result::unwrap).concat()
}

/// Fails where anything of it could reach a terminal.
fn assert_harmless(text: &str, of: &dyn std::fmt::Debug) {
    for (at, c) in text.char_indices() {
        let ours = text[at..].strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m'));
        let ours = ours.is_some_and(|(codes, _)| {
            codes.bytes().all(|b| b.is_ascii_digit() || b == b';') && !codes.ends_with("35")
        });
        let harmless = c == '\n' || !c.is_control() && c != '\u{202e}' || c == '\u{1b}' && ours;
        assert!(harmless, "{of:?}: {c:?} in {text:?}");
    }
}

/// A folder of this test's own, with nothing in it.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("terminal-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn arguments_are() {
    let a = format!("a{EVIL}");
    let [long, value, list] = [format!("--{a}"), format!("--format={a}"), format!("192.0.2.1,{a}")];
    let lines: &[&[&str]] = &[
        &[&a],
        &[&long],
        &["--color", &a],
        &["help", &a],
        &["probe", &a],
        &["probe", &list],
        &["probe", &long],
        &["probe", "-x", &a],
        &["probe", "--timeout", &a],
        &["probe", "--allow", &a],
        &["probe", "--strategy", &a],
        &["probe", "--json", &a],
        &["probe", &value],
        &["probe", "-4", "-6", &a],
        &["trace", "-c", &a],
        &["trace", &value],
        &["ping", &a],
        &["ping", "-i", &a],
        &["ping", "192.0.2.1", &a],
        &["serve", "--bind", &a],
        &["serve", "--log-level", &a],
        &["serve", &a],
        &["serve", "--check", "-c", &a],
        &["serve", "--print-config", "-c", &a],
        &["serve", "-c", &a],
    ];
    for line in lines {
        for when in ["always", "never", "auto"] {
            let text = tb(&[line, &["--color", when][..]].concat(), &[]);
            assert_harmless(&text, line);
            assert!(!text.is_empty(), "{line:?}");
        }
        // As one that cannot be parsed is taken to want it.
        assert_harmless(&tb(line, &[("TB_COLOR", "always")]), line);
    }
}

#[test]
fn variables_are() {
    let names = ["SERVER", "TIMEOUT", "FORMAT", "FAMILY", "STRATEGY", "VERIFY", "ALLOW", "VIEW"];
    let more = ["COLOR", "ALLOW_PRIVATE", "COUNT", "INTERVAL", "CONFIG", "BIND", "LOG_LEVEL"];
    for name in names.into_iter().chain(more).map(|name| format!("TB_{name}")) {
        for command in [&["probe", "192.0.2.1", "--timeout=1ms"][..], &["serve", "--check"]] {
            let args = [command, &["--color=always"]].concat();
            assert_harmless(&tb(&args, &[(&name, EVIL)]), &name);
            assert_harmless(&tb(command, &[(&name, EVIL), ("TB_COLOR", "always")]), &name);
        }
    }
}

#[test]
fn paths_and_texts_are() {
    let folder = folder("paths");
    let (config, key) = (folder.join(format!("{EVIL}.toml")), folder.join(format!("{EVIL}.key")));
    let quoted: String = EVIL.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let said = |text: &str| {
        fs::write(&config, text).unwrap();
        let config = config.to_str().unwrap();
        for option in ["--check", "--print-config"] {
            let text = tb(&["serve", "-c", config, option, "--color=always"], &[]);
            assert_harmless(&text, &text);
        }
        tb(&["serve", "-c", config, "--check"], &[])
    };
    assert!(said("").contains("ok ("));
    for wrong in [
        format!("\"{quoted}\" = 1"),
        format!("net.name = \"{quoted}\""),
        format!("net.bind = \"{quoted}\""),
        format!("log.level = \"{quoted}\""),
        format!("cluster.superiors = [\"{quoted}\"]"),
        format!("cluster.join-prefixes = [\"{quoted}\"]"),
        format!("cluster.keys = [{{ id = 1, file = \"{quoted}\" }}]"),
        format!("net.name = '{EVIL}'"),
        format!("{EVIL} = 1"),
        format!("[{EVIL}"),
        format!("# {EVIL}\nnet.bind = 1"),
    ] {
        assert!(said(&wrong).starts_with("error: "), "{wrong:?}");
    }
    fs::write(&key, [7; 32]).unwrap();
    let open = said(&format!("cluster.keys = [{{ id = 1, file = \"{quoted}.key\" }}]"));
    assert!(open.contains("is open to everybody") && open.contains("chmod"), "{open}");
    fs::remove_file(&key).unwrap();
    let missing = said(&format!("cluster.keys = [{{ id = 1, file = \"{quoted}.key\" }}]"));
    let command = missing.split('`').find(|part| part.contains("umask")).unwrap();
    // It can be pasted, and means that file.
    assert!(Command::new("bash").arg("-c").arg(command).status().unwrap().success(), "{command}");
    assert_eq!(fs::read(&key).unwrap().len(), 32, "{command}");
}

#[test]
fn logs_are() {
    let folder = folder("logs");
    let config = folder.join(format!("log {EVIL}\nlevel = forged.toml"));
    for format in ["text", "json"] {
        let bind = "net.bind = '127.0.0.1:0'";
        fs::write(&config, format!("{bind}\nlog.format = '{format}'\n")).unwrap();
        let output = Command::new("timeout")
            .args(["--preserve-status", "-s", "TERM", "1", env!("CARGO_BIN_EXE_tb"), "serve"])
            .args([OsStr::new("--color=always"), OsStr::new("-c"), config.as_os_str()])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("starting"), "{text}");
        assert_harmless(&text, &format);
        assert!(text.lines().all(|line| !line.starts_with("level = forged")), "{text}");
    }
}

#[test]
fn the_name_that_it_is_called_by_is() {
    for args in [&["--help"][..], &["probe", "--bad"], &["help", "serve"], &[]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
        let output = command.arg0(format!("/bin/{EVIL}")).args(args).args(["--color=always"]);
        let output = output.output().unwrap();
        let texts = [output.stdout, output.stderr].map(String::from_utf8);
        assert_harmless(&texts.map(Result::unwrap).concat(), &args);
    }
}
