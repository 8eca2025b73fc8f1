//! The URLs of TURN servers: who is asked for them in the last round, until when they are awaited, and
//! what a stranger's URL may name.
//!
//! They are asked for beside the TURN servers and answered in the same time, so they cost no round trip.
//! They never decide who is chosen, and only those of the choice are waited for, and of the runners-up that are wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::budget::{URL_REQUEST, URL_REQUESTS};
use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::copies::SPACING;
use super::entry::Entry;
use super::last_round::FINALISTS;
use super::options::{Options, Refusal};
use super::race::Race;
use super::rank::{Score, window};
use super::role::Role;
use crate::net::engine::Transmit;
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query};
use crate::net::wire::{Extras, Node, ProbeReply, View};
use crate::types::TurnUrl;

/// How many copies of a request for URLs are sent at once: a lost datagram must not lose them.
const COPIES: u32 = URL_REQUESTS / FINALISTS as u32;

/// How many URLs of one TURN server are kept: more than any has use for, and browsers slow down from
/// five servers on.
const MOST_URLS: usize = 8;

/// How often a server may ask to come back with a cookie.
const MOST_RETRIES: u8 = 2;

/// What has become known of URLs.
#[derive(Debug, Default)]
pub(super) struct Urls {
    /// By the leaf, or the TURN server that a list names, whose they are.
    wanted: BTreeMap<CandidateId, Wanted>,
    /// Whose are due to be asked for.
    due: BTreeSet<(Instant, CandidateId)>,
    by_request: BTreeMap<u32, CandidateId>,
}

#[derive(Debug)]
struct Wanted {
    /// Who is asked.
    to: SocketAddr,
    exchange: Exchange,
    /// The last moment at which an answer to the newest copy is awaited.
    until: Instant,
    /// How long one may take.
    patience: Duration,
    retries: u8,
    /// What the answer had, once there is one.
    urls: Option<Vec<TurnUrl>>,
}

/// What came of an answer.
#[derive(Debug)]
pub(super) enum UrlAnswer {
    /// Nobody was asked for URLs with this one.
    Unasked,
    Taken,
    /// It is a leaf's, which says something of itself beside them.
    OfLeaf(CandidateId),
}

impl Urls {
    /// Asks for the URLs of the best candidates that were not asked for. Returns whether it does.
    pub(super) fn ask(&mut self, now: Instant, best: &[Score], race: &Race) -> bool {
        if !race.options().urls {
            return false;
        }
        let before = self.wanted.len();
        let candidates = race.candidates();
        // Who checks a TURN server may be one that the policy lets nobody ask.
        let is_ruled_out = |to: SocketAddr| {
            let known = candidates.at(to).map(|id| candidates[id].refused);
            known == Some(Some(Refusal::Policy))
        };
        for score in best {
            let owner = candidates.leaf_of(score.id);
            let known = self.wanted.contains_key(&owner);
            let room = self.wanted.len() < FINALISTS || best.first() == Some(score);
            if !known && room && self.wanted.len() < 2 * FINALISTS {
                let wanted = Wanted::new(now, owner, race);
                if !is_ruled_out(wanted.to) {
                    self.wanted.insert(owner, wanted);
                    self.plan(owner, now);
                }
            }
        }
        self.wanted.len() > before
    }

    /// Asks once more for those of the one that would be chosen, if no answer has come. Returns whether
    /// it does.
    pub(super) fn ask_again(&mut self, now: Instant, chosen: CandidateId, race: &Race) -> bool {
        let owner = race.candidates().leaf_of(chosen);
        let silent = self.wanted.get(&owner).is_some_and(|wanted| wanted.urls.is_none());
        if silent {
            self.plan(owner, now);
        }
        silent
    }

    /// The last moment at which an answer about one is awaited; `None`: none is.
    pub(super) fn awaited_until(&self, one: CandidateId, race: &Race) -> Option<Instant> {
        let wanted = self.wanted.get(&race.candidates().leaf_of(one))?;
        wanted.urls.is_none().then_some(wanted.until)
    }

    /// When the next request is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The next request to send.
    pub(super) fn poll_transmit(&mut self, now: Instant, race: &mut Race) -> Option<Transmit> {
        loop {
            let &(at, owner) = self.due.first().filter(|(at, _)| *at <= now)?;
            self.due.remove(&(at, owner));
            let Some(wanted) = self.wanted.get_mut(&owner) else { continue };
            let token = race.post().token();
            let extras = Extras { urls: true, ..Extras::default() };
            let query =
                Query::Probe { view: View::Flat, names: false, extras, size: URL_REQUEST as u16 };
            let payload = wanted.exchange.encode(token, query);
            if wanted.urls.is_none() && race.pay_beside(wanted.to, payload.len()) {
                wanted.exchange.sent(now, token, query, ());
                self.by_request.insert(token.id, owner);
                return Some(Transmit { to: wanted.to, payload });
            }
        }
    }

