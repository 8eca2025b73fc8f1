//! Programs that were compiled with an earlier header go on working, for as long as the soname is the same.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::process::Command;

use crate::{Cascade, FOLDER, closed, compile, printed};

/// The soname has these two of the version, as long as the first is 0.
fn soname() -> String {
    format!("{}.{}", env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"))
}

fn functions(header: &str) -> BTreeSet<&str> {
    let before = header.split('(').filter_map(|text| text.rsplit([' ', '*', '\n']).next());
    let is_name = |name: &&str| name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    before.filter(is_name).filter(|name| name.starts_with("tb_")).collect()
}

#[test]
fn what_an_earlier_header_has_is_there() {
    let earlier = fs::read_to_string(format!("{FOLDER}/abi/{}/turn_balance.h", soname())).unwrap();
    let earlier = functions(&earlier);
    assert!(earlier.contains("tb_select") && earlier.contains("tb_selection_turn"), "{earlier:?}");
    let Some(program) = compile("cc", "tests/c/symbols.c", &["-std=c11", "-ldl"]) else { return };
    // Cargo's own has no soname, and its symbols the file's name.
    let built = env::current_exe().unwrap().with_file_name("libturn_balance_ffi.so");
    let (library, version) = match env::var_os("TB_FFI_LIBRARY") {
        Some(installed) => (installed, format!("libturn_balance.so.{}", soname())),
        None => (built.into(), "libturn_balance_ffi.so".to_owned()),
    };
    let said = printed(Command::new(program).arg(library).arg(version).args(earlier));
    assert_eq!(said, concat!(env!("CARGO_PKG_VERSION"), "\n"), "what is missing follows");
}

#[test]
fn a_program_of_an_earlier_header_works() {
    let include = format!("-I{FOLDER}/abi/{}", soname());
    let extra = ["-std=gnu11", "-DEARLIER", &include];
    let Some(program) = compile("cc", "tests/c/many.c", &extra) else { return };
    let cascade = Cascade::start();
    let said = printed(Command::new(program).args([&cascade.root.to_string(), &closed(), "50"]));
    assert_eq!(said, "50 and 50\n");
}

#[test]
fn the_version_is_that_of_turn_balance() {
    let manifest = fs::read_to_string(format!("{FOLDER}/../../Cargo.toml")).unwrap();
    let version = concat!("\nversion = \"", env!("CARGO_PKG_VERSION"), "\"\n");
    assert!(manifest.contains(version), "Cargo.toml has not {version}");
}
