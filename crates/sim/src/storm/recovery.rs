//! When all faults have ended: what must be well again, and how soon.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use turn_balance::internals::engine::client::descent::{Options, Strategy};

use super::Storm;
use super::plan::Who;
use super::rules::Rule;
use super::weather::Cut;
use crate::Host;

/// As long as anything that was believed is believed, and the slowest checks take.
const SETTLES: Duration = Duration::from_secs(16);

/// What a level above may know later.
const LEVEL: Duration = Duration::from_millis(4400);

/// How long one that drains may be listed by its superior, by the longest paths.
const TOLD: Duration = Duration::from_secs(1);

/// How long a dead node may be listed by its superior, and by all above; its last answer may have
/// been on its way.
const FADES: Duration = Duration::from_millis(12_070);
const GONE: Duration = Duration::from_secs(16);

impl Storm {
    /// Ends all faults, and sees whether everything is well again.
    pub(super) fn recover(&mut self) {
        self.agenda.clear();
        self.weather.borrow_mut().calm();
        self.foes.eavesdrops = 0.0;
        self.foes.insider = false;
        for n in 0..self.plan.places.len() {
            let place = self.plan.places[n].clone();
            match place.who {
                Who::Rogue => self.crash(n),
                _ if !self.runs(place.addr) => {
                    self.perform(super::acts::Act::Start(n));
                }
                Who::Ours => {
                    self.perform(super::acts::Act::Resume(place.addr));
                    self.perform(super::acts::Act::Undrain(place.addr));
                    self.world.fill(place.addr, None);
                }
                Who::Old => self.perform(super::acts::Act::Ping(n)),
            }
            for turn in place.turn_nodes.into_iter().chain(place.turn) {
                let host = self.plan.turn_host(turn, false);
                self.world.hosts.insert(turn, host);
            }
            self.observe();
        }
        let deep = self.plan.places.iter().map(|place| place.level).max().unwrap_or(0) as u32;
        self.run_for(SETTLES + LEVEL * deep);
        if self.is_over() {
            return;
        }
        if let Some((at, what)) = self.faulty_turns().first() {
            return self.judge.blame(Rule::Recovery, Some(*at), what.clone());
        }
        let lost = self.unlisted();
        if let Some((at, below)) = lost.first() {
            let what = format!("{below} is not online");
            return self.judge.blame(Rule::Recovery, Some(*at), what);
        }
        self.judge.honest = Some(self.plan.turns());
        self.descend_in_peace();
        if !self.is_over() {
            self.lesson();
        }
        if !self.is_over() {
            self.descend_in_peace();
        }
    }

    /// The nodes that their superiors do not list.
    fn unlisted(&self) -> Vec<(SocketAddr, SocketAddr)> {
        let mut lost = Vec::new();
        for (n, at) in self.ours() {
            let Some(Host::Live(server)) = self.world.hosts.get(&at) else { continue };
            let online = server.engine.members().online(self.world.now);
            let online: BTreeSet<_> = online.map(|online| online.addr).collect();
            for below in &self.plan.places[n].subordinates {
                let place = &self.plan.places[*below];
                if self.offers(*below) && !online.contains(&place.public) {
                    lost.push((at, place.public));
                }
            }
        }
        lost
    }

    /// The TURN servers that are not well for those who ask them, but for what is none.
    fn faulty_turns(&self) -> Vec<(SocketAddr, String)> {
        let mut faulty = Vec::new();
        for (n, at) in self.ours() {
            let Some(Host::Live(server)) = self.world.hosts.get(&at) else { continue };
            let impostor = self.plan.places[n].impostor;
            let nodes = server.engine.turn().faults().filter(|(id, _)| Some(id.addr) != impostor);
            faulty.extend(nodes.map(|(id, fault)| (at, format!("{} {fault}", id.addr))));
            let own = server.engine.turn().own_fault();
            faulty.extend(own.map(|fault| (at, format!("the TURN server beside it {fault}"))));
        }
        faulty
    }

    fn lists(&self, superior: SocketAddr, node: SocketAddr) -> bool {
        let Some(Host::Live(server)) = self.world.hosts.get(&superior) else { return false };
        server.engine.members().online(self.world.now).any(|online| online.addr == node)
    }

    /// Whether anybody has a list with a node in it.
    fn is_passed_on(&self, node: SocketAddr) -> bool {
        let lists = |at: SocketAddr| {
            let Some(Host::Live(server)) = self.world.hosts.get(&at) else { return false };
            let mut online = server.engine.members().online(self.world.now);
            online.any(|online| online.list.iter().any(|below| below.addr == node))
        };
        self.ours().any(|(_, at)| lists(at))
    }

