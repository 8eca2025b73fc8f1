//! A server, and how it answers: whom, how much, with what.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use turn_balance::internals::wire::auth::{Purpose, Tag};
use turn_balance::internals::wire::{
    Kind, MAX_ANSWER, MAX_REQUEST, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
    State, stun,
};
use turn_balance::{Load, Rates};

use super::bearers::Bearers;
use super::belief::Belief;
use super::budgets::{Bytes, Meter, Pace};
use super::rules::{LOOPS, Rule, is_beside, is_forbidden};
use crate::{Datagram, Site};

/// A server of ours since its last start.
pub(crate) struct Watched {
    pub(crate) since: Instant,
    pub(crate) belief: Belief,
    /// Since when it asks not to be chosen.
    pub(crate) drains: Option<Instant>,
    pub(crate) most_nodes: usize,
    /// A host of each network that nobody elsewhere may name, and its prefix.
    lan: [(IpAddr, u8); 2],
    pub(crate) answers: Meter,
    pub(crate) bearers: Bearers,
    /// Those to heartbeats.
    pongs: BTreeMap<SocketAddr, Meter>,
    /// When rightly signed messages came, of each who sends them.
    signed: BTreeMap<SocketAddr, VecDeque<Instant>>,
    /// Whether what came last was.
    last_is_signed: bool,
    bytes: Bytes,
    /// Bare answers, to each address and port.
    bare_answers: BTreeMap<SocketAddr, Pace>,
    /// The bare request that was answered last, if no other has come since.
    bare: Option<(SocketAddr, u32, Instant)>,
    /// How often each address got an answer that may come beside its budget.
    small: BTreeMap<IpAddr, u32>,
}

const SECOND: Duration = Duration::from_secs(1);

/// The keys of a server, at most.
const KEYS: u32 = 3;

/// More small answers beside the budget than one in four of any flood here is.
const SMALL: u64 = 40;

impl Watched {
    pub(crate) fn new(
        since: Instant,
        site: Site,
        most_nodes: usize,
        lan: [(IpAddr, u8); 2],
    ) -> Self {
        Self {
            since,
            belief: Belief::new(site),
            drains: None,
            most_nodes,
            lan,
            answers: Meter::default(),
            bearers: Bearers::default(),
            pongs: BTreeMap::new(),
            signed: BTreeMap::new(),
            last_is_signed: false,
            bytes: Bytes::default(),
            bare_answers: BTreeMap::new(),
            bare: None,
            small: BTreeMap::new(),
        }
    }

    /// Something came: another bare request makes it forget the one before.
    pub(crate) fn hears(&mut self, now: Instant, from: SocketAddr, payload: &[u8]) {
        match Request::decode(payload) {
            Ok(Request { id, body: RequestBody::Probe(Probe { nonce: 0, .. }) }) => {
                self.bare = self.bare.filter(|(who, last, _)| (*who, *last) == (from, id));
            }
            Ok(Request { body: RequestBody::Probe(probe), .. }) => {
                let can_be_answered = payload.len() <= MAX_REQUEST
                    && !self.belief.nonces.contains(&probe.nonce)
                    && !is_loop(from.port());
                self.bearers.asks(now, from, probe.cookie, can_be_answered);
            }
            _ => {}
        }
        let keys = &self.belief.site().trust.keys;
        let right = |purpose| matches!(keys.judge(purpose, payload), Tag::Right(_));
        self.last_is_signed = right(Purpose::Ping) || right(Purpose::Pong);
        if self.last_is_signed {
            let signed = self.signed.entry(from).or_default();
            signed.push_back(now);
            signed.retain(|at| now - *at < 2 * SECOND);
        }
    }

    /// Whether the last message from there was rightly signed, and only few such came lately: twenty
    /// a second are heard, and forty at once.
    pub(crate) fn must_hear(&self, from: SocketAddr) -> bool {
        self.last_is_signed && self.signed.get(&from).is_some_and(|all| all.len() <= 30)
    }

