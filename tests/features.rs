//! What is released and what benchmarks measure has no planted faults in it, whatever a package of
//! this workspace asks for.

use std::collections::BTreeSet;
use std::process::Command;

/// The features of `turn-balance` in a build that cargo is asked for with these arguments.
fn features(arguments: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--quiet", "--offline", "--prefix", "none", "--format", "{p}={f}"]);
    let output = cargo.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let packages = text.lines().filter(|line| line.starts_with("turn-balance v"));
    let lists = packages.map(|line| line.trim_end_matches(" (*)").split_once('=').unwrap().1);
    lists.flat_map(|list| list.split(',')).map(str::to_owned).collect()
}

#[test]
fn the_released_binary_has_neither_faults_nor_internals() {
    // As the README has it built: with the other packages beside it, it would have what they ask for.
    let build = "cargo build --release";
    let selected = include_str!("../README.md").lines().find_map(|line| line.strip_prefix(build));
    let mut arguments: Vec<_> = selected.unwrap().split_whitespace().collect();
    arguments.extend(["--edges", "no-dev"]);
    let released = features(&arguments);
    assert!(released.contains("cli"), "{released:?}");
    assert!(!released.contains("internals") && !released.contains("faults"), "{released:?}");
}

#[test]
fn tests_and_benchmarks_have_internals_and_no_faults() {
    // Whatever `cargo test` builds: what stands outside the default members may not be downloaded.
    let built = features(&[]);
    assert!(built.contains("internals") && !built.contains("faults"), "{built:?}");
}

#[test]
fn who_asks_for_faults_has_them() {
    let built = features(&["--features", "faults"]);
    assert!(built.contains("faults"), "{built:?}");
}

#[test]
fn https_and_dns_are_in_the_command_and_not_in_a_client_that_does_not_ask_for_them() {
    let client = ["--edges", "no-dev", "--package", "turn-balance", "--no-default-features"];
    let with = |list| features(&[&client[..], &["--features", list]].concat());
    for feature in ["https", "dns"] {
        assert!(!with("client").contains(feature) && with("cli").contains(feature));
    }
    assert!(with("https").contains("client") && with("server").contains("dns"));
}
