//! README.md has every flag of every command, and the pages have no other.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::{code, page};

const COMMANDS: [&str; 7] =
    ["serve", "probe", "trace", "ping", "status", "healthcheck", "completions"];

/// The pages that show commands.
const PAGES: [&str; 6] = [
    "README.md",
    "docs/http.md",
    "docs/operations.md",
    "docs/protocol.md",
    "docs/security.md",
    "docs/selection.md",
];

/// The flags of a command, by its help: each by one form, or a short and a long one.
fn flags(command: &str) -> Vec<Vec<String>> {
    let output = Command::new(env!("CARGO_BIN_EXE_tb")).args([command, "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let lines = help
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with('-') && !line.starts_with("- "));
    let forms = |line: &str| {
        let words = line.split([' ', ',', '=', '[', '.']).filter(|word| !word.is_empty());
        words.take_while(|word| word.starts_with('-')).map(str::to_owned).collect()
    };
    lines.map(forms).collect()
}

/// The flags in a text: `-v`, `--json`; `-vv` is the first one twice.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| c != '-' && !c.is_ascii_alphanumeric());
    let flags = words.filter(|word| word.starts_with('-') && !word.trim_matches('-').is_empty());
    let flag = |word: &str| match word.starts_with("--") {
        true => word.to_owned(),
        false => word.chars().take(2).collect(),
    };
    flags.map(flag).collect()
}

#[test]
fn the_readme_has_every_flag() {
    let known = words(&page("README.md"));
    for command in COMMANDS {
        let flags = flags(command);
        assert!(flags.len() > 1, "{command}: {flags:?}");
        let missing = flags.iter().find(|forms| !forms.iter().any(|form| known.contains(form)));
        assert_eq!(missing, None, "README.md has no such flag of `tb {command}`");
    }
}

#[test]
fn every_flag_of_the_pages_exists() {
    let flags: BTreeMap<_, BTreeSet<_>> =
        COMMANDS.map(|command| (command, flags(command).into_iter().flatten().collect())).into();
    let mut commands = 0;
    for path in PAGES {
        let page = page(path);
        for shown in page.split(['`', '\n']) {
            let Some(rest) = shown.trim_start_matches("$ ").strip_prefix("tb ") else { continue };
            let Some(flags) = flags.get(rest.split(' ').next().unwrap()) else { continue };
            // What stands behind it is another program's, or a comment.
            let own = rest.split(['|', '#', ';']).next().unwrap();
            let made_up: Vec<_> = words(own).difference(flags).cloned().collect();
            assert!(made_up.is_empty(), "{path}: `{shown}` has {made_up:?}");
            commands += 1;
        }
    }
    assert!(commands > 20, "{commands}");
    // And where one stands alone.
    let all: BTreeSet<_> = flags.into_values().flatten().collect();
    let readme = page("README.md");
    let (_, of_tb) = readme.split_once("\n### tb probe\n").unwrap();
    let (of_tb, _) = of_tb.split_once("\n## Library\n").unwrap();
    for alone in code(of_tb).filter(|code| code.starts_with('-')) {
        let made_up: Vec<_> = words(alone).difference(&all).cloned().collect();
        assert!(made_up.is_empty(), "README.md: `{alone}` has {made_up:?}");
    }
}
