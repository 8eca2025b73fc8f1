//! Lets `tb` start sooner: the code that unwinds the stack after a panic is linked into it, as it is
//! into C programs. Rust would have each start load it as a library of its own (libgcc_s), which is a
//! tenth of what a program takes that does nothing (docs/performance.md).

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(static_unwinder)");
    if let Some(folder) = unwinder() {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-cfg=static_unwinder");
    }
}

/// Where the C compiler has its unwinder as an archive; `None`: Rust does as it always does.
fn unwinder() -> Option<PathBuf> {
    let is = |variable, value: String| env::var(variable).is_ok_and(|found| found == value);
    let fits = env::var_os("CARGO_FEATURE_CLI").is_some()
        && is("HOST", env::var("TARGET").ok()?)
        && is("CARGO_CFG_TARGET_OS", "linux".into())
        && is("CARGO_CFG_TARGET_ENV", "gnu".into());
    if !fits {
        return None;
    }
    let found = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output().ok()?;
    // A compiler that has none prints the name as it is.
    let archive = Path::new(str::from_utf8(&found.stdout).ok()?.trim());
    archive.is_absolute().then(|| archive.parent().map(Path::to_owned))?
}
