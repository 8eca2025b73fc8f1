//! Values as TOML has them.

use std::fmt::Display;
use std::path::Path;

use crate::types::escaped;

pub(super) fn path(path: &Path) -> String {
    string(path.display())
}

/// A key with its value, or a comment that tells what the key is for.
pub(super) fn optional(key: &str, value: Option<impl Display>, meaning: &str) -> String {
    match value {
        Some(value) => format!("{key} = {value}"),
        None => format!("# {key}: {meaning}"),
    }
}

pub(super) fn one_or_many(items: Vec<String>) -> String {
    match <[String; 1]>::try_from(items) {
        Ok([item]) => item,
        Err(items) => list(&items),
    }
}

/// One item a line.
pub(super) fn list(items: &[String]) -> String {
    if items.is_empty() {
        return "[]".to_owned();
    }
    let lines: String = items.iter().map(|item| format!("    {item},\n")).collect();
    format!("[\n{lines}]")
}

pub(super) fn string(text: impl Display) -> String {
    let text = text.to_string();
    if escaped(&text) == text {
        return toml::Value::String(text).to_string();
    }
    // What is printed may be for a terminal.
    let put = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    format!("\"{}\"", text.chars().map(put).collect::<String>())
}
