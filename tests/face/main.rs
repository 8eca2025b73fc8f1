//! A program that embeds the library, with nothing but the names at the root of the crate: it
//! matches every error without reading a text, makes every configuration and names every type.

mod client;
mod configs;
mod errors;
mod faults;
mod https;
mod status;
mod traits;
mod turn;

use std::collections::BTreeSet;

/// What this program is written in.
const PROGRAM: [&str; 8] = [
    include_str!("client.rs"),
    include_str!("configs.rs"),
    include_str!("errors.rs"),
    include_str!("faults.rs"),
    include_str!("https.rs"),
    include_str!("status.rs"),
    include_str!("traits.rs"),
    include_str!("turn.rs"),
];

/// The public API: see `crates/api`.
const LISTING: &str = include_str!("../../docs/public-api.txt");

#[test]
fn the_program_uses_all_that_is_public() {
    let program = PROGRAM.concat();
    let words: BTreeSet<_> = words(&program).collect();
    let used = |path: &[&str]| match path {
        // A variant or a constant is called by its type's name too.
        [of, item] if item.starts_with(char::is_uppercase) => {
            program.contains(&format!("{of}::{item}"))
        }
        path => path.last().is_none_or(|item| words.contains(item)),
    };
    let items = items(LISTING);
    assert!(items.len() > 200, "{} items", items.len());
    let unused: Vec<_> = items.iter().filter(|path| !used(path)).collect();
    assert!(unused.is_empty(), "add these to the program: {unused:?}");
}

/// The paths of a listing's items below the crate, but for those of traits, which every type has.
fn items(listing: &str) -> Vec<Vec<&str>> {
    let mut items = Vec::new();
    let mut of_trait = false;
    for line in listing.lines() {
        if line.starts_with("impl") {
            of_trait = line.contains(" for ");
            continue;
        }
        let Some(start) = line.find("turn_balance::") else { continue };
        if line.contains("struct ") || line.contains("enum ") {
            of_trait = false;
        }
        if !of_trait {
            let path = &line[start + "turn_balance::".len()..];
            let end = path.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            let path = path[..end.unwrap_or(path.len())].trim_end_matches(':');
            items.push(path.split("::").collect());
        }
    }
    items
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}
