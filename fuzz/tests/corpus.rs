//! The committed inputs, without a fuzzer.

use std::fs;
use std::path::Path;

#[test]
fn every_committed_input_holds() {
    for name in turn_balance_fuzz::names() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut files: Vec<_> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{name}");
        for file in files {
            let input = fs::read(&file).unwrap();
            if std::panic::catch_unwind(|| turn_balance_fuzz::run(name, &input)).is_err() {
                panic!("cargo run --manifest-path fuzz/Cargo.toml --bin {name} {}", file.display());
            }
        }
    }
}
