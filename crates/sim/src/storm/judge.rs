//! Sees every datagram, and says what must not have been. One file for each of those it judges:
//! `watched` for servers, with what they may hold to be true (`belief`) and how much they may answer
//! (`budgets`), `traveller` for clients.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use turn_balance::internals::engine::client::descent::{Descent, Options};
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::engine::server::members::Members;
use turn_balance::internals::wire::{Request, RequestBody, Response, ResponseBody, SEQ_END};

use super::belief::{Belief, Heartbeat};
use super::rules::{Rule, Violation};
use super::traveller::Traveller;
use super::watched::Watched;
use crate::{Datagram, Note, Site, own_addr};

pub(crate) struct Judge {
    start: Instant,
    now: Instant,
    private: bool,
    servers: BTreeMap<SocketAddr, Watched>,
    /// Servers behind a NAT, by what is seen of them outside.
    inside: BTreeMap<SocketAddr, SocketAddr>,
    clients: BTreeMap<SocketAddr, Traveller>,
    /// The datagram that arrived last, and how many answers it has drawn.
    last: Option<(Datagram, u32)>,
    /// What that one may do, if it is a heartbeat.
    heartbeat: Heartbeat,
    /// The TURN servers that there are, where nobody lies.
    pub(crate) honest: Option<BTreeSet<SocketAddr>>,
    pub(crate) violations: Vec<Violation>,
}

/// As many nodes as ever fit an answer.
const LONGEST: usize = 120;

impl Judge {
    pub(crate) fn new(start: Instant, private: bool) -> Self {
        Self {
            start,
            now: start,
            private,
            servers: BTreeMap::new(),
            inside: BTreeMap::new(),
            clients: BTreeMap::new(),
            last: None,
            heartbeat: Heartbeat::default(),
            honest: None,
            violations: Vec::new(),
        }
    }

    pub(crate) fn blame(&mut self, rule: Rule, who: Option<SocketAddr>, what: String) {
        self.violations.push(Violation { rule, at: self.now - self.start, who, what });
    }

    /// A server starts, seen from outside at these addresses too.
    pub(crate) fn starts(
        &mut self,
        now: Instant,
        addr: SocketAddr,
        site: Site,
        most_nodes: usize,
        outside: &[SocketAddr],
        lan: [(IpAddr, u8); 2],
    ) {
        self.inside.extend(outside.iter().map(|outside| (*outside, addr)));
        self.servers.insert(addr, Watched::new(now, site, most_nodes, lan));
    }

    pub(crate) fn stops(&mut self, addr: SocketAddr) {
        self.servers.remove(&addr);
    }

    /// A server asks not to be chosen any more, or takes that back.
    pub(crate) fn drains(&mut self, now: Instant, addr: SocketAddr, draining: bool) {
        if let Some(server) = self.servers.get_mut(&addr) {
            server.drains = draining.then_some(now);
        }
    }

    pub(crate) fn belief(&mut self, addr: SocketAddr) -> Option<&mut Belief> {
        self.servers.get_mut(&addr).map(|server| &mut server.belief)
    }

    pub(crate) fn start_descent(
        &mut self,
        now: Instant,
        from: SocketAddr,
        options: Options,
        roots: &[SocketAddr],
    ) {
        self.clients.insert(from, Traveller::new(now, from.ip(), options, roots.to_vec()));
    }

    /// A descent has ended.
    pub(crate) fn comes_back(&mut self, now: Instant, from: SocketAddr, descent: &Descent) {
        self.now = now;
        let Some(client) = self.clients.remove(&from) else { return };
        let wrong = client.ends(now, descent, self.private, self.honest.as_ref());
        if let Some((rule, what)) = wrong {
            self.blame(rule, Some(from), what);
        }
    }

    /// Who is on the way down, and when each must have ended.
    pub(crate) fn travellers(&self) -> Vec<(SocketAddr, Instant)> {
        self.clients.iter().map(|(from, client)| (*from, client.deadline())).collect()
    }

