mod admin;
#[cfg(test)]
mod arbitrary;
mod http;
#[cfg(test)]
mod tests;
mod toml_text;

use std::net::SocketAddr;

use self::toml_text::{list, one_or_many, optional, path, string};
use super::file::written;
use super::key_file::KeyFile;
use super::model::{Config, LoadSource, NodeEntry, Turn, TurnServer};
use crate::types::{Endpoint, Labels};

impl Config {
    /// The whole configuration as TOML that loads again: defaults are written out, and what has
    /// no value is a comment.
    pub fn to_toml(&self) -> String {
        to_toml(self)
    }
}

fn to_toml(config: &Config) -> String {
    let Config { net, cluster, turn, http, admin, limits, log } = config;
    let Turn { bind, check, server, capacity, weight, load } = turn;
    let lines = [
        "[net]".to_owned(),
        format!("bind = {}", one_or_many(net.bind.iter().map(string).collect())),
        optional("name", net.name.as_ref().map(string), "what traces show"),
        optional("labels", labels(&net.labels), "what clients choose by"),
        format!("workers = {}", net.workers),
        optional(
            "drain",
            net.drain.map(|drain| string(written(drain))),
            "how long it says that it ends before it does, 5s with a superior if left out",
        ),
        String::new(),
        "[cluster]".to_owned(),
        format!("superiors = {}", one_or_many(cluster.superiors.iter().map(endpoint).collect())),
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
        optional(
            "state",
            cluster.state.as_deref().map(path),
            "the file that nodes which have joined are written to, none if left out",
        ),
        String::new(),
        "[turn]".to_owned(),
        optional(
            "bind",
            some_addrs(bind),
            "the address of the TURN server beside this server, none if left out",
        ),
        optional("check", some_addrs(check), "where it is checked, at `bind` if left out"),
        format!("health = {}", string(server.health)),
        optional("user", server.user.as_ref().map(string), "who a check is"),
        optional("password-file", server.password_file.as_deref().map(path), "the user's password"),
        optional(
            "secret-file",
            server.secret_file.as_deref().map(path),
            "the secret that the TURN server makes passwords from",
        ),
        optional(
            "ca-file",
            server.ca_file.as_deref().map(path),
            "certificates to trust, the system's if left out",
        ),
        format!("urls = {}", list(&server.urls.iter().map(string).collect::<Vec<_>>())),
        optional("capacity", *capacity, "how many it can serve"),
        optional("weight", *weight, "how much it can serve beside others, `capacity` if left out"),
        optional("load", load.as_ref().map(load_source), "where stands how many it serves"),
        String::new(),
        self::http::section(http),
        String::new(),
        self::admin::section(admin),
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
    let NodeEntry { addr, public, name, labels: labelled, turn } = node;
    if public.is_none() && name.is_none() && labelled.is_empty() && turn.is_none() {
        return endpoint(addr);
    }
    let key = if turn.is_some() { "turn" } else { "addr" };
    let mut fields = format!("{key} = {}", string(addr));
    let public = public.as_ref().map(string);
    let name = name.as_ref().map(string);
    let of_turn = turn.iter().flat_map(turn_server);
    let own = [("public", public), ("name", name), ("labels", labels(labelled))];
    for (key, value) in own.into_iter().chain(of_turn) {
        if let Some(value) = value {
            fields += &format!(", {key} = {value}");
        }
    }
    format!("{{ {fields} }}")
}

/// A balance server's, of which no more is said.
fn endpoint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Srv(name) => format!("{{ srv = {} }}", string(name)),
        endpoint => string(endpoint),
    }
}

/// What a TURN server among the nodes has beside its address, in one line.
fn turn_server(turn: &TurnServer) -> [(&'static str, Option<String>); 6] {
    let urls: Vec<_> = turn.urls.iter().map(string).collect();
    [
        ("health", Some(string(turn.health))),
        ("user", turn.user.as_ref().map(string)),
        ("password-file", turn.password_file.as_deref().map(path)),
        ("secret-file", turn.secret_file.as_deref().map(path)),
        ("ca-file", turn.ca_file.as_deref().map(path)),
        ("urls", (!urls.is_empty()).then(|| format!("[{}]", urls.join(", ")))),
    ]
}

fn labels(labels: &Labels) -> Option<String> {
    let key = |key: &str| if key.contains('.') { string(key) } else { key.into() };
    let labels = labels.iter().map(|(name, value)| format!("{} = {}", key(name), string(value)));
    let labels = Vec::from_iter(labels).join(", ");
    (!labels.is_empty()).then(|| format!("{{ {labels} }}"))
}

fn load_source(load: &LoadSource) -> String {
    let (key, place, metric) = match load {
        LoadSource::Url { url, metric } => ("url", string(url), Some(metric)),
        LoadSource::File { file, metric } => ("file", path(file), metric.as_ref()),
    };
    let metric = metric.map(|metric| format!(", metric = {}", string(metric)));
    format!("{{ {key} = {place}{} }}", metric.unwrap_or_default())
}

/// Addresses of which one needs no list; none are no value.
fn some_addrs(addrs: &[SocketAddr]) -> Option<String> {
    (!addrs.is_empty()).then(|| one_or_many(addrs.iter().map(string).collect()))
}

/// Where a key stands; what it is stands nowhere else.
fn key(key: &KeyFile) -> String {
    format!("{{ id = {}, file = {} }}", key.id, string(key.file.display()))
}