    /// Whether a server is sure to be known above it, and has something to offer there.
    fn offers(&self, n: usize) -> bool {
        let place = &self.plan.places[n];
        // Who lists a server that leads nowhere does not name the TURN server beside it: one in a
        // loop, or one of the first implementation, which goes on listing what has died.
        let sober = !self.plan.has(Who::Old) && !self.plan.has_loops();
        let named = place.subordinates.is_empty() || sober;
        let turn = place.turn.is_some() && named;
        let below = || place.subordinates.iter().any(|at| self.offers(*at));
        place.who != Who::Rogue && !(self.crowded && place.joins) && (turn || below())
    }

    /// Descents that must succeed.
    fn descend_in_peace(&mut self) {
        for strategy in [Strategy::Best, Strategy::First] {
            let options = Options { strategy, ..Options::default() };
            let from = self.start_descent(options, self.plan.places[0].public);
            self.succeeded = None;
            self.observe();
            self.run_for(Duration::from_secs(10));
            let found = self.succeeded.take() == Some((from, true));
            // The plain race finds its way out of no dead end: a loop of servers, or what an old
            // server goes on listing.
            let dead_ends = self.plan.has_loops() || self.plan.has(Who::Old);
            let lost = strategy == Strategy::First && dead_ends;
            if !found && !lost && self.offers(0) && !self.is_over() {
                let what = format!("the last descent, {strategy:?}, fails");
                self.judge.blame(Rule::Recovery, Some(from), what);
            }
        }
    }

    /// One fault more, with nothing else wrong: how long it is seen.
    fn lesson(&mut self) {
        if self.plan.has(Who::Old) || self.plan.has_loops() || self.crowded {
            return;
        }
        let n = self.rng.random_range(0..self.plan.places.len());
        let place = self.plan.places[n].clone();
        if place.who == Who::Rogue {
            return;
        }
        let superior = place.superior.map(|at| self.plan.places[at].clone());
        let joins = place.subordinates.iter().any(|at| self.plan.places[*at].joins) || place.joins;
        let soon = if joins { 4 } else { 1 };
        let in_time = Duration::from_secs(soon);
        let what = match (self.rng.random_range(0..4), superior) {
            (0, _) => {
                self.crash(n);
                self.perform(super::acts::Act::Start(n));
                self.observe();
                // It finds its own nodes first, if there are any, and is found then.
                let levels = if place.subordinates.is_empty() { 1 } else { 2 };
                self.run_for(in_time * levels);
                "after a restart"
            }
            (1, Some(superior)) => {
                let cut = match self.rng.random() {
                    true => Cut(Some(place.public.ip()), Some(superior.addr.ip())),
                    false => Cut(Some(superior.addr.ip()), Some(place.public.ip())),
                };
                self.weather.borrow_mut().cut(cut);
                self.run_for(Duration::from_secs(30));
                self.weather.borrow_mut().heal(cut);
                self.run_for(Duration::from_secs(4));
                "after a partition"
            }
            (2, Some(superior)) if place.who == Who::Ours => {
                self.crash(n);
                self.run_for(FADES);
                let late = self.lists(superior.addr, place.public);
                self.run_for(GONE - FADES);
                if late || self.is_passed_on(place.public) {
                    let what = format!("{} is dead and listed", place.public);
                    self.judge.blame(Rule::Recovery, Some(superior.addr), what);
                }
                self.perform(super::acts::Act::Start(n));
                self.observe();
                self.run_for(in_time * if place.subordinates.is_empty() { 1 } else { 2 });
                "after a start"
            }
            (3, Some(superior)) if place.who == Who::Ours => {
                self.judge.drains(self.world.now, place.addr, true);
                self.world.drain(place.addr, true);
                self.observe();
                self.run_for(TOLD);
                if self.lists(superior.addr, place.public) {
                    let what = format!("{} drains and is listed", place.public);
                    self.judge.blame(Rule::Draining, Some(superior.addr), what);
                }
                self.perform(super::acts::Act::Undrain(place.addr));
                self.observe();
                self.run_for(in_time);
                "after it has drained"
            }
            _ => return,
        };
        if self.is_over() {
            return;
        }
        let about = |(at, below): &&(SocketAddr, SocketAddr)| {
            [*at, *below].contains(&place.addr) || *below == place.public
        };
        // Who was silent for long where it says that it is found is asked there ever more seldom, and
        // found where its heartbeats come from.
        let elsewhere = |at| place.nat_source.is_some_and(|source| self.lists(at, source));
        let mut lost = self.unlisted();
        lost.retain(|(at, below)| *below != place.public || !elsewhere(*at));
        if let Some((at, below)) = lost.iter().find(about) {
            let what = format!("{below} is not online {what}");
            self.judge.blame(Rule::Recovery, Some(*at), what);
        }
        self.run_for(SETTLES);
    }
}
