//! Who is listed: TURN servers with the places where they take streams, and balance servers with lists of
//! their own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::places::{PlaceId, StreamPlaces};
use super::ranking::{StreamRanking, StreamStanding};
use super::way::{Means, kept, ways};
use crate::net::engine::client::descent::Options;
use crate::net::engine::client::descent::rank::{Lots, Spare, as_near_as};
use crate::net::engine::client::list::{ListedServer, ServerKind};
use crate::types::{Breach, Labels, Policy, Prefix, ServerUrl};

/// How many are kept of all lists: two of the longest that a balance server tells.
const MOST_SERVERS: usize = 256;

/// How many hosts are looked up: each takes a thread for as long as the resolver is silent.
const MOST_LOOK_UPS: usize = 64;

/// How many addresses of one host are tried.
const MOST_ADDRS: usize = 2;

/// One that is listed.
#[derive(Debug)]
pub(super) struct ServerEntry {
    pub(super) listed: ListedServer,
    /// Whose list it stands in.
    pub(super) list: usize,
    /// The list of its own that was asked for.
    pub(super) own_list: Option<usize>,
    /// All its URLs, in the order of the list.
    pub(super) urls: Vec<ServerUrl>,
    /// Those that take streams, the best first.
    pub(super) ways: Vec<StreamWay>,
    /// What would let it be asked, where none of its addresses may be.
    pub(super) refused: Option<Option<Prefix>>,
    /// Why the caller's policy leaves it out, and all below it.
    pub(super) breach: Option<Breach>,
    /// How much of what the caller prefers it has not.
    misses: u8,
}

/// A URL, and where it leads.
#[derive(Debug)]
pub(super) struct StreamWay {
    pub(super) url: ServerUrl,
    pub(super) means: Means,
    pub(super) places: Vec<PlaceId>,
}

/// All that are listed.
#[derive(Debug, Default)]
pub(super) struct Servers {
    /// By what one is drawn of those that are as near as one another; `None`: nobody ever is.
    lots: Option<Lots>,
    entries: Vec<ServerEntry>,
    /// The TURN servers among them, by where they are used.
    turns: BTreeSet<SocketAddr>,
    /// The hosts that are to be looked up, and whose ways wait for that: server, and way.
    waiting: BTreeMap<String, Vec<(usize, usize)>>,
    queue: VecDeque<String>,
    looked_up: BTreeMap<String, Vec<IpAddr>>,
}

impl Servers {
    /// Nobody yet.
    pub(super) fn new(lots: Option<Lots>) -> Self {
        Self { lots, ..Self::default() }
    }