    /// It answers. Returns what is wrong with that.
    pub(crate) fn answers(
        &mut self,
        now: Instant,
        inside: SocketAddr,
        request: &Datagram,
        answer: &Datagram,
        private: bool,
    ) -> Vec<(Rule, String)> {
        let mut wrongs = Vec::new();
        let mut wrong = |rule, what: String| wrongs.push((rule, what));
        let from = request.from;
        let len = answer.payload.len();
        if is_loop(from.port()) || from == inside {
            wrong(Rule::NeverAnswered, "a source that is never answered".into());
        }
        if answer.to != from || answer.from != request.to {
            wrong(Rule::NeverAnswered, format!("from {} to {}", answer.from, answer.to));
        }
        if request.payload.len() > MAX_REQUEST {
            wrong(Rule::NeverAnswered, format!("{} bytes", request.payload.len()));
        }
        if len > MAX_ANSWER {
            wrong(Rule::Size, format!("{len} bytes"));
        }
        if stun::is_stun(&request.payload) {
            wrongs.extend(binding(request, answer));
            return wrongs;
        }
        let decoded = Request::decode(&request.payload);
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = decoded else {
            wrong(Rule::NeverAnswered, format!("no probe: {decoded:?}"));
            return wrongs;
        };
        let Ok(Response { body: ResponseBody::Probe(reply), .. }) =
            Response::decode(&answer.payload)
        else {
            wrong(Rule::NeverAnswered, "with no reply".into());
            return wrongs;
        };
        if self.belief.nonces.contains(&probe.nonce) {
            wrong(Rule::NeverAnswered, "a check of its own".into());
        }
        if probe.nonce == 0 {
            if self.belief.is_peer(from) {
                wrong(Rule::NeverAnswered, "a bare probe of a peer".into());
            }
            // What it offers is encoded a few times a second.
            if self.drains.is_some_and(|since| now - since > SECOND / 5) {
                wrong(Rule::Draining, "it drains, which nobody reads in a bare answer".into());
            }
            if reply.hosts.is_empty() && reply.turn.is_none() {
                wrong(Rule::Empty, format!("{len} bytes"));
            }
            let again = self.bare.is_some_and(|(who, last, at)| {
                (who, last) == (from, id) && now - at < Duration::from_millis(999)
            });
            if again {
                wrong(Rule::Chain, format!("bare id {id} again"));
            }
            self.bare = Some((from, id, now));
            let pace = self.bare_answers.entry(from).or_default();
            if !pace.give(now - self.since, 10 * SECOND, 8) {
                wrong(Rule::Chain, format!("{from} has had its bare answers"));
            }
        } else if reply.load.is_some_and(Load::is_full) && reply.state == State::Offering {
            wrong(Rule::Full, format!("{:?}, and offered", reply.load));
        } else if answer.origin.answers > 2 {
            wrong(Rule::Chain, format!("{} answers to one another", answer.origin.answers));
        }
        wrongs.extend(self.weighs(now, request, answer, &probe, &reply));
        wrongs.extend(self.lists(now, &reply, private));
        self.bearers.is_answered(now, from, probe.cookie, &reply);
        wrongs
    }

    /// Judges how much it answers.
    fn weighs(
        &mut self,
        now: Instant,
        request: &Datagram,
        answer: &Datagram,
        probe: &Probe<'_>,
        reply: &ProbeReply,
    ) -> Option<(Rule, String)> {
        let (ip, uptime) = (request.from.ip(), now - self.since);
        let settings = self.belief.site().limits.clone().unwrap_or_default();
        if settings.exempt.iter().any(|prefix| prefix.contains(ip)) {
            return None;
        }
        let headers = if ip.is_ipv4() { 28 } else { 48 };
        let (asked, given) = (request.payload.len(), answer.payload.len());
        let known = self.bearers.knows(now, request.from, probe.cookie);
        let bare = probe.nonce == 0;
        if headers + given > 3 * (headers + asked) && !known {
            let paid = bare && self.bytes.give(uptime, given, settings.bare_bytes);
            if !paid {
                return Some((Rule::Amplification, format!("{asked} bytes draw {given}")));
            }
        }
        let within = match (reply.retry, known) {
            (true, _) => {
                let what = format!("{asked} bytes draw a retry of {given}");
                return (given > asked).then_some((Rule::Amplification, what));
            }
            (false, true) => {
                self.bearers.may_have(uptime, request.from, &settings.rates)
                    || self.answers.give(uptime, ip, &settings.rates, 1)
            }
            // One in four of those over the budget gets one host.
            (false, false) if bare && reply.hosts.len() <= 1 => {
                let answered = self.small.entry(ip).or_default();
                *answered += 1;
                let rate = settings.rates.v4_32.max(settings.rates.v6_64);
                let budget = u64::from(2 * rate) + uptime.as_secs() * u64::from(rate);
                u64::from(*answered) <= budget + SMALL
            }
            (false, false) => self.answers.give(uptime, ip, &settings.rates, 1),
        };
        (!within).then(|| (Rule::Budget, format!("{ip} has had its share")))
    }

