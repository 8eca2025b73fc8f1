//! One server, asked until it has told one thing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::listed::{ListedServer, ServerList, may_name, named, urls_of};
use super::whole::WholeList;
use crate::net::engine::client::descent::Obstacle;
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::engine::{Rng, Transmit, later};
use crate::net::wire::{
    Extras, Kind, Node, PADDED_REQUEST, ProbeReply, Response, ResponseBody, View,
};
use crate::types::{OnLink, ServerUrl};

/// How long the first request is awaited before it is sent again, and after which the pause is doubled: a
/// server on the other side of the world has answered by then.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// How often a server may ask to come back with a cookie.
const MOST_RETRIES: u8 = 3;

/// How many parts of a list that does not fit into one answer are asked for.
const MOST_PARTS: u8 = 16;

/// After how many parts in a row that bring nothing new no more are asked for.
const STALE_PARTS: u8 = 2;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The server's list, and with it how the TURN server beside it is reached.
    List(View),
    /// All that it says of itself and its nodes, also of those that it does not offer.
    Whole,
    /// How a TURN server is reached; `None`: the one beside the server.
    Urls(Option<SocketAddr>),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A list.
    List(ServerList),
    /// All that it says, judged by nobody yet.
    Whole(Box<WholeList>),
    /// URLs; of what may not be named nothing.
    Urls(Vec<ServerUrl>),
    /// It did not answer in time.
    Nothing,
    /// It cannot be reached.
    Unreachable(Obstacle),
}

/// A question to one server.
#[derive(Debug)]
pub struct Inquiry {
    to: SocketAddr,
    about: About,
    on_link: OnLink,
    exchange: Exchange,
    /// When the next request is due.
    next: Instant,
    pause: Duration,
    end: Instant,
    retries: u8,
    /// What it has listed so far.
    list: Option<ServerList>,
    whole: Option<Box<WholeList>>,
    known: BTreeSet<SocketAddr>,
    parts: u8,
    stale: u8,
    told: Option<Told>,
    rng: Rng,
}

impl Inquiry {
    /// Asks a server from now on, and waits so long at most.
    pub fn new(
        to: SocketAddr,
        about: About,
        timeout: Duration,
        on_link: OnLink,
        now: Instant,
        rng: Rng,
    ) -> Self {
        let exchange = match about {
            About::Urls(Some(turn)) => Exchange::about(Owner::Client, turn),
            About::Urls(None) | About::List(_) | About::Whole => Exchange::new(Owner::Client),
        };
        Self {
            to,
            about,
            on_link,
            exchange,
            next: now,
            pause: FIRST_PAUSE,
            end: later(now, timeout),
            retries: 0,
            list: None,
            whole: None,
            known: BTreeSet::new(),
            parts: 0,
            stale: 0,
            told: None,
            rng,
        }
    }

