//! What another configuration changes of one that runs, and what of it has to wait for a restart.

use std::collections::BTreeMap;
use std::fmt;

use super::model::{Cluster, Config};
use crate::types::Endpoint;

/// What a reload has changed.
///
/// From [`Server::reload`](crate::Server::reload), where an example is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// Of `cluster.nodes`.
    pub nodes: Difference,
    /// Of `cluster.superiors`.
    pub superiors: Difference,
    /// Of `cluster.keys`; one whose file has another secret is another, and one that signs or does so no more.
    pub keys: Difference,
    /// The keys of the file whose values are others, `net.name` for one.
    pub changed: Vec<&'static str>,
    /// Those that count after the next start: as long as it runs the old value holds.
    pub kept: Vec<&'static str>,
}

/// How many of something are new, gone, and others than they were.
///
/// Found in a [`Reloaded`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// How many were not there.
    pub new: usize,
    /// How many are no more.
    pub gone: usize,
    /// How many stay, and are described otherwise.
    pub changed: usize,
}

/// A key of the file.
struct FileKey {
    name: &'static str,
    /// Whether it can change only with a restart.
    fixed: bool,
    same: fn(&Config, &Config) -> bool,
    /// Takes it over from another configuration.
    keep: fn(&Config, &mut Config),
}

macro_rules! key {
    ($name:literal, $fixed:literal, $section:ident $(. $field:ident)*) => {
        FileKey {
            name: $name,
            fixed: $fixed,
            same: |a, b| a.$section $(. $field)* == b.$section $(. $field)*,
            keep: |from, to| to.$section $(. $field)* = from.$section $(. $field)*.clone(),
        }
    };
}

/// All keys but nodes, superiors and keys, which are counted.
#[rustfmt::skip]
const KEYS: &[FileKey] = &[
    // A socket that is closed loses what has come to it.
    key!("net.bind", true, net.bind),
    key!("net.name", false, net.name),
    key!("net.labels", false, net.labels),
    // The system deals datagrams out anew where there are more sockets, and so loses some.
    key!("net.workers", true, net.workers),
    key!("net.drain", false, net.drain),
    // What is asked from there is known to the sockets that are open.
    key!("cluster.check-bind", true, cluster.check_bind),
    key!("cluster.advertise", false, cluster.advertise),
    key!("cluster.require-auth", false, cluster.require_auth),
    key!("cluster.join", false, cluster.join),
    key!("cluster.max-nodes", false, cluster.max_nodes),
    key!("cluster.join-prefixes", false, cluster.join_prefixes),
    key!("cluster.state", false, cluster.state),
    key!("turn.bind", false, turn.bind),
    key!("turn.check", false, turn.check),
    key!("turn.health", false, turn.server.health),
    key!("turn.user", false, turn.server.user),
    key!("turn.password-file", false, turn.server.password_file),
    key!("turn.secret-file", false, turn.server.secret_file),
    key!("turn.ca-file", false, turn.server.ca_file),
    key!("turn.urls", false, turn.server.urls),
    key!("turn.capacity", false, turn.capacity),
    key!("turn.weight", false, turn.weight),
    key!("turn.load", false, turn.load),
    // The broker is another service: what it was started with counts, but what its files hold follows.
    key!("http.bind", true, http.bind),
    key!("http.cert", true, http.cert),
    key!("http.key", true, http.key),
    key!("http.plain", true, http.plain),
    key!("http.api-keys", true, http.api_keys),
    key!("http.token-secret", true, http.token_secret),
    key!("http.turn-secret", true, http.turn_secret),
    key!("http.turn-secrets", true, http.turn_secrets),
    key!("http.ttl", true, http.ttl),
    key!("http.origins", true, http.origins),
    key!("http.trusted-proxies", true, http.trusted_proxies),
    key!("http.demo", true, http.demo),
    // So is the operator's listener.
    key!("admin.bind", true, admin.bind),
    key!("admin.allow", true, admin.allow),
    key!("admin.token-file", true, admin.token_file),
    key!("limits.exempt", false, limits.exempt),
    key!("limits.bare-answers", false, limits.bare_answers),
    key!("limits.bare-bytes", false, limits.bare_bytes),
    key!("limits.ipv4-32", false, limits.rates.v4_32),
    key!("limits.ipv4-24", false, limits.rates.v4_24),
    key!("limits.ipv6-64", false, limits.rates.v6_64),
    key!("limits.ipv6-56", false, limits.rates.v6_56),
    key!("limits.ipv6-48", false, limits.rates.v6_48),
    key!("log.level", false, log.level),
    // Whoever reads the log reads one format.
    key!("log.format", true, log.format),
];

