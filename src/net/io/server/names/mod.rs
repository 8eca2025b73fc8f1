//! Host names among nodes and superiors: each stands for its addresses, as many as there is room for,
//! looked up at the start and again and again, whatever becomes of the others.

mod agenda;
mod known;
mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::shared::SharedState;
use crate::config::{Cluster, Config};
use crate::error::Error;
use crate::net::engine::server::heartbeat::INTERVAL;
use crate::net::engine::server::reload::Reload;
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
    set(shared, config, plans, 0, &KnownNames::default(), own);
    announcing(&superiors, &[]);
}

/// Starts the look-ups. Returns where to replace what they are for.
pub(super) fn spawn(
    shared: &Arc<SharedState>,
    config: Arc<Config>,
    plans: TurnPlans,
    own: &[SocketAddr],
) -> mpsc::Sender<NewCluster> {
    let names = names_of(&config.cluster);
    let (reloads, reloaded) = mpsc::channel(1);
    let mut known = KnownNames::default();
    known.set(&names, &[]);
    let names = Names {
        shared: shared.clone(),
        agenda: Agenda::new(names.iter().cloned(), Instant::now()),
        config,
        plans,
        first_entry: 0,
        own: own.to_vec(),
        names,
        known,
        told: BTreeSet::new(),
    };
    shared.parts.spawn("look-up of names", names.keep_resolving(reloaded));
    reloads
}

/// The names among the nodes and superiors, sorted.
fn names_of(config: &Cluster) -> Vec<Endpoint> {
    let endpoints = config.nodes.iter().map(|node| &node.addr).chain(&config.superiors);
    let names = endpoints.filter(|endpoint| matches!(endpoint, Endpoint::Name(..)));
    let mut names: Vec<_> = names.cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Other nodes and superiors, and all else that counts from then on.
pub(super) struct NewCluster {
    pub(super) config: Arc<Config>,
    pub(super) plans: TurnPlans,
    /// What the engine is told, but for nodes and superiors.
    pub(super) engine: Reload,
    /// It has been told.
    pub(super) done: oneshot::Sender<()>,
}

/// All of them.
struct Names {
    shared: Arc<SharedState>,
    config: Arc<Config>,
    plans: TurnPlans,
    /// The number of the first entry of `config.nodes`.
    first_entry: usize,
    own: Vec<SocketAddr>,
    names: Vec<Endpoint>,
    agenda: Agenda<Endpoint>,
    known: KnownNames,
    /// Of which it was told that they have too many addresses.
    told: BTreeSet<Endpoint>,
}

impl Names {
    async fn keep_resolving(mut self, mut reloads: mpsc::Receiver<NewCluster>) {
        let mut running = JoinSet::new();
        loop {
            while let Some(name) = self.agenda.start(Instant::now()) {
                running.spawn(async move {
                    let result = name.resolve_some(None).await;
                    (name, result)
                });
            }
            let next = self.agenda.next();
            let mut ended = tokio::select! {
                Some(ended) = running.join_next() => Some(ended),
                Some(new) = reloads.recv() => {
                    self.reload(new);
                    continue;
                }
                () = sleep_until(next) => continue,
            };
            let mut changed = false;
            while let Some(one) = ended {
                let Ok((name, result)) = one else { return }; // it has panicked, which is told
                if let Some(again) = self.agenda.end(Instant::now(), &name, result.is_ok()) {
                    changed |= self.take(&name, result, again);
                }
                ended = running.try_join_next();
            }
            if changed {
                self.set();
            }
        }
    }

    /// Replaces all of them. Names that stay keep what is known of them, and when they are looked up.
    fn reload(&mut self, NewCluster { config, plans, engine, done }: NewCluster) {
        let before = superiors(&self.config.cluster, &self.known, &self.own);
        let names = names_of(&config.cluster);
        let now = Instant::now();
        self.known.set(&names, &self.names);
        self.agenda.set(names.iter().cloned(), now);
        self.told.retain(|name| names.binary_search(name).is_ok());
        self.shared.lost_names.retain(|name| names.binary_search(name).is_ok());
        self.first_entry = engine.first_entry;
        (self.config, self.plans, self.names) = (config, plans, names);
        let (specs, short) = nodes(&self.config.cluster, &self.plans, &self.known, &self.own);
        let superiors = superiors(&self.config.cluster, &self.known, &self.own);
        let new = superiors.iter().filter(|superior| !before.contains(superior));
        let gone = before.iter().filter(|superior| !superiors.contains(superior));
        announcing(&Vec::from_iter(new.copied()), &Vec::from_iter(gone.copied()));
        let url_nodes = numbered(specs.urls, self.first_entry);
        self.shared.engine().handle_reload(
            now,
            Reload { superiors, nodes: specs.balance, turn_nodes: specs.turn, url_nodes, ..engine },
        );
        self.shared.publish();
        self.tell(short);
        let _ = done.send(());
    }

    /// Takes what a look-up has come to. Returns whether that changes anything.
    fn take(&mut self, name: &Endpoint, result: Result<Resolved, Error>, again: Duration) -> bool {
        let first = self.known.end_first(name);
        let resolved = match result {
            Ok(resolved) => {
                self.shared.lost_names.retain(|lost| lost != name);
                resolved
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let cause = cause.unwrap_or_default();
                let kept = self.known.get(name).map_or(0, |known| known.all().count());
                warn!(host = %name, %cause, kept, again_in = ?again, "cannot look up a name");
                if kept == 0 {
                    self.shared.lost_names.lose(Instant::now(), name, &cause);
                }
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
        if self.config.cluster.nodes.iter().any(|entry| entry.addr == *name) {
            info!(host = %name, new = %came, gone = %left, still_online = %stay, "looked up a name");
        }
        if self.config.cluster.superiors.contains(name) {
            let others = |addr: &&SocketAddr| !self.own.contains(addr);
            announcing(
                &Vec::from_iter(new.iter().filter(others).copied()),
                &Vec::from_iter(gone.iter().filter(others).copied()),
            );
        }
        true
    }

    fn set(&mut self) {
        let Self { shared, config, plans, first_entry, known, own, .. } = &*self;
        let short = set(shared, &config.cluster, plans, *first_entry, known, own);
        self.tell(short);
    }

    /// Tells once of each name that it has more addresses than are used.
    fn tell(&mut self, short: Vec<ShortName>) {
        for short in short {
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
    first_entry: usize,
    known: &KnownNames,
    own: &[SocketAddr],
) -> Vec<ShortName> {
    let (NodeSpecs { balance, turn, urls }, short) = nodes(config, plans, known, own);
    let now = Instant::now();
    let mut engine = shared.engine();
    engine.set_nodes(now, balance);
    engine.set_turn_nodes(now, turn);
    engine.set_url_nodes(numbered(urls, first_entry));
    engine.set_superiors(now, superiors(config, known, own));
    drop(engine);
    shared.refresh(now);
    shared.wake();
    short
}

/// Entries by their numbers, of which this is the first.
fn numbered(urls: BTreeMap<SocketAddr, usize>, first: usize) -> BTreeMap<SocketAddr, usize> {
    urls.into_iter().map(|(addr, entry)| (addr, first + entry)).collect()
}

/// Tells to which superiors heartbeats go from now on, and to which no longer.
fn announcing(new: &[SocketAddr], gone: &[SocketAddr]) {
    for superior in new {
        info!(%superior, interval = ?INTERVAL, "announcing");
    }
    for superior in gone {
        info!(%superior, "announcing no more");
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
