//! Host names among nodes and superiors: each stands for its addresses, as many as there is room for,
//! looked up at the start and again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::shared::SharedState;
use crate::config::Cluster;
use crate::net::engine::server::heartbeat::INTERVAL;
use crate::net::engine::server::members::NodeSpec;
use crate::net::io::resolve::Resolved;
use crate::types::{Endpoint, canonical};

/// Between two look-ups of a name: addresses in DNS change in minutes.
const AGAIN: Duration = Duration::from_secs(60);

/// After the first look-up that failed; doubled up to [`AGAIN`].
const RETRY: Duration = Duration::from_secs(1);

/// What is known of names; it stays while a look-up fails.
type Known = BTreeMap<Endpoint, Resolved>;

/// Sets what needs no look-up.
pub(super) fn set_numeric(shared: &SharedState, config: &Cluster, own: &[SocketAddr]) {
    set(shared, config, &Known::new(), own, None);
}

/// Starts the look-ups, where there are names.
pub(super) fn spawn(shared: &Arc<SharedState>, config: Cluster, own: &[SocketAddr]) {
    let endpoints = config.nodes.iter().map(|node| &node.addr).chain(&config.superiors);
    let mut names: Vec<_> =
        endpoints.filter(|endpoint| matches!(endpoint, Endpoint::Name(..))).cloned().collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        let work = keep_resolving(shared.clone(), config, own.to_vec(), names);
        shared.parts.spawn("look-up of names", work);
    }
}

async fn keep_resolving(
    shared: Arc<SharedState>,
    config: Cluster,
    own: Vec<SocketAddr>,
    names: Vec<Endpoint>,
) {
    let mut known = Known::new();
    let mut told = BTreeSet::new();
    let mut pause = RETRY;
    loop {
        let mut failed = false;
        for name in &names {
            match name.resolve_some(None).await {
                Ok(resolved) => {
                    if note(&mut known, name, resolved) {
                        let short = set(&shared, &config, &known, &own, Some(name));
                        tell(short.into_iter().filter(|short| told.insert(short.host.clone())));
                    }
                }
                Err(error) => {
                    failed = true;
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    let cause = cause.unwrap_or_default();
                    let kept = known.get(name).map_or(0, |known| known.addrs.len());
                    warn!(host = %name, %cause, kept, again_in = ?pause, "cannot look up a name");
                }
            }
        }
        tokio::time::sleep(if failed { pause } else { AGAIN }).await;
        pause = if failed { (pause * 2).min(AGAIN) } else { RETRY };
    }
}

/// Notes what a look-up has found. Returns whether that is news: another order is none, nor is another
/// number of those that are not used.
fn note(known: &mut Known, name: &Endpoint, mut resolved: Resolved) -> bool {
    resolved.addrs.sort_unstable();
    let found = resolved.addrs.clone();
    let before = known.insert(name.clone(), resolved);
    before.is_none_or(|before| before.addrs != found)
}

/// A name that has more addresses than are used.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Short {
    host: Endpoint,
    found: usize,
    used: usize,
}

fn tell(short: impl Iterator<Item = Short>) {
    for Short { host, found, used } in short {
        warn!(%host, found, used, "a name has more addresses than are used");
    }
}

/// Tells the engine of all addresses that are known, and the log of those of `news` (`None`: the
/// numeric ones). Returns of which names some are left out.
fn set(
    shared: &SharedState,
    config: &Cluster,
    known: &Known,
    own: &[SocketAddr],
    news: Option<&Endpoint>,
) -> Vec<Short> {
    let is_news = |endpoint: &Endpoint| match news {
        Some(name) => endpoint == name,
        None => matches!(endpoint, Endpoint::Addr(_)),
    };
    for superior in config.superiors.iter().filter(|superior| is_news(superior)) {
        for addr in addrs(superior, known, own) {
            info!(superior = %addr, interval = ?INTERVAL, "announcing");
        }
    }
    let (nodes, short) = nodes(config, known, own);
    let superiors = config.superiors.iter().flat_map(|name| addrs(name, known, own)).collect();
    let now = Instant::now();
    let mut engine = shared.engine();
    engine.set_nodes(now, nodes);
    engine.set_superiors(now, superiors);
    drop(engine);
    shared.refresh(now);
    shared.wake();
    short
}

