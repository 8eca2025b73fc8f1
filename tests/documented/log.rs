//! docs/operations.md has every line of the log above INFO, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{assert_same, page, root};

/// A level, and how the message begins: what follows a colon, or is filled in, is no part of it.
type Line = (String, String);

fn line(level: &str, message: &str) -> Line {
    let end = message.find([':', '{']).unwrap_or(message.len());
    (level.to_uppercase(), message[..end].trim().to_owned())
}

/// All files of Rust below a folder.
fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            out.push(path);
        }
    }
}

/// The message of a macro's arguments: the first string that is no field's value. A backslash at the end of a
/// line takes the blanks after it away.
fn message(arguments: &str) -> Option<String> {
    let mut strings = arguments.split('"');
    let mut before = strings.next()?;
    loop {
        let text = strings.next()?;
        if before == "(" || before.trim_end().ends_with(',') {
            let lines = text.split("\\\n").map(str::trim_start);
            return Some(lines.collect());
        }
        before = strings.next()?;
    }
}

/// What the code can log at these levels.
fn logged() -> BTreeSet<Line> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut lines = BTreeSet::new();
    for file in files {
        let code = fs::read_to_string(&file).unwrap();
        for level in ["warn", "error"] {
            for (at, _) in code.match_indices(&format!("{level}!(")) {
                let arguments = &code[at + level.len() + 1..];
                let message = message(arguments).unwrap_or_else(|| panic!("{}", file.display()));
                lines.insert(line(level, &message));
            }
        }
    }
    lines
}

/// What the page has in its tables of lines: level, beginning, meaning, what to do.
fn described() -> BTreeSet<Line> {
    let page = page("docs/operations.md");
    let cells =
        |row: &str| -> Vec<String> { row.split('|').map(|c| c.trim().to_owned()).collect() };
    let rows = page.lines().map(cells).filter(|cells| cells.len() == 6);
    let rows = rows.filter(|cells| ["WARN", "ERROR"].contains(&&*cells[1]));
    let mut lines = BTreeSet::new();
    for cells in rows {
        assert!(!cells[3].is_empty() && !cells[4].is_empty(), "{cells:?}");
        let new = lines.insert(line(&cells[1], cells[2].trim_matches('`')));
        assert!(new, "twice: {cells:?}");
    }
    lines
}

#[test]
fn every_line_above_info_is_on_the_page_and_no_other() {
    let (logged, described) = (logged(), described());
    assert!(logged.len() > 20, "{logged:?}");
    assert_same(&logged, &described);
}
