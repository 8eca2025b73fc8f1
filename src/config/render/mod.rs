use std::fmt::Display;

use super::{Config, KeyFile, NodeEntry};

pub(super) fn to_toml(config: &Config) -> String {
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
    toml::Value::String(text.to_string()).to_string()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::config::{
        BareAnswers, Cluster, Log, LogFormat, LogLevel, Net, RequestLimits, Turn, TurnHealth,
    };
    use crate::types::Name;
    use crate::types::unmapped;
    use crate::types::{Endpoint, Rates};

    #[test]
    fn defaults() {
        let expected = r#"[net]
bind = "127.0.0.1:3001"
# name: what traces show
workers = 1

[cluster]
superiors = []
nodes = []
# check-bind: the port that checks are sent from, any if left out
# advertise: where superiors are to find it that do not list it, where it sends from if left out
keys = []
require-auth = false
join = false
max-nodes = 10000
join-prefixes = []

[turn]
# bind: the address of the TURN server beside this server, none if left out
health = "binding"

[limits]
exempt = [
    "127.0.0.0/8",
    "::1/128",
]
bare-answers = "sample"
bare-bytes = 1000000
ipv4-32 = 20
ipv4-24 = 640
ipv6-64 = 20
ipv6-56 = 60
ipv6-48 = 200

[log]
level = "info"
format = "text"
"#;
        assert_eq!(to_toml(&Config::default()), expected);
    }

    #[test]
    fn every_key() {
        let text = r#"[net]
bind = [
    "127.0.0.1:3001",
    "[::1]:3001",
]
name = "fra-b"
workers = 4

[cluster]
superiors = "root.example:3001"
nodes = [
    "203.0.113.12:3001",
    { addr = "198.51.100.107:3001", public = "203.0.113.7:3001", name = "fra-c" },
]
check-bind = 3002
advertise = "203.0.113.70:3001"
keys = [
    { id = 2, file = "/etc/turn-balance/new.key" },
    { id = 1, file = "old.key" },
]
require-auth = true
join = true
max-nodes = 500
join-prefixes = [
    "203.0.113.0/24",
    "2001:db8::/32",
]

[turn]
bind = "203.0.113.52:3478"
health = "none"

[limits]
exempt = []
bare-answers = "full"
bare-bytes = 500000
ipv4-32 = 1
ipv4-24 = 2
ipv6-64 = 3
ipv6-56 = 4
ipv6-48 = 0

[log]
level = "warn"
format = "json"
"#;
        let config = Config::parse(text, "").unwrap();
        assert_eq!(to_toml(&config), text);
    }

    proptest! {
        #[test]
        fn what_is_written_loads_again(config in config()) {
            prop_assume!(config.validate().is_ok());
            let text = to_toml(&config);
            let again = Config::parse(&text, "").map_err(|error| error.to_string());
            prop_assert_eq!(again, Ok(config), "{}", text);
        }
    }

    fn config() -> impl Strategy<Value = Config> {
        let net = (vec(addr(), 1..4), option::of(name()), 1..=64_u16);
        let net = net.prop_map(|(bind, name, workers)| Net { bind, name, workers });
        let cluster = (vec(endpoint(), 0..4), vec(node(), 0..6), option::of(1..=u16::MAX));
        let trust =
            (option::of(addr()), vec("[a-z/' é]{1,9}", 0..4), any::<[bool; 2]>(), 1..9_usize);
        let cluster = (cluster, trust).prop_map(|((superiors, nodes, check_bind), trust)| {
            let (advertise, files, [require_auth, join], max_nodes) = trust;
            let key = |(i, file): (usize, String)| KeyFile { id: i as u32 + 1, file: file.into() };
            let keys = files.into_iter().enumerate().map(key).collect();
            let join_prefixes = nodes.iter().filter_map(|node: &NodeEntry| node.public);
            let join_prefixes = join_prefixes.map(|addr| addr.ip().to_string().parse().unwrap());
            Cluster {
                join_prefixes: join_prefixes.collect(),
                superiors,
                nodes,
                check_bind,
                advertise,
                keys,
                require_auth,
                join,
                max_nodes,
            }
        });
        let health = prop::sample::select(TurnHealth::ALL.to_vec());
        let turn = (option::of(addr()), health).prop_map(|(bind, health)| Turn { bind, health });
        let log = (
            prop::sample::select(LogLevel::ALL.to_vec()),
            prop::sample::select(LogFormat::ALL.to_vec()),
        );
        let log = log.prop_map(|(level, format)| Log { level, format });
        let rates = any::<[u32; 5]>().prop_map(|[v4_32, v4_24, v6_64, v6_56, v6_48]| Rates {
            v4_32,
            v4_24,
            v6_64,
            v6_56,
            v6_48,
        });
        let bare = (prop::sample::select(BareAnswers::ALL.to_vec()), any::<u32>());
        let limits = (vec(addr(), 0..3), bare, rates);
        let limits = limits.prop_map(|(exempt, (bare_answers, bare_bytes), rates)| {
            let exempt = exempt.iter().map(|addr| addr.ip().to_string().parse().unwrap());
            let least = if bare_answers == BareAnswers::Full { 1232 } else { 0 };
            let bare_bytes = bare_bytes.max(least);
            RequestLimits { exempt: exempt.collect(), bare_answers, bare_bytes, rates }
        });
        (net, cluster, turn, limits, log).prop_map(|(net, cluster, turn, limits, log)| Config {
            net,
            cluster,
            turn,
            limits,
            log,
        })
    }

    fn node() -> impl Strategy<Value = NodeEntry> {
        let node = (endpoint(), option::of(addr()), option::of(name()));
        node.prop_map(|(addr, public, name)| NodeEntry { addr, public, name })
    }

    fn endpoint() -> impl Strategy<Value = Endpoint> {
        let host = "([a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?\\.){0,3}[a-z][a-z0-9]{0,5}\\.?";
        let name = (host, 1..=u16::MAX).prop_map(|(host, port)| Endpoint::Name(host, port));
        prop_oneof![addr().prop_map(Endpoint::from), name]
    }

    /// Unicast, so that few configurations are refused.
    fn addr() -> impl Strategy<Value = SocketAddr> {
        let v4 = (1..224_u8, any::<[u8; 3]>(), 1..=u16::MAX);
        let v4 = v4.prop_map(|(a, [b, c, d], port)| SocketAddr::from(([a, b, c, d], port)));
        let v6 = (0..0xff00_u16, any::<[u16; 7]>(), 1..=u16::MAX);
        let v6 = v6.prop_map(|(a, [b, c, d, e, f, g, h], port)| {
            unmapped(([a, b, c, d, e, f, g, h], port).into())
        });
        prop_oneof![v4, v6]
    }

    fn name() -> impl Strategy<Value = Name> {
        "[A-Za-z0-9._-]{1,32}".prop_map(|name| name.parse().unwrap())
    }
}
