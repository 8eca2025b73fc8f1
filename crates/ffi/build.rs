//! Gives the symbols of the shared library the soname for their version, so that two of them can be in one process and
//! each program has those that it was linked with. rustc's own list of symbols leaves no room for a version script, and
//! of the linkers GNU's alone does without one.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-fuse-ld=bfd");
        println!("cargo:rustc-cdylib-link-arg=-Wl,--default-symver");
    }
}
