#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use super::key_file::KeyFile;
use super::model::{Config, NodeEntry};
use crate::types::escaped;

impl Config {
    /// The whole configuration as TOML that loads again: defaults are written out, and what has
    /// no value is a comment.
    pub fn to_toml(&self) -> String {
        to_toml(self)
    }
}

fn to_toml(config: &Config) -> String {
    let Config { net, cluster, turn, limits, log } = config;
    let lines = [
        "[net]".to_owned(),
        format!("bind = {}", one_or_many(net.bind.iter().map(string).collect())),
        optional("name", net.name.as_ref().map(string), "what traces show"),
        format!("workers = {}", net.workers),
        String::new(),
        "[cluster]".to_owned(),
        format!("superiors = {}", one_or_many(cluster.superiors.iter().map(string).collect())),
        format!("nodes = {}", list(&cluster.nodes.iter().map(node).collect::<Vec<_>>())),
        optional(
            "check-bind",
            cluster.check_bind,
            "the port that checks are sent from, any if left out",
        ),
        optional(
            "advertise",
            cluster.advertise.map(string),
            "where superiors are to find it that do not list it, where it sends from if left out",
        ),
        format!("keys = {}", list(&cluster.keys.iter().map(key).collect::<Vec<_>>())),
        format!("require-auth = {}", cluster.require_auth),
        format!("join = {}", cluster.join),
        format!("max-nodes = {}", cluster.max_nodes),
        format!(
            "join-prefixes = {}",
            list(&cluster.join_prefixes.iter().map(string).collect::<Vec<_>>())
        ),
        String::new(),
        "[turn]".to_owned(),
        optional(
            "bind",
            turn.bind.map(string),
            "the address of the TURN server beside this server, none if left out",
        ),
        format!("health = {}", string(turn.health)),
        String::new(),
        "[limits]".to_owned(),
        format!("exempt = {}", list(&limits.exempt.iter().map(string).collect::<Vec<_>>())),
        format!("bare-answers = {}", string(limits.bare_answers)),
        format!("bare-bytes = {}", limits.bare_bytes),
        format!("ipv4-32 = {}", limits.rates.v4_32),
        format!("ipv4-24 = {}", limits.rates.v4_24),
        format!("ipv6-64 = {}", limits.rates.v6_64),
        format!("ipv6-56 = {}", limits.rates.v6_56),
        format!("ipv6-48 = {}", limits.rates.v6_48),
        String::new(),
        "[log]".to_owned(),
        format!("level = {}", string(log.level)),
        format!("format = {}", string(log.format)),
    ];
    lines.join("\n") + "\n"
}

fn node(node: &NodeEntry) -> String {
    let NodeEntry { addr, public, name } = node;
    if public.is_none() && name.is_none() {
        return string(addr);
    }
    let mut fields = format!("addr = {}", string(addr));
    if let Some(public) = public {
        fields += &format!(", public = {}", string(public));
    }
    if let Some(name) = name {
        fields += &format!(", name = {}", string(name));
    }
    format!("{{ {fields} }}")
}

/// Where a key stands; what it is stands nowhere else.
fn key(key: &KeyFile) -> String {
    format!("{{ id = {}, file = {} }}", key.id, string(key.file.display()))
}

/// A key with its value, or a comment that tells what the key is for.
fn optional(key: &str, value: Option<impl Display>, meaning: &str) -> String {
    match value {
        Some(value) => format!("{key} = {value}"),
        None => format!("# {key}: {meaning}"),
    }
}

fn one_or_many(items: Vec<String>) -> String {
    match <[String; 1]>::try_from(items) {
        Ok([item]) => item,
        Err(items) => list(&items),
    }
}

/// One item a line.
fn list(items: &[String]) -> String {
    if items.is_empty() {
        return "[]".to_owned();
    }
    let lines: String = items.iter().map(|item| format!("    {item},\n")).collect();
    format!("[\n{lines}]")
}

fn string(text: impl Display) -> String {
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