impl Config {
    /// What another one would change of this one, while it runs; what cannot change so is taken out of it.
    pub(crate) fn reload(&self, wanted: &mut Self) -> Reloaded {
        let mut reloaded = Reloaded {
            nodes: nodes(&self.cluster, &wanted.cluster),
            superiors: superiors(&self.cluster, &wanted.cluster),
            ..Reloaded::default()
        };
        for key in KEYS.iter().filter(|key| key.fixed) {
            if !(key.same)(self, wanted) {
                (key.keep)(self, wanted);
                reloaded.kept.push(key.name);
            }
        }
        let changed = KEYS.iter().filter(|key| !(key.same)(self, wanted));
        reloaded.changed = changed.map(|key| key.name).collect();
        reloaded
    }
}

fn nodes(before: &Cluster, now: &Cluster) -> Difference {
    let by_addr = |cluster: &Cluster| -> BTreeMap<_, _> {
        let nodes =
            cluster.nodes.iter().map(|node| ((node.addr.clone(), node.turn.is_some()), node));
        nodes.map(|(key, node)| (key, node.clone())).collect()
    };
    Difference::between(&by_addr(before), &by_addr(now), |a, b| a == b)
}

fn superiors(before: &Cluster, now: &Cluster) -> Difference {
    let all = |cluster: &Cluster| -> BTreeMap<Endpoint, ()> {
        cluster.superiors.iter().map(|superior| (superior.clone(), ())).collect()
    };
    Difference::between(&all(before), &all(now), |(), ()| true)
}

impl Difference {
    pub(crate) fn between<K: Ord, V>(
        before: &BTreeMap<K, V>,
        now: &BTreeMap<K, V>,
        same: impl Fn(&V, &V) -> bool,
    ) -> Self {
        let stays = now.iter().filter_map(|(key, value)| Some((before.get(key)?, value)));
        let kept = stays.clone().count();
        Self {
            new: now.len() - kept,
            gone: before.len() - kept,
            changed: stays.filter(|(before, now)| !same(before, now)).count(),
        }
    }

    /// Whether nothing is another.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// `+2 -1`, and `~1` for one that is described otherwise; `-` for none.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [('+', self.new), ('-', self.gone), ('~', self.changed)];
        let told = all.into_iter().filter(|(_, count)| *count > 0);
        let told: Vec<_> = told.map(|(sign, count)| format!("{sign}{count}")).collect();
        if told.is_empty() { f.write_str("-") } else { f.write_str(&told.join(" ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_file_is_known() {
        let (mut section, mut keys) = (String::new(), Vec::new());
        for line in Config::default().to_toml().lines() {
            let name = line.trim_start_matches("# ").split([' ', ':']).next().unwrap_or_default();
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
            } else if line.contains(" = ") || line.starts_with("# ") {
                keys.push(format!("{section}.{name}"));
            }
        }
        let counted = ["cluster.superiors", "cluster.nodes", "cluster.keys"];
        keys.retain(|key| !counted.contains(&key.as_str()));
        assert_eq!(KEYS.iter().map(|key| key.name).collect::<Vec<_>>(), keys);
    }

    #[test]
    fn what_cannot_change_stays_and_the_rest_is_taken() {
        let before = "net.bind = '127.0.0.1:3001'\nnet.drain = '1s'\n[cluster]\n\
                      superiors = ['127.0.0.1:3002', '127.0.0.1:3003']\n\
                      nodes = ['127.0.0.1:3011', '127.0.0.1:3012', 'leaf.example']";
        let now = "net.bind = '127.0.0.1:4001'\nnet.workers = 2\nnet.name = 'fra'\n[cluster]\n\
                   superiors = '127.0.0.1:3003'\nnodes = ['127.0.0.1:3013',\n\
                   { addr = '127.0.0.1:3012', name = 'a' }, '127.0.0.1:3014', 'leaf.example']\n\
                   [http]\nbind = '127.0.0.1:8443'\ndemo = true\n[log]\nlevel = 'warn'";
        let read = |text| Config::parse(text, "").unwrap();
        let (before, mut now) = (read(before), read(now));
        let reloaded = before.reload(&mut now);
        assert_eq!(reloaded.kept, ["net.bind", "net.workers", "http.bind", "http.demo"]);
        assert_eq!(reloaded.changed, ["net.name", "net.drain", "log.level"]);
        assert_eq!(reloaded.nodes.to_string(), "+2 -1 ~1");
        assert_eq!(reloaded.superiors.to_string(), "-1");
        assert_eq!((&now.net.bind, now.net.workers), (&before.net.bind, 1));
        assert_eq!(now.http, before.http);
        assert_eq!(now.cluster.nodes.len(), 4);
        let nothing = now.clone().reload(&mut now);
        assert_eq!(nothing, Reloaded::default());
        assert_eq!(nothing.nodes.to_string(), "-");
    }
}