    /// Takes an answer, if it is to one of the requests.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        from: SocketAddr,
        proof: Proof,
        reply: &ProbeReply,
        race: &mut Race,
    ) -> UrlAnswer {
        let Some(&owner) = self.by_request.get(&proof.id()) else { return UrlAnswer::Unasked };
        let returns_nonces = self.returns_nonces(from, race.candidates());
        let Some(wanted) = self.wanted.get_mut(&owner).filter(|wanted| wanted.is_asked(from))
        else {
            return UrlAnswer::Unasked;
        };
        if returns_nonces {
            wanted.exchange.expect_nonces();
        }
        match wanted.exchange.judge(proof) {
            Judged::Unasked => return UrlAnswer::Unasked,
            Judged::Repeated => race.post().note(|cost| &mut cost.repeated),
            Judged::Right { .. } => {
                wanted.exchange.accept(proof);
                race.note_answer_of(now, from, proof);
                if !reply.retry {
                    let entry = &race.candidates()[owner];
                    let judged = || judged(&reply.urls, entry.root, race.options());
                    wanted.urls.get_or_insert_with(judged);
                    if entry.role == Role::Leaf {
                        return UrlAnswer::OfLeaf(owner);
                    }
                } else if wanted.retries < MOST_RETRIES {
                    wanted.retries += 1;
                    wanted.exchange.set_cookie(reply.cookie.clone());
                    self.due.insert((now, owner));
                    wanted.until = now + wanted.patience;
                }
            }
        }
        UrlAnswer::Taken
    }

    /// The URLs that were told of the TURN server of a candidate.
    pub(super) fn of(&self, id: CandidateId, candidates: &Candidates) -> &[TurnUrl] {
        let wanted = self.wanted.get(&candidates.leaf_of(id));
        wanted.and_then(|wanted| wanted.urls.as_deref()).unwrap_or_default()
    }

    /// Whether a server has returned a nonce, whatever it was asked: nothing is believed without one then.
    fn returns_nonces(&self, server: SocketAddr, candidates: &Candidates) -> bool {
        planted!(UrlNonceForgotten => false);
        let known = candidates.at(server).map(|id| &candidates[id].exchange);
        let asked = self.wanted.values().filter(|wanted| wanted.to == server);
        known.into_iter().chain(asked.map(|wanted| &wanted.exchange)).any(Exchange::returns_nonces)
    }

    fn plan(&mut self, owner: CandidateId, now: Instant) {
        let Some(wanted) = self.wanted.get_mut(&owner) else { return };
        for copy in 0..COPIES {
            let at = now + SPACING * copy;
            self.due.insert((at, owner));
            wanted.until = at + wanted.patience;
        }
    }
}

impl Wanted {
    fn new(now: Instant, owner: CandidateId, race: &Race) -> Self {
        let (candidates, entry) = (race.candidates(), &race.candidates()[owner]);
        let lister = entry.via.map(|via| &candidates[via]);
        let (to, exchange) = match (entry.role, lister) {
            (Role::Turn, Some(lister)) => {
                let checker = checker(lister, entry, race.options());
                (checker.unwrap_or(sent_to(lister)), Exchange::about(Owner::Client, entry.addr))
            }
            _ => (sent_to(entry), Exchange::new(Owner::Client)),
        };
        // A checker's own time is not known: it is near the TURN server as a rule.
        let rtt = [Some(entry), lister].into_iter().flatten().filter_map(|entry| entry.rtt).max();
        let patience = window(rtt.unwrap_or_default());
        Self { to, exchange, until: now, patience, retries: 0, urls: None }
    }

    /// Whether it is this one who is asked.
    fn is_asked(&self, from: SocketAddr) -> bool {
        planted!(UrlsOfAnybody => true);
        self.to == from
    }
}

/// Where a candidate is sent to.
fn sent_to(entry: &Entry) -> SocketAddr {
    entry.way.unwrap_or(entry.addr)
}

/// The server that checks a TURN server that is passed on, where the list says so and may name it.
fn checker(lister: &Entry, turn: &Entry, options: &Options) -> Option<SocketAddr> {
    let is_it = |node: &&Node| node.addr == turn.addr;
    let checker = lister.list.iter().find(is_it).and_then(|node| node.checker)?;
    options.judge_server(lister.root, checker).is_ok().then_some(checker)
}

/// What is kept of a stranger's URLs: those of TURN servers, each once, that name no address which a list
/// below this root must not. Names of hosts are for whoever looks them up.
fn judged(texts: &[String], root: IpAddr, options: &Options) -> Vec<TurnUrl> {
    let mut urls: Vec<TurnUrl> = Vec::new();
    for url in texts.iter().filter_map(|text| text.parse::<TurnUrl>().ok()) {
        let may = url.is_turn() && may_name(&url, root, options);
        if may && !urls.contains(&url) && urls.len() < most_urls() {
            urls.push(url);
        }
    }
    urls
}

fn most_urls() -> usize {
    planted!(UrlsKeptWithoutEnd => usize::MAX);
    MOST_URLS
}

fn may_name(url: &TurnUrl, root: IpAddr, options: &Options) -> bool {
    planted!(UrlsUnjudged => true);
    let ip = url.ip().or(is_this_host(url.host()).then_some(Ipv4Addr::LOCALHOST.into()));
    ip.is_none_or(|ip| options.judge(root, SocketAddr::new(ip, url.port())).is_ok())
}

/// Whether a name is this host, whoever is asked for it: RFC 6761, section 6.3, and what the hosts files of
/// systems have.
fn is_this_host(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let of_files = ["localhost4", "localhost6", "ip6-localhost", "ip6-loopback"];
    let first = name.split('.').next().unwrap_or_default();
    name == "localhost"
        || name.ends_with(".localhost")
        || of_files.contains(&first)
        || first == "localhost" && name.contains(".localdomain")
}
