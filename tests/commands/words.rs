//! What is understood, and what is offered to whoever writes it.

use std::fs;
use std::process::Command;

use serde_json::Value;
use turn_balance_lab::loopback::{Net, skipped};

use crate::{client, leaf};

#[test]
fn a_url_is_told_what_it_should_be() {
    let every = ["probe", "trace", "ping", "healthcheck"];
    for (url, what, commands) in [
        ("udp://root.example:3001/", "is a URL, expected `root.example:3001`", &every[..]),
        ("http://root.example:3001/", "is not secure, expected `https://`", &every[..2]),
        ("http://root.example:3001/", "is a URL of the web", &every[2..3]),
    ] {
        for command in commands {
            let output = client(&[*command, url]).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            let expected = format!("`{url}` {what}");
            assert!(said.contains(&expected), "{command}: {said}");
            assert_eq!(output.status.code(), Some(2));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_is_said_wherever_it_is_asked_for() {
    let net = Net::new();
    let (_server, root) = leaf(&net).await;
    let root = root.to_string();
    let probe = |words: &[&str]| {
        let output = client(&[words, &["--verify", "off", &root]].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for words in [["-v", "probe"], ["probe", "-v"]] {
        assert!(probe(&words).contains("path"), "{words:?}");
    }
    assert!(probe(&["-v", "probe", "-v"]).contains("ignored:"), "twice");
    assert_eq!(probe(&["-q", "probe"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_several_descents_say_of_which() {
    let net = Net::new();
    let (_server, root) = leaf(&net).await;
    let root = root.to_string();
    let args = ["trace", "-c", "2", "-i", "1ms", "--format", "jsonl", "--verify", "off", &root];
    let output = client(&args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let numbers: Vec<_> = lines.map(|line| line["descent"].as_u64()).collect();
    let [first @ .., None] = numbers.as_slice() else { panic!("a sum at the end: {text}") };
    let (one, two) = first.split_at(first.len() / 2);
    assert!(one.iter().all(|n| *n == Some(1)) && two.iter().all(|n| *n == Some(2)), "{text}");
    assert!(one.len() >= 2 && one.len() == two.len(), "{text}");
    let output = client(&["trace", "--format", "jsonl", &root]).output().unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains("descent"));
}

/// What bash offers for the last of these words.
fn offered(words: &[&str]) -> Vec<String> {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let hosts = format!("{folder}/completed-hosts-{}", std::process::id());
    fs::write(&hosts, "192.0.2.1 root-a.example\n192.0.2.2 root-b.example\n").unwrap();
    let script = "HOSTFILE=$1; source <(\"$0\" completions bash); shift; COMP_WORDS=(\"$@\"); \
                  COMP_CWORD=$(($# - 1)); _tb tb \"${@: -1}\" \"${@: -2:1}\" 2>/dev/null; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"; complete -p tb";
    let mut bash = Command::new("bash");
    let bash = bash.args(["-c", script, env!("CARGO_BIN_EXE_tb"), &hosts]).args(words);
    let output = bash.output().unwrap();
    let mut lines: Vec<_> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let last = lines.pop().unwrap();
    assert!(!last.contains("default"), "files as a last resort: {last}");
    lines.retain(|line| !line.is_empty());
    lines
}

#[test]
fn bash_is_offered_hosts_for_servers() {
    let hosts = ["root-a.example", "root-b.example"];
    for command in ["probe", "trace", "ping"] {
        let mut found = offered(&["tb", command, "root"]);
        found.sort();
        assert_eq!(found, hosts, "{command}");
        let found = offered(&["tb", command, ""]);
        assert!(found.iter().all(|word| !word.starts_with('-')), "{command}: {found:?}");
        assert_eq!(offered(&["tb", command, "--timeout", ""]).join(""), "", "{command}");
        assert!(offered(&["tb", command, "--f"]).contains(&"--format".to_owned()));
    }
    assert_eq!(offered(&["tb", "-v", "probe", "root-b"]), ["root-b.example"]);
    assert_eq!(offered(&["tb", "pro"]), ["probe"]);
}

#[test]
fn fish_is_offered_hosts_for_servers() {
    let known = "function __fish_print_hostnames; echo root-a.example; end";
    let offered = |line: &str| {
        let tb = env!("CARGO_BIN_EXE_tb");
        let script = format!("{known}; {tb} completions fish | source; complete -C '{line}'");
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "-c", &script]).env("HOME", env!("CARGO_TARGET_TMPDIR"));
        fish.output().map(|output| String::from_utf8(output.stdout).unwrap())
    };
    if let Err(error) = offered("tb ") {
        return skipped(&format!("fish: {error}"));
    }
    for command in ["probe", "trace", "ping"] {
        let found = offered(&format!("tb {command} ")).unwrap();
        assert_eq!(found.trim(), "root-a.example", "{command}");
        let found = offered(&format!("tb {command} --timeout ")).unwrap();
        assert!(!found.contains("Cargo.toml"), "{command}: {found}");
    }
    assert_eq!(offered("tb -v probe ").unwrap().trim(), "root-a.example");
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = client(&["completions", shell]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("strategy"), "{shell}: {text}");
    }
    let fish = client(&["completions", "fish"]).output().unwrap();
    let fish = String::from_utf8(fish.stdout).unwrap();
    // probe, trace, ping and healthcheck.
    assert_eq!(fish.matches("(__fish_print_hostnames)").count(), 4);
}
