//! Host names among nodes and superiors: each stands for its addresses, as many as there is room for,
//! looked up at the start and again and again, whatever becomes of the others.

mod agenda;
mod known;
mod places;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tracing::{info, warn};

use super::shared::SharedState;
use crate::config::Cluster;
use crate::error::Error;
use crate::net::engine::server::heartbeat::INTERVAL;
use crate::net::io::resolve::Resolved;
use crate::types::Endpoint;
use agenda::Agenda;
use known::{KnownNames, NameChange};
use places::{NodeSpecs, ShortName, nodes, superiors};

pub(super) use places::TurnPlans;

/// How many addresses a line of the log has.
const MOST_TOLD: usize = 8;

/// Sets what needs no look-up.
pub(super) fn set_numeric(
    shared: &SharedState,
    config: &Cluster,
    plans: &TurnPlans,
    own: &[SocketAddr],
) {
    let superiors = superiors(config, &KnownNames::default(), own);
    set(shared, config, plans, &KnownNames::default(), own);
    announcing(&superiors, &[]);
}

/// Starts the look-ups, where there are names.
pub(super) fn spawn(
    shared: &Arc<SharedState>,
    config: Cluster,
    plans: TurnPlans,
    own: &[SocketAddr],
) {
    let endpoints = config.nodes.iter().map(|node| &node.addr).chain(&config.superiors);
    let mut names: Vec<_> =
        endpoints.filter(|endpoint| matches!(endpoint, Endpoint::Name(..))).cloned().collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        let own = own.to_vec();
        let (known, told) = (KnownNames::awaiting(&names), BTreeSet::new());
        let names = Names { shared: shared.clone(), config, plans, own, names, known, told };
        shared.parts.spawn("look-up of names", names.keep_resolving());
    }
}

/// All of them.
struct Names {
    shared: Arc<SharedState>,
    config: Cluster,
    plans: TurnPlans,
    own: Vec<SocketAddr>,
    names: Vec<Endpoint>,
    known: KnownNames,
    /// Of which it was told that they have too many addresses.
    told: BTreeSet<Endpoint>,
}

impl Names {
    async fn keep_resolving(mut self) {
        let mut agenda = Agenda::new(self.names.len(), Instant::now());
        let mut running = JoinSet::new();
        loop {
            while let Some(index) = agenda.start(Instant::now()) {
                let name = self.names[index].clone();
                running.spawn(async move { (index, name.resolve_some(None).await) });
            }
            let next = agenda.next();
            let mut ended = tokio::select! {
                Some(ended) = running.join_next() => Some(ended),
                () = sleep_until(next) => continue,
            };
            let mut changed = false;
            while let Some(one) = ended {
                let Ok((index, result)) = one else { return }; // it has panicked, which is told
                let again = agenda.end(Instant::now(), index, result.is_ok());
                changed |= self.take(&self.names[index].clone(), result, again);
                ended = running.try_join_next();
            }
            if changed {
                self.set();
            }
        }
    }

    /// Takes what a look-up has come to. Returns whether that changes anything.
    fn take(&mut self, name: &Endpoint, result: Result<Resolved, Error>, again: Duration) -> bool {
        let first = self.known.end_first(name);
        let resolved = match result {
            Ok(resolved) => resolved,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let cause = cause.unwrap_or_default();
                let kept = self.known.get(name).map_or(0, |known| known.all().count());
                warn!(host = %name, %cause, kept, again_in = ?again, "cannot look up a name");
                return first; // others may have its room
            }
        };
        let change = {
            let (engine, now) = (self.shared.engine(), Instant::now());
            self.known.note(name, resolved, |addr| engine.is_online(now, addr))
        };
        if change.is_none() {
            return first;
        }
        let NameChange { new, gone, kept } = &change;
        let [came, left, stay] = [new, gone, kept].map(|addrs| some(addrs));
        if self.config.nodes.iter().any(|entry| entry.addr == *name) {
            info!(host = %name, new = %came, gone = %left, still_online = %stay, "looked up a name");
        }
        if self.config.superiors.contains(name) {
            let others = |addr: &&SocketAddr| !self.own.contains(addr);
            announcing(
                &Vec::from_iter(new.iter().filter(others).copied()),
                &Vec::from_iter(gone.iter().filter(others).copied()),
            );
        }
        true
    }

    fn set(&mut self) {
        for short in set(&self.shared, &self.config, &self.plans, &self.known, &self.own) {
            let ShortName { host, found, used } = short;
            if self.told.insert(host.clone()) {
                warn!(%host, found, used, "a name has more addresses than are used");
            }
        }
    }
}

/// Tells the engine of all addresses that are known. Returns of which names some are left out.
fn set(
    shared: &SharedState,
    config: &Cluster,
    plans: &TurnPlans,
    known: &KnownNames,
    own: &[SocketAddr],
) -> Vec<ShortName> {
    let (NodeSpecs { balance, turn, urls }, short) = nodes(config, plans, known, own);
    let now = Instant::now();
    let mut engine = shared.engine();
    engine.set_nodes(now, balance);
    engine.set_turn_nodes(now, turn);
    engine.set_url_nodes(urls);
    engine.set_superiors(now, superiors(config, known, own));
    drop(engine);
    shared.refresh(now);
    shared.wake();
    short
}

/// Tells to which superiors heartbeats go from now on, and to which no longer.
fn announcing(new: &[SocketAddr], gone: &[SocketAddr]) {
    for superior in new {
        info!(%superior, interval = ?INTERVAL, "announcing");
    }
    for superior in gone {
        info!(%superior, "announcing no more: its name has other addresses");
    }
}

/// The first of some addresses, `-` for none.
fn some(addrs: &[SocketAddr]) -> String {
    let told: Vec<_> = addrs.iter().take(MOST_TOLD).map(ToString::to_string).collect();
    match addrs.len() - told.len() {
        _ if addrs.is_empty() => "-".to_owned(),
        0 => told.join(" "),
        more => format!("{} and {more} more", told.join(" ")),
    }
}

/// Waits for a moment; for ever where there is none.
async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
