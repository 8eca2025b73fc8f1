//! Host names and SRV records among nodes and superiors: each stands for its addresses, as many as there is
//! room for, looked up at the start and whenever an answer no longer holds, whatever becomes of the others.

mod agenda;
mod failures;
mod known;
mod places;
mod question;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::name_book::NameEntry;
use super::shared::SharedState;
use crate::config::{Cluster, Config};
use crate::net::engine::server::heartbeat::INTERVAL;
use crate::net::engine::server::reload::Reload;
use crate::net::io::resolve::Resolved;
use crate::types::{Endpoint, seconds};
use agenda::Agenda;
use failures::Failures;
use known::{KnownNames, NameChange};
use places::{NodeSpecs, ShortName, nodes, superiors};
use question::{NameAnswer, ask};

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
        names: names.clone(),
        asked: names,
        known,
        failures: Failures::default(),
        told: BTreeSet::new(),
    };
    names.write_down();
    shared.parts.spawn("look-up of names", names.keep_resolving(reloaded));
    reloads
}

/// The names among the nodes and superiors, sorted.
fn names_of(config: &Cluster) -> Vec<Endpoint> {
    let endpoints = config.nodes.iter().map(|node| &node.addr).chain(&config.superiors);
    let names = endpoints.filter(|endpoint| !matches!(endpoint, Endpoint::Addr(_)));
    sorted(names.cloned())
}

/// Each once.
fn sorted(names: impl Iterator<Item = Endpoint>) -> Vec<Endpoint> {
    Vec::from_iter(BTreeSet::from_iter(names))
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
    /// Those of the configuration.
    names: Vec<Endpoint>,
    /// These, and the hosts that SRV records name.
    asked: Vec<Endpoint>,
    agenda: Agenda<Endpoint>,
    known: KnownNames,
    failures: Failures,
    /// Of which it was told that they have too many addresses.
    told: BTreeSet<Endpoint>,
}

impl Names {
    async fn keep_resolving(mut self, mut reloads: mpsc::Receiver<NewCluster>) {
        let mut running = JoinSet::new();
        loop {
            while let Some(name) = self.agenda.start(Instant::now()) {
                running.spawn(async move {
                    let result = ask(&name).await;
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
                let holds = result.as_ref().ok().map(|told| told.ttl);
                if let Some(again) = self.agenda.end(Instant::now(), &name, holds) {
                    changed |= self.take(&name, result.map(|told| told.what), again);
                }
                ended = running.try_join_next();
            }
            if changed {
                self.set();
            }
            self.write_down();
        }
    }

    /// Replaces all of them. Names that stay keep what is known of them, and when they are looked up.
    fn reload(&mut self, NewCluster { config, plans, engine, done }: NewCluster) {
        let before = superiors(&self.config.cluster, &self.known, &self.own);
        let names = names_of(&config.cluster);
        let now = Instant::now();
        self.told.retain(|name| names.binary_search(name).is_ok());
        self.first_entry = engine.first_entry;
        (self.config, self.plans, self.names) = (config, plans, names);
        self.ask_for_all(now);
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
        self.write_down();
        let _ = done.send(());
    }

    /// What is asked from now on: the names of the configuration, and the hosts that SRV records name.
    fn ask_for_all(&mut self, now: Instant) {
        // What is no name any more names no hosts.
        self.known.retain_srv(&self.names);
        let asked = sorted(self.names.iter().chain(self.known.hosts()).cloned());
        self.known.set(&asked, &self.asked);
        self.agenda.set(asked.iter().cloned(), now);
        self.failures.retain(|name| asked.binary_search(name).is_ok());
        self.asked = asked;
    }

    /// Takes what a look-up has come to. Returns whether that changes anything.
    fn take(&mut self, name: &Endpoint, result: io::Result<NameAnswer>, again: Duration) -> bool {
        let (now, first) = (Instant::now(), self.known.end_first(name));
        let answer = result.and_then(|answer| match answer {
            NameAnswer::Host { mut addrs, untold } => {
                untold.inspect(|family| self.known.complete(name, &mut addrs, *family));
                let judged = name.judge(Ok(addrs), None);
                judged.map(|addrs| Some(Resolved::from(addrs))).map_err(io::Error::other)
            }
            NameAnswer::Srv { hosts, found } => {
                self.known.name(name, hosts, found);
                Ok(None)
            }
        });
        let resolved = match answer {
            Err(error) => {
                let cause = error.to_string();
                let kept = self.known.get(name).map_or(0, |known| known.all().count());
                if self.failures.fail(now, name, cause.clone()) {
                    let again_in = seconds(again);
                    warn!(host = %name.plain(), %cause, kept, %again_in, "cannot look up a name");
                }
                return first; // others may have its room
            }
            Ok(resolved) => resolved,
        };
        if let Some(failed_for) = self.failures.end(now, name) {
            let failed_for = seconds(failed_for);
            info!(host = %name.plain(), %failed_for, "a name can be looked up again");
        }
        match resolved {
            Some(resolved) => {
                let mut changed = self.note(now, name, resolved);
                for srv in self.known.naming(name) {
                    changed |= self.note(now, &srv, self.known.of_hosts(&srv));
                }
                first | changed
            }
            None => {
                self.ask_for_all(now);
                first | self.note(now, name, self.known.of_hosts(name))
            }
        }
    }

    /// Notes what a name stands for now. Returns whether that is a change.
    fn note(&mut self, now: Instant, name: &Endpoint, resolved: Resolved) -> bool {
        let change = {
            let engine = self.shared.engine();
            self.known.note(name, resolved, |addr| engine.is_of_use(now, addr))
        };
        if change.is_none() {
            return false;
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

    /// Puts down what all of them stand for.
    fn write_down(&self) {
        let configured = self.names.iter().map(|name| (name, true));
        let others = self.failures.names().filter(|name| self.names.binary_search(name).is_err());
        let entry = |(name, configured): (&Endpoint, bool)| {
            let known = self.known.get(name);
            let addrs = known.map(|known| known.addrs.clone()).unwrap_or_default();
            let kept = known.map(|known| known.kept.clone()).unwrap_or_default();
            let fault = self.failures.get(name).map(|it| (it.since, it.cause.clone()));
            NameEntry { name: name.clone(), configured, addrs, kept, fault }
        };
        let entries = configured.chain(others.map(|name| (name, false))).map(entry);
        self.shared.name_book.write(entries.collect());
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