    /// Something has happened.
    pub(crate) fn sees(&mut self, now: Instant, note: &Note) {
        self.now = now;
        match note {
            Note::Arrived(datagram) => self.arrives(datagram),
            Note::PeerMessage { taken, changed } => self.peer_messages(*taken, *changed),
            Note::Dropped(reason) => self.dropped(*reason),
            Note::Sent(datagram, true) => self.answers(datagram),
            Note::Sent(datagram, false) => self.sends(datagram),
        }
    }

    /// Compares what a server holds with what it may.
    pub(crate) fn inspect(&mut self, addr: SocketAddr, members: &Members) {
        let now = self.now;
        let Some(server) = self.servers.get_mut(&addr) else { return };
        server.belief.knows(members.states().into_iter().map(|state| state.addr));
        let unfounded = members.online(now).find(|online| {
            !server.belief.may_list(now, online.addr, Some(online.until))
                || online.turn.is_some() && online.turn != server.belief.turn_of(online.addr)
        });
        let unfounded = unfounded.map(|online| format!("{} is online", online.addr));
        let long = members.online(now).map(|online| online.list.len()).max();
        let long = long.filter(|len| *len > LONGEST);
        let (nodes, remembered) = (members.len() + members.unproven(), members.remembered());
        // Of those that are listed each is remembered, of others as many as may join.
        let listed = server.belief.ever_listed();
        let full = nodes > server.most_nodes || remembered > server.most_nodes + listed;
        if let Some(what) = unfounded {
            self.blame(Rule::Listing, Some(addr), what);
        }
        if let Some(long) = long {
            let what = format!("it keeps a list of {long}");
            self.blame(Rule::Memory, Some(addr), what);
        }
        if full {
            let what = format!("{nodes} nodes, {remembered} remembered");
            self.blame(Rule::Memory, Some(addr), what);
        }
    }

    fn server(&mut self, addr: SocketAddr) -> Option<(SocketAddr, &mut Watched)> {
        let inside = self.inside.get(&addr).copied().unwrap_or(addr);
        let at = own_addr(inside);
        self.servers.get_mut(&at).map(|server| (inside, server))
    }

    fn arrives(&mut self, datagram: &Datagram) {
        let now = self.now;
        self.last = Some((datagram.clone(), 0));
        self.heartbeat = Heartbeat::default();
        let Datagram { from, to, payload, origin } = datagram;
        if let Some(client) = self.clients.get_mut(to) {
            return client.hears(*from, payload, origin.forged);
        }
        let Some((inside, server)) = self.server(*to) else { return };
        match inside.port() {
            3002 => server.belief.hears(now, *from, payload),
            3003 => server.belief.hears_turn(now, *from, payload),
            _ => {
                server.hears(now, *from, payload);
                if server.bearers.starve() {
                    let what = "who brings a cookie for the first time is not answered".into();
                    self.blame(Rule::Starved, Some(*to), what);
                    return;
                }
                self.heartbeat = server.belief.heartbeat(now, *from, payload);
            }
        }
    }

    /// A heartbeat was judged, or the answer to one.
    fn peer_messages(&mut self, taken: bool, changed: bool) {
        let now = self.now;
        let Some((datagram, _)) = self.last.clone() else { return };
        if let Ok(Response { body: ResponseBody::Pong(_), .. }) =
            Response::decode(&datagram.payload)
            && taken
            && let Some((_, server)) = self.server(datagram.to)
            && !server.belief.site().superiors.contains(&datagram.from)
        {
            let what = format!("{} is no superior of {}", datagram.from, datagram.to);
            self.blame(Rule::Numbers, Some(datagram.to), what);
        }
        let Ok(Request { body: RequestBody::Ping(ping), .. }) = Request::decode(&datagram.payload)
        else {
            return;
        };
        let Heartbeat { key, may_change, .. } = self.heartbeat;
        if let Some((_, server)) = self.server(datagram.to)
            && taken
            && may_change
            && key.is_some()
        {
            server.belief.takes(now, datagram.from, &ping, datagram.payload.len(), key);
        }
        if changed && !may_change {
            let what = format!("from {}, {:?}: {ping:?}", datagram.from, datagram.origin);
            self.blame(Rule::Heartbeat, Some(datagram.to), what);
        }
    }