    /// What came of it, once that is known.
    pub fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    /// A datagram came. What is no answer to a request of this question is ignored.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Ok(Response { id, body: ResponseBody::Probe(reply) }) = Response::decode(datagram)
        else {
            return;
        };
        let proof = Proof::of_reply(id, &reply);
        if from != self.to || self.told.is_some() {
            return;
        }
        let Judged::Right { sent, .. } = self.exchange.judge(proof) else { return };
        self.exchange.accept(proof);
        if reply.retry {
            if self.retries < MOST_RETRIES {
                self.retries += 1;
                self.exchange.set_cookie(reply.cookie);
                self.next = now;
            }
            return;
        }
        match self.about {
            About::Urls(_) => {
                self.told = Some(Told::Urls(urls_of(&reply.urls, self.to.ip(), &self.on_link)));
            }
            About::List(_) => self.take(now, now.saturating_duration_since(sent), reply),
            About::Whole => self.take_whole(now, now.saturating_duration_since(sent), reply),
        }
    }

    /// This host cannot send to the server.
    pub fn handle_unreachable(&mut self) {
        self.told.get_or_insert(Told::Unreachable(Obstacle::Path));
    }

    /// An ICMP error came about a datagram to this address. One that does not quote a request is about
    /// none.
    pub fn handle_icmp(&mut self, to: SocketAddr, obstacle: Obstacle, quoted: &[u8]) {
        let heard = self.list.is_some() || self.whole.is_some();
        if to == self.to && !heard && self.exchange.is_quoted(quoted) {
            self.told.get_or_insert(Told::Unreachable(obstacle));
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now >= self.end && self.told.is_none() {
            // A part of a list is better than nothing.
            let list = self.list.take().map(Told::List);
            let told = list.or_else(|| self.whole.take().map(Told::Whole));
            self.told = Some(told.unwrap_or(Told::Nothing));
        }
    }

    /// The next request to send; `now` is noted as the moment it went.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if self.told.is_some() || now < self.next {
            return None;
        }
        self.next = later(now, self.pause);
        self.pause *= 2;
        let token = Token { id: self.rng.random(), nonce: self.rng.random_range(1..=u64::MAX) };
        let (view, names) = match self.about {
            About::List(view) => (view, true),
            About::Whole => (View::Subordinates, true),
            About::Urls(_) => (View::Flat, false),
        };
        let down = self.about == About::Whole;
        let labels = !matches!(self.about, About::Urls(_));
        let extras = Extras { urls: !down, down, labels };
        let query = Query::Probe { view, names, extras, size: PADDED_REQUEST as u16 };
        self.exchange.sent(now, token, query, ());
        let payload = self.exchange.encode(token, query);
        Some(Transmit { to: self.to, payload })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and [`poll_transmit`](Self::poll_transmit)
    /// next; `None`: all is told.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.told.is_none().then_some(self.next.min(self.end))
    }

    /// When it is given up.
    pub fn end(&self) -> Instant {
        self.end
    }

    /// Takes in a list or a part of one.
    fn take(&mut self, now: Instant, rtt: Duration, reply: ProbeReply) {
        let urls = urls_of(&reply.urls, self.to.ip(), &self.on_link);
        let ProbeReply { nodes, hosts, turn, name, total, load, labels, .. } = reply;
        let known = self.known.len();
        let list = self.list.get_or_insert_with(|| ServerList {
            addr: self.to,
            name: None,
            rtt,
            servers: Vec::new(),
            total: 0,
        });
        list.name = name;
        list.rtt = list.rtt.min(rtt);
        // A server of the protocol's first implementation lists hosts, all of them balance servers.
        let hosts = hosts.into_iter().map(|host| Node::new(host, Kind::Balance));
        for node in nodes.into_iter().chain(hosts) {
            if self.known.insert(node.addr) {
                let node = Node { labels: node.labels.below(&labels), ..node };
                list.servers.extend(named(node, self.to, &self.on_link));
            }
        }
        let beside = turn.filter(|turn| may_name(self.to.ip(), *turn, &self.on_link));
        if let (true, Some(turn)) = (self.known.is_empty(), beside) {
            list.servers = vec![ListedServer { urls, load, labels, ..ListedServer::turn(turn) }];
        }
        let most = list.total.max(self.known.len()).max(list.servers.len());
        list.total = most.max(total.try_into().unwrap_or(usize::MAX));
        if self.is_last(now, known, total) {
            self.told = self.list.take().map(Told::List);
        }
    }

    /// The same, of all that is said.
    fn take_whole(&mut self, now: Instant, rtt: Duration, reply: ProbeReply) {
        let (known, total) = (self.known.len(), reply.total);
        self.whole.get_or_insert_default().take(rtt, reply, &mut self.known);
        if self.is_last(now, known, total) {
            self.told = self.whole.take().map(Told::Whole);
        }
    }

    /// Whether a part, before which so many of so many were known, is the last; if not, another is asked for.
    fn is_last(&mut self, now: Instant, known: usize, total: u32) -> bool {
        self.parts += 1;
        self.stale = if self.known.len() == known { self.stale + 1 } else { 0 };
        let whole = self.known.len() >= total.try_into().unwrap_or(usize::MAX);
        let last = whole || self.parts >= MOST_PARTS || self.stale >= STALE_PARTS;
        if !last {
            self.next = now;
            self.pause = FIRST_PAUSE;
        }
        last
    }
}
