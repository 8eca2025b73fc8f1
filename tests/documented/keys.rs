//! README.md and examples/configs/full.toml have every key of balance.toml, and no other.

use std::collections::BTreeSet;

use turn_balance::Config;

use crate::{assert_same, code, page};

/// The names that may stand here, as the error says that is about one which may not.
fn expected(toml: &str) -> Vec<String> {
    let error = Config::parse(toml, "test").unwrap_err().to_string();
    let (_, names) = error.lines().find_map(|line| line.split_once(", expected ")).unwrap();
    code(names).map(str::to_owned).collect()
}

/// The keys of all sections.
fn exist() -> BTreeSet<String> {
    let keys = |section: String| {
        let names = expected(&format!("[{section}]\nno-such-key = 1\n"));
        names.into_iter().map(move |key| format!("{section}.{key}"))
    };
    expected("[no-such-section]\n").into_iter().flat_map(keys).collect()
}

#[test]
fn the_readme_has_every_key() {
    let readme = page("README.md");
    let (_, table) = readme.split_once("\n## Configuration\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let mut described = BTreeSet::new();
    for row in table.lines().filter_map(|row| row.strip_prefix("| ")) {
        let mut section = "";
        for key in code(row.split(" | ").next().unwrap()) {
            // The second of a row need not say its section again.
            let key = key.split_once('.').map_or(key, |(of, key)| {
                section = of;
                key
            });
            described.insert(format!("{section}.{key}"));
        }
    }
    assert_same(&exist(), &described);
}

#[test]
fn the_example_has_every_key() {
    let mut described = BTreeSet::new();
    let mut section = String::new();
    for line in page("examples/configs/full.toml").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        }
        // A key that names a file which is not there stands behind a `#`.
        let key = line.strip_prefix("# ").unwrap_or(line).split_once(" = ").map(|(key, _)| key);
        let is_key =
            |key: &&str| key.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric());
        described.extend(key.filter(is_key).map(|key| format!("{section}.{key}")));
    }
    assert_same(&exist(), &described);
}

#[test]
fn what_a_node_may_have_is_described() {
    let [readme, example] = ["README.md", "examples/configs/full.toml"].map(page);
    let fields = expected("cluster.nodes = [{ addr = '192.0.2.1', no-such-key = 1 }]\n");
    assert!(fields.len() > 3, "{fields:?}");
    for field in fields {
        assert!(readme.contains(&field) && example.contains(&field), "{field}");
    }
}
