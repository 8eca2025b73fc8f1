//! What the pages describe exists, and what exists is described: lines of the log, keys of balance.toml, flags, and
//! what the broker answers. `tests/admin/documented.rs` has metrics, alerts and the admin interface.

mod flags;
mod keys;
mod log;
mod routes;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Both ways, or what is missing here or there.
fn assert_same<T: Ord + std::fmt::Debug>(exists: &BTreeSet<T>, described: &BTreeSet<T>) {
    let missing: Vec<_> = exists.difference(described).collect();
    let made_up: Vec<_> = described.difference(exists).collect();
    assert!(missing.is_empty() && made_up.is_empty(), "missing {missing:#?}, made up {made_up:#?}");
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