    pub(super) fn entries(&self) -> &[ServerEntry] {
        &self.entries
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut ServerEntry> {
        self.entries.get_mut(index)
    }

    /// The TURN servers among them that may be used.
    pub(super) fn turns(&self) -> impl Iterator<Item = (usize, &ServerEntry)> {
        let is_turn = |entry: &ServerEntry| entry.listed.turn.is_some() && entry.breach.is_none();
        self.entries.iter().enumerate().filter(move |(_, entry)| is_turn(entry))
    }

    /// Takes in one that a list names, which came from this address. Returns its index where it is new, and
    /// of use to the caller's policy.
    pub(super) fn add(
        &mut self,
        mut listed: ListedServer,
        list: usize,
        namer: IpAddr,
        places: &mut StreamPlaces,
        options: &Options,
    ) -> Option<usize> {
        let known = match (listed.kind, listed.turn) {
            (ServerKind::Balance, _) => {
                listed.turn = None;
                let is_it = |entry: &ServerEntry| {
                    entry.listed.addr == listed.addr && entry.listed.turn.is_none()
                };
                self.entries.iter().any(is_it)
            }
            (_, Some(turn)) => !self.turns.insert(turn),
            (_, None) => true,
        };
        if known || self.entries.len() >= MOST_SERVERS {
            return None;
        }
        listed.labels = listed.labels.below(&self.labels_above(list));
        let breach = breach(&options.policy, &listed);
        let misses = options.policy.misses(&listed.labels, listed.name.as_ref());
        let index = self.entries.len();
        let urls = kept(std::mem::take(&mut listed.urls));
        let way = |url: &ServerUrl| StreamWay {
            url: url.clone(),
            means: Means::of(url),
            places: Vec::new(),
        };
        let ways: Vec<_> = ways(&urls).into_iter().map(way).collect();
        let (own_list, refused, out) = (None, None, breach.is_some());
        let entry = ServerEntry { listed, list, own_list, urls, ways, refused, breach, misses };
        self.entries.push(entry);
        if out {
            return None;
        }
        for way in 0..self.entries[index].ways.len() {
            self.find(index, way, namer, places, options);
        }
        Some(index)
    }

    /// What whoever a list is of is labelled with.
    fn labels_above(&self, list: usize) -> Labels {
        let is_it = |entry: &&ServerEntry| entry.own_list == Some(list);
        self.entries
            .iter()
            .find(is_it)
            .map_or_else(Labels::default, |above| above.listed.labels.clone())
    }

    /// Finds out where a way leads, now or once its host is looked up.
    fn find(
        &mut self,
        index: usize,
        way: usize,
        namer: IpAddr,
        places: &mut StreamPlaces,
        options: &Options,
    ) {
        let url = &self.entries[index].ways[way].url;
        if let Some(ip) = url.ip() {
            return self.lead(index, way, &[ip], namer, places, options);
        }
        let host = url.host().to_owned();
        if let Some(ips) = self.looked_up.get(&host).cloned() {
            return self.lead(index, way, &ips, namer, places, options);
        }
        let hosts = self.waiting.len() + self.looked_up.len();
        match self.waiting.get_mut(&host) {
            Some(waiting) => waiting.push((index, way)),
            None if hosts < MOST_LOOK_UPS => {
                self.queue.push_back(host.clone());
                self.waiting.insert(host, vec![(index, way)]);
            }
            None => {}
        }
    }

    /// A way leads to these addresses, as far as a list from there may name them.
    fn lead(
        &mut self,
        index: usize,
        way: usize,
        ips: &[IpAddr],
        namer: IpAddr,
        places: &mut StreamPlaces,
        options: &Options,
    ) {
        let entry = &mut self.entries[index];
        let StreamWay { url, places: known, .. } = &mut entry.ways[way];
        for ip in ips {
            let addr = SocketAddr::new(*ip, url.port());
            match options.may_lead_to(namer, addr) {
                Ok(()) if known.len() < MOST_ADDRS => {
                    let place = places.at(addr).filter(|place| !known.contains(place));
                    known.extend(place);
                }
                Ok(()) => {}
                Err(opens) => entry.refused = entry.refused.flatten().map(Some).or(Some(opens)),
            }
        }
    }

    /// The next host to look up.
    pub(super) fn poll_look_up(&mut self) -> Option<String> {
        self.queue.pop_front()
    }

    /// Whether a host is still looked up.
    pub(super) fn looks_up(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A host has these addresses. Returns the servers that it is a host of; `namer`: from where the list of a
    /// server came.
    pub(super) fn found(
        &mut self,
        host: &str,
        ips: Vec<IpAddr>,
        namer: impl Fn(usize) -> Option<IpAddr>,
        places: &mut StreamPlaces,
        options: &Options,
    ) -> Vec<usize> {
        let waiting = self.waiting.remove(host).unwrap_or_default();
        for (index, way) in &waiting {
            let list = self.entries[*index].list;
            if let Some(namer) = namer(list) {
                self.lead(*index, *way, &ips, namer, places, options);
            }
        }
        self.looked_up.insert(host.to_owned(), ips);
        let servers: BTreeSet<_> = waiting.into_iter().map(|(index, _)| index).collect();
        servers.into_iter().collect()
    }

    /// How good one is, as far as that is known.
    pub(super) fn standing(&self, index: usize, places: &StreamPlaces) -> Option<StreamStanding> {
        let entry = self.entries.get(index)?;
        let aside = entry.ways.first().is_none_or(|way| !way.means.is_turn());
        let (misses, rtt) = (entry.misses, places.least(entry.places())?);
        Some(StreamStanding { aside, misses, rtt, index })
    }

    /// Whether one that has more of what is preferred than the best may yet answer.
    pub(super) fn hopes(&self, best: StreamStanding, places: &StreamPlaces) -> bool {
        let silent = |entry: &ServerEntry| places.least(entry.places()).is_none();
        self.turns().any(|(_, entry)| entry.misses < best.misses && silent(entry))
    }

    /// All of which that is known, the best first.
    pub(super) fn ranked(&self, places: &StreamPlaces) -> Vec<StreamStanding> {
        let mut ranked: Vec<_> =
            self.turns().filter_map(|(index, _)| self.standing(index, places)).collect();
        ranked.sort_unstable();
        ranked
    }

    /// The same in the order to try, where some are known to be in vain. Of the first, those that are as near
    /// as the best are drawn, where lists tell what is free.
    pub(super) fn in_order(
        &self,
        places: &StreamPlaces,
        in_vain: impl Fn(usize) -> bool,
    ) -> StreamRanking {
        let mut order = self.ranked(places);
        order.sort_by_key(|one| in_vain(one.index));
        let drawn = self.draw(&mut order, in_vain);
        StreamRanking { order, drawn }
    }

    /// Draws among the first of some, and those that are as near. Returns how many these are.
    fn draw(&self, order: &mut [StreamStanding], in_vain: impl Fn(usize) -> bool) -> usize {
        let (Some(lots), Some(best)) = (&self.lots, order.first().copied()) else { return 0 };
        let kind = |one: &StreamStanding| (in_vain(one.index), one.aside, one.misses);
        let is_near =
            |one: &&StreamStanding| kind(one) == kind(&best) && one.rtt <= as_near_as(best.rtt);
        let near = order.iter().take_while(is_near).count();
        let of = |one: &StreamStanding| {
            let ListedServer { addr, turn, load, weight, .. } = self.entries[one.index].listed;
            (turn.unwrap_or(addr), Spare { load, weight })
        };
        if lots.draw(&mut order[..near], of) { near } else { 0 }
    }

    /// How far one may be, beside the best, that may be chosen: where nobody is drawn, only a nearer one.
    pub(super) fn reach(&self, best: Duration) -> Duration {
        let told = self.turns().any(|(_, entry)| entry.listed.load.is_some());
        if told && self.lots.is_some() { as_near_as(best) } else { best }
    }
}

/// Why the caller's policy leaves one out.
fn breach(policy: &Policy, listed: &ListedServer) -> Option<Breach> {
    planted!(HttpsPolicyUnheeded => None);
    match listed.kind {
        ServerKind::Balance => policy.breach_below(&listed.labels, listed.name.as_ref()),
        ServerKind::Leaf | ServerKind::Turn => policy.breach(&listed.labels, listed.name.as_ref()),
    }
}

impl ServerEntry {
    /// Where its ways lead.
    pub(super) fn places(&self) -> impl Iterator<Item = PlaceId> + '_ {
        self.ways.iter().flat_map(|way| way.places.iter().copied())
    }
}
