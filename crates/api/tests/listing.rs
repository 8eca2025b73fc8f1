//! `docs/public-api.txt` lists what the library promises. `TB_UPDATE=1` writes it anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use public_api::Builder;
use turn_balance_lab::loopback;

/// Whose rustdoc `public-api` reads, at the version in Cargo.toml.
const RUST: &str = "rustc 1.95.";

#[test]
fn the_listing_is_fresh() {
    let rustc = Command::new("rustc").arg("--version").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    if !rustc.starts_with(RUST) {
        assert!(env::var_os("CI").is_none(), "the listing is held by {RUST}x, here is {rustc}");
        return loopback::skipped(&format!(
            "the listing is held by {RUST}x, here is {}",
            rustc.trim()
        ));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("docs/public-api.txt");
    // What every type has is left out: it would be most of the lines. That types are `Send` and
    // `Sync` is asserted in tests/face.
    let api = Builder::from_rustdoc_json(rustdoc_json(&root))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .unwrap();
    let fresh: String = api.items().map(|item| format!("{item}\n")).collect();
    if env::var_os("TB_UPDATE").is_some() {
        fs::write(&file, &fresh).unwrap();
    }
    let stored = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        stored == fresh,
        "docs/public-api.txt is stale: TB_UPDATE=1 cargo test --package turn-balance-api\n{}",
        difference(&stored, &fresh)
    );
}

/// The library as rustdoc sees it, without the command line and what is promised to nobody.
fn rustdoc_json(root: &Path) -> PathBuf {
    // A folder of its own: the variable below would have the dependencies built anew each time.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let status = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["rustdoc", "--quiet", "--locked", "--package", "turn-balance", "--lib"])
        .args([
            "--no-default-features",
            "--features",
            "client,server,serde,http,https",
            "--target-dir",
        ])
        .arg(target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        // A stable rustdoc writes JSON only so.
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .unwrap();
    assert!(status.success(), "cargo rustdoc: {status}");
    target.join("doc/turn_balance.json")
}

/// The lines that went, and those that came.
fn difference(stored: &str, fresh: &str) -> String {
    let (stored, fresh): (BTreeSet<_>, BTreeSet<_>) =
        (stored.lines().collect(), fresh.lines().collect());
    let gone = stored.difference(&fresh).map(|line| format!("- {line}\n"));
    let come = fresh.difference(&stored).map(|line| format!("+ {line}\n"));
    gone.chain(come).collect()
}