/// All nodes that are known, and of which names, superiors' among them, some addresses are left out.
/// Those that the configuration has by address all have room; names share the rest of `max-nodes`, in
/// the order of the configuration.
fn nodes(config: &Cluster, known: &Known, own: &[SocketAddr]) -> (Vec<NodeSpec>, Vec<Short>) {
    let mut nodes = BTreeMap::new();
    let mut lacking = BTreeMap::new();
    let is_name = |endpoint: &Endpoint| matches!(endpoint, Endpoint::Name(..));
    let (names, numeric): (Vec<_>, Vec<_>) =
        config.nodes.iter().partition(|entry| is_name(&entry.addr));
    for entry in numeric.into_iter().chain(names) {
        for addr in addrs(&entry.addr, known, own) {
            let public = entry.public.unwrap_or(addr);
            let spec = NodeSpec { addr, public, name: entry.name.clone() };
            if !is_name(&entry.addr) || nodes.len() < config.max_nodes {
                nodes.entry(addr).or_insert(spec);
            } else if !nodes.contains_key(&addr) {
                *lacking.entry(&entry.addr).or_insert(0) += 1;
            }
        }
    }
    let short = known.iter().map(|(host, Resolved { addrs, found })| {
        let used = addrs.len() - lacking.get(host).copied().unwrap_or(0);
        Short { host: host.clone(), found: *found, used }
    });
    let short = short.filter(|short| short.used < short.found).collect();
    (nodes.into_values().collect(), short)
}

/// The addresses that something stands for, but for those of this server itself.
fn addrs(endpoint: &Endpoint, known: &Known, own: &[SocketAddr]) -> Vec<SocketAddr> {
    match endpoint {
        Endpoint::Addr(addr) => vec![canonical(*addr)],
        name => {
            let mut addrs = known.get(name).map_or(Vec::new(), |known| known.addrs.clone());
            addrs.retain(|addr| !own.contains(addr));
            addrs
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NodeEntry;

    fn name(host: &str) -> Endpoint {
        Endpoint::Name(host.to_owned(), 3001)
    }

    fn addr(third: u8, last: u8) -> SocketAddr {
        SocketAddr::from(([198, 51, third, last], 3001))
    }

    fn known(host: &str, third: u8, count: u8, found: usize) -> (Endpoint, Resolved) {
        (name(host), Resolved { addrs: (1..=count).map(|last| addr(third, last)).collect(), found })
    }

    #[test]
    fn another_order_is_no_news() {
        let mut known = Known::new();
        let mut note = |addrs: &[u8], found| {
            let addrs = addrs.iter().map(|last| addr(1, *last)).collect();
            note(&mut known, &name("a.example"), Resolved { addrs, found })
        };
        assert!(note(&[1, 2, 3], 3));
        assert!(!note(&[3, 1, 2], 3));
        assert!(!note(&[2, 3, 1], 5));
        assert!(note(&[1, 2], 2));
    }

    #[test]
    fn names_share_the_room_that_addresses_leave() {
        let numeric = (0..5).map(|last| NodeEntry::new(addr(100, last)));
        let names = ["a.example", "b.example", "c.example"].map(|host| NodeEntry::new(name(host)));
        let mut config =
            Cluster { nodes: names.into_iter().chain(numeric).collect(), ..Cluster::default() };
        config.superiors = vec![name("above.example")];
        let known = Known::from([
            known("a.example", 1, 64, 3000),
            known("b.example", 2, 40, 40),
            known("c.example", 2, 40, 40), // the same
            known("above.example", 3, 64, 65),
        ]);
        let short = |host, found, used| Short { host: name(host), found, used };
        let above = short("above.example", 65, 64);

        let (nodes, lacking) = nodes(&config, &known, &[addr(1, 64)]);
        assert_eq!(nodes.len(), 5 + 63 + 40);
        assert_eq!(lacking, [short("a.example", 3000, 64), above.clone()]);

        config.max_nodes = 100;
        let (some, lacking) = super::nodes(&config, &known, &[]);
        assert_eq!(some.len(), 100);
        assert!((0..5).all(|last| some.iter().any(|node| node.addr == addr(100, last))));
        let b = [short("b.example", 40, 31), short("c.example", 40, 31)];
        let a = short("a.example", 3000, 64);
        assert_eq!(lacking, [vec![a, above], b.into()].concat());

        config.max_nodes = 3;
        let (some, lacking) = super::nodes(&config, &known, &[]);
        assert!(some.iter().map(|node| node.addr).eq((0..5).map(|last| addr(100, last))));
        assert_eq!(lacking[0], short("a.example", 3000, 0));
    }
}