    /// Whether it may answer a heartbeat once more: each node has a budget of its own for each key.
    pub(crate) fn may_pong(&mut self, now: Instant, to: SocketAddr) -> bool {
        let site = self.belief.site();
        let rates = site.limits.clone().unwrap_or_default().rates;
        let uptime = now - self.since;
        let own = self.pongs.entry(to).or_default();
        let each = Rates::default().v4_24(0).v6_56(0).v6_48(0);
        rates.v4_32 == 0 || own.give(uptime, to.ip(), &each, KEYS)
    }

    /// Judges what it lists and names.
    fn lists(&self, now: Instant, reply: &ProbeReply, private: bool) -> Option<(Rule, String)> {
        let belief = &self.belief;
        for addr in &reply.hosts {
            if !belief.may_list(now, *addr, None) {
                return Some((Rule::Listing, format!("it lists {addr}")));
            }
        }
        for node in &reply.nodes {
            let founded = match node.hops {
                0 if node.kind == Kind::Turn => belief.may_name_turn(now, node.addr),
                0 => belief.may_list(now, node.addr, None),
                hops => hops <= 8 && belief.may_pass_on(now, node),
            };
            let named = [Some(node.addr), node.turn].into_iter().flatten();
            let forbidden =
                |addr: SocketAddr| is_forbidden(addr.ip(), private) || self.is_barred(addr, false);
            let barred = self.is_barred(node.addr, node.kind != Kind::Turn);
            if !founded || barred || named.into_iter().any(forbidden) {
                return Some((Rule::Listing, format!("it lists {node:?}")));
            }
        }
        // In another state it is named for those who find nobody else.
        let turn = reply.turn.filter(|_| reply.state == State::Offering);
        let turn = turn.filter(|turn| !belief.may_name_turn(now, *turn));
        turn.map(|turn| (Rule::Health, format!("it names {turn}")))
    }
}

impl Watched {
    /// Whether nobody elsewhere may name an address to it, as a balance server's or as a TURN server's.
    pub(crate) fn is_barred(&self, addr: SocketAddr, balance: bool) -> bool {
        let beside = |(host, bits): (IpAddr, u8)| is_beside(host, bits.into(), addr.ip());
        self.lan.into_iter().any(beside) || balance && LOOPS.contains(&addr.port())
    }
}

/// Judges a response to STUN: only to a Binding request, of its transaction, and little longer.
fn binding(request: &Datagram, answer: &Datagram) -> Option<(Rule, String)> {
    let headers = if request.from.ip().is_ipv4() { 28 } else { 48 };
    let (asked, given) = (&request.payload, &answer.payload);
    if asked[..2] != [0, 1]
        || stun::binding_response(given).is_none()
        || asked[4..20] != given[4..20]
    {
        return Some((Rule::NeverAnswered, format!("STUN {asked:02x?} draws {given:02x?}")));
    }
    let longer = 5 * (headers + given.len()) > 7 * (headers + asked.len());
    longer.then(|| (Rule::Amplification, format!("{} bytes draw {}", asked.len(), given.len())))
}

fn is_loop(port: u16) -> bool {
    port == 0 || LOOPS.contains(&port)
}
