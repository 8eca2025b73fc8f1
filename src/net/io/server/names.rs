//! Host names among nodes and superiors: each stands for all its addresses, looked up at the
//! start and again and again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::shared::SharedState;
use crate::config::Cluster;
use crate::net::engine::server::heartbeat::INTERVAL;
use crate::net::engine::server::members::NodeSpec;
use crate::types::Endpoint;

/// Between two look-ups of a name: addresses in DNS change in minutes.
const AGAIN: Duration = Duration::from_secs(60);

/// After the first look-up that failed; doubled up to [`AGAIN`].
const RETRY: Duration = Duration::from_secs(1);

/// Known addresses of names; they stay while a look-up fails.
type Known = BTreeMap<Endpoint, Vec<SocketAddr>>;

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
    let mut pause = RETRY;
    loop {
        let mut failed = false;
        for name in &names {
            match name.resolve(None).await {
                Ok(addrs) => {
                    let before = known.insert(name.clone(), addrs);
                    if before.as_ref() != known.get(name) {
                        set(&shared, &config, &known, &own, Some(name));
                    }
                }
                Err(error) => {
                    failed = true;
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    let cause = cause.unwrap_or_default();
                    let kept = known.get(name).map_or(0, Vec::len);
                    warn!(host = %name, %cause, kept, again_in = ?pause, "cannot look up a name");
                }
            }
        }
        tokio::time::sleep(if failed { pause } else { AGAIN }).await;
        pause = if failed { (pause * 2).min(AGAIN) } else { RETRY };
    }
}

/// Tells the engine of all addresses that are known, and the log of those of `news` (`None`: the
/// numeric ones).
fn set(
    shared: &SharedState,
    config: &Cluster,
    known: &Known,
    own: &[SocketAddr],
    news: Option<&Endpoint>,
) {
    let addrs = |endpoint: &Endpoint| match endpoint {
        Endpoint::Addr(addr) => vec![*addr],
        name => {
            let mut addrs = known.get(name).cloned().unwrap_or_default();
            addrs.retain(|addr| !own.contains(addr));
            addrs
        }
    };
    let is_news = |endpoint: &Endpoint| match news {
        Some(name) => endpoint == name,
        None => matches!(endpoint, Endpoint::Addr(_)),
    };
    let mut nodes = Vec::new();
    for entry in &config.nodes {
        nodes.extend(addrs(&entry.addr).into_iter().map(|addr| NodeSpec {
            addr,
            public: entry.public.unwrap_or(addr),
            name: entry.name.clone(),
        }));
    }
    for superior in config.superiors.iter().filter(|superior| is_news(superior)) {
        for addr in addrs(superior) {
            info!(superior = %addr, interval = ?INTERVAL, "announcing");
        }
    }
    let now = Instant::now();
    let mut engine = shared.engine();
    engine.set_nodes(now, nodes);
    engine.set_superiors(now, config.superiors.iter().flat_map(addrs).collect());
    drop(engine);
    shared.refresh(now);
    shared.wake();
}