    /// Nothing came of the last datagram.
    fn dropped(&mut self, reason: DropReason) {
        let Some((Datagram { from, to, .. }, _)) = self.last.clone() else { return };
        let Some((_, server)) = self.server(to) else { return };
        if reason == DropReason::Limited && server.must_hear(from) {
            let what = format!("a signed message from {from} is dropped");
            self.blame(Rule::Starved, Some(to), what);
        }
    }

    fn sends(&mut self, datagram: &Datagram) {
        let (now, private) = (self.now, self.private);
        let Datagram { from, to, payload, origin } = datagram;
        if origin.forged {
            return;
        }
        if let Some(client) = self.clients.get_mut(from) {
            let wrong = client.sends(*to, payload, private);
            if let Some((rule, what)) = wrong {
                self.blame(rule, Some(*from), what);
            }
            return;
        }
        let Some((inside, server)) = self.server(*from) else { return };
        match inside.port() {
            3002 => {
                if server.is_barred(*to, true) {
                    self.blame(Rule::Scope, Some(*from), format!("it checks {to}"));
                } else if let Some((rule, what)) = server.belief.checks(now, *to, payload) {
                    self.blame(rule, Some(*from), what);
                }
            }
            3003 => server.belief.asks_turn(now, *to, payload),
            _ if Request::decode(payload).is_err() => self.pongs(datagram),
            _ => self.numbers(datagram),
        }
    }

    /// A server sends a heartbeat: superiors that do not lie tell it no high number, and so it has
    /// none for them.
    fn numbers(&mut self, heartbeat: &Datagram) {
        let Ok(Request { body: RequestBody::Ping(ping), .. }) = Request::decode(&heartbeat.payload)
        else {
            return;
        };
        if ping.seq >= SEQ_END >> 1 && self.server(heartbeat.to).is_some() {
            let what = format!("number {:x} for {}", ping.seq, heartbeat.to);
            self.blame(Rule::Numbers, Some(heartbeat.from), what);
        }
    }

    fn pongs(&mut self, pong: &Datagram) {
        let now = self.now;
        let response = Response::decode(&pong.payload).map(|response| response.body);
        let is_notice = matches!(response, Ok(ResponseBody::Notice(_)));
        let Heartbeat { may_draw, may_be_noticed, .. } = self.heartbeat;
        let may = if is_notice { may_be_noticed } else { may_draw };
        let asked = self.last.as_ref().filter(|(asked, _)| asked.from == pong.to);
        let heartbeat = asked.map(|(asked, drawn)| (asked.payload.len(), *drawn));
        if let Some((_, drawn)) = &mut self.last {
            *drawn += 1;
        }
        let Some((_, server)) = self.server(pong.from) else { return };
        if !is_notice {
            server.belief.pongs(now, pong.to, &pong.payload);
        }
        let within = server.may_pong(now, pong.to);
        let wrong = match heartbeat {
            None => Some((Rule::Pong, "it answers nothing".into())),
            Some((_, drawn)) if drawn > 0 => Some((Rule::OneAnswer, format!("{}", drawn + 1))),
            Some(_) if !may => {
                Some((Rule::Pong, format!("the heartbeat is not to be answered: {response:?}")))
            }
            Some((len, _)) if pong.payload.len() > len => {
                Some((Rule::Pong, format!("{len} bytes draw {}", pong.payload.len())))
            }
            Some(_) if !within => Some((Rule::Budget, format!("a Pong to {}", pong.to))),
            Some(_) => None,
        };
        if let Some((rule, what)) = wrong {
            self.blame(rule, Some(pong.from), what);
        }
    }

    fn answers(&mut self, answer: &Datagram) {
        let Some((request, drawn)) = &mut self.last else { return };
        *drawn += 1;
        let (request, drawn) = (request.clone(), *drawn);
        let (now, private) = (self.now, self.private);
        let Some((inside, server)) = self.server(request.to) else { return };
        let mut wrongs = server.answers(now, inside, &request, answer, private);
        if drawn > 1 {
            wrongs.push((Rule::OneAnswer, format!("{drawn}")));
        }
        for (rule, what) in wrongs {
            self.blame(rule, Some(request.to), format!("to {}: {what}", request.from));
        }
    }
}
