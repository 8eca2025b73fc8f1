//! Small trees that nobody compiles, with circles and without.

use crate::Files;
use crate::circles::circles;
use crate::imports::{imports, line};

fn tree(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect()
}

/// All imports of a tree, one a line.
fn lines(files: &[(&str, &str)]) -> Vec<String> {
    imports(&tree(files)).iter().map(|(files, items)| line(files, items)).collect()
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    circles(&imports(&tree(files)))
}

#[test]
fn two_that_need_each_other_are_a_circle() {
    let circles = found(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::{Y, Z}; pub struct X; pub fn x(_: Y) -> Z { todo!() }"),
        ("b.rs", "pub struct Y(super::a::X); pub type Z = (); fn z() { crate::a::x(todo!()) }"),
        ("c.rs", "use super::{a::X, b::Y};"),
    ]);
    assert_eq!(circles, ["a.rs -> b.rs: Y, Z\nb.rs -> a.rs: X, x\n"]);
}

#[test]
fn three_are_one_round_a_corner_and_through_re_exports() {
    let circles = found(&[
        ("lib.rs", "mod room; mod c; pub use room::{a::*, Y as B}; pub(crate) use c::C;"),
        ("room/mod.rs", "pub mod a; mod b; pub(crate) use self::b::{B as Y};"),
        ("room/a.rs", "use super::Y; pub struct A(Y);"),
        ("room/b.rs", "pub struct B; impl B { fn b() { let c = crate::C::new(); } }"),
        ("c.rs", "use crate::A as Other; pub struct C(Other);"),
    ]);
    let ties = "c.rs -> room/a.rs: A\nroom/a.rs -> room/b.rs: B\nroom/b.rs -> c.rs: C\n";
    assert_eq!(circles, [ties]);
}

#[test]
fn a_parent_that_uses_its_child_and_a_test_that_uses_its_parent_are_none() {
    let files = [
        ("lib.rs", "mod a; pub struct Root; pub use a::A;"),
        ("a/mod.rs", "mod b; mod c; use b::B; pub struct A(B); pub use c::*;"),
        ("a/b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::{Root, a::A}; }"),
        ("a/c.rs", "use super::b::B; #[cfg(all(test, unix))] use super::A; #[test] fn c(_: A) {}"),
    ];
    assert_eq!(lines(&files), ["a/c.rs -> a/b.rs: B", "a/mod.rs -> a/b.rs: B"]);
    assert!(found(&files).is_empty());
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let files = [
        ("lib.rs", "mod all; mod a; mod only; mod system;"),
        ("all.rs", "pub mod deep { pub fn f() {} pub const N: u8 = 1; pub enum E { V } }"),
        ("a.rs", "use crate::all::deep::{self, *}; fn a() { use crate::only; only::run!(x); }"),
        ("only.rs", "macro_rules! run { () => { $crate::system::open() } } pub(crate) use run;"),
        (
            "system/mod.rs",
            "#[cfg_attr(unix, path = \"other.rs\")] mod socket; pub use socket::open;",
        ),
        ("system/socket.rs", "pub fn open() {}"),
        ("system/other.rs", "pub fn open() { print!(\"{}\", [x.f, 0..crate::all::deep::N]) }"),
    ];
    let expected = [
        "a.rs -> only.rs: run",
        "only.rs -> system/other.rs: open",
        "only.rs -> system/socket.rs: open",
        "system/other.rs -> all.rs: N",
    ];
    assert_eq!(lines(&files), expected);
    let mut files = files;
    files[2].1 = "use crate::all::deep::{self as d, *}; #[arg(parser = d::f)] struct A(E);";
    assert_eq!(lines(&files)[0], "a.rs -> all.rs: E, f");
}

#[test]
fn the_binary_reaches_the_library_by_its_name() {
    let files = [
        ("lib.rs", "mod a; pub use a::a;"),
        ("a.rs", "pub fn a() {}"),
        ("main.rs", "mod cmd; fn main() { cmd::run() }"),
        ("cmd.rs", "pub fn run() { turn_balance::a() }"),
    ];
    assert_eq!(lines(&files), ["cmd.rs -> a.rs: a", "main.rs -> cmd.rs: run"]);
}

#[test]
fn what_another_package_defines_is_nobodys_here() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "pub use other::{Thing, deep}; pub use self::inner::*; mod inner {}"),
        ("b.rs", "fn b() { crate::a::Thing::new(); crate::a::deep::call() } use super::a::Thing;"),
        ("c.rs", "use std::io; use other::X; fn c(_: io::Error, _: X) {}"),
    ];
    assert!(lines(&files).is_empty());
}

#[test]
#[should_panic(expected = "b.rs: nothing defines crate::a::X")]
fn a_path_that_leads_nowhere_is_told() {
    lines(&[("lib.rs", "mod a; mod b;"), ("a.rs", ""), ("b.rs", "use crate::a::X;")]);
}
