//! Answers to checks: only a right one puts a node online.

use std::net::SocketAddr;

use turn_balance::Labels;
use turn_balance::internals::engine::server::members::CheckOutcome;
use turn_balance::internals::wire::auth::{Purpose, Tag};
use turn_balance::internals::wire::{
    Kind, Node, PADDED_REQUEST, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
    State, stun,
};

use super::super::input::Input;
use super::{Check, World, node, turn};

impl World {
    /// A datagram comes to the socket that checks are sent from.
    pub(super) fn hear(&mut self, from: SocketAddr, datagram: &[u8]) {
        let before = self.engine.count();
        let outcome = self.engine.handle_answer(self.now, from, datagram);
        if outcome != CheckOutcome::Right {
            return assert_eq!(self.engine.count(), before, "{outcome:?}");
        }
        let Ok(Response { id, body: ResponseBody::Probe(reply) }) = Response::decode(datagram)
        else {
            panic!("right, and no answer");
        };
        let sent = self.checks.iter().find(|check| {
            let (known, Probe { nonce, .. }) = probe(&check.payload);
            let proves = reply.proof().is_none_or(|proof| proof == nonce);
            check.to == from && known == id && proves
        });
        let short = !sent.map(is_whole).expect("right, and nobody has asked");
        if reply.retry {
            return assert_eq!(self.engine.count(), before);
        }
        let signed = matches!(self.trust.keys.judge(Purpose::Reply, datagram), Tag::Right(_));
        let listed = (0..self.configured as u8).any(|n| node(n) == from);
        assert!(signed || !self.trust.require && listed, "right, and nobody has signed it");
        // Neither it nor an earlier one is right again, but a whole one after a short one.
        self.checks.retain(|check| check.to != from || short && is_whole(check));
        self.right.insert(from, self.now);
    }

    /// Answers a check, rightly or nearly so.
    pub(super) fn answer_check(&mut self, input: &mut Input<'_>) {
        let at = input.below(self.checks.len());
        let Some(Check { to, payload }) = self.checks.get(at).cloned() else { return };
        let (id, Probe { nonce, .. }) = probe(&payload);
        let fault = input.byte();
        let mut reply = any_reply(input);
        reply.nonce = if fault % 16 == 1 { nonce ^ 1 } else { nonce };
        if fault % 16 == 2 {
            (reply.retry, reply.cookie) = (true, input.bytes().to_vec());
        }
        if fault % 16 == 3 {
            reply = ProbeReply { turn: reply.turn, hosts: reply.hosts, ..ProbeReply::default() };
        }
        let id = if fault % 16 == 4 { id ^ 1 } else { id };
        let mut answer = Response { id, body: ResponseBody::Probe(reply) }.encode();
        if fault % 16 == 5 {
            answer.extend_from_slice(input.bytes());
        }
        if let Tag::Right(key) = self.trust.keys.judge(Purpose::Probe, &payload)
            && fault % 16 != 6
        {
            key.sign(Purpose::Reply, &mut answer, 0);
        }
        let from = if fault % 16 == 7 { node(input.byte() % 6) } else { to };
        self.hear(from, &answer);
        if fault % 16 == 8 {
            self.hear(from, &answer);
        }
    }

    /// Answers all checks alike and rightly.
    pub(super) fn answer_all(&mut self, input: &mut Input<'_>) {
        let reply = any_reply(input);
        for Check { to, payload } in self.checks.clone() {
            let (id, Probe { nonce, .. }) = probe(&payload);
            let body = ResponseBody::Probe(ProbeReply { nonce, ..reply.clone() });
            let mut answer = Response { id, body }.encode();
            if let Tag::Right(key) = self.trust.keys.judge(Purpose::Probe, &payload) {
                key.sign(Purpose::Reply, &mut answer, 0);
            }
            self.hear(to, &answer);
        }
    }

    /// Something comes to the socket that TURN servers are asked from.
    pub(super) fn bind(&mut self, input: &mut Input<'_>) {
        let fault = input.byte() % 4;
        let asked: Vec<_> = self.bindings.keys().copied().collect();
        let asked = input.pick(&asked).unwrap_or(turn());
        let mut answer =
            self.bindings.get(&asked).cloned().unwrap_or_else(|| input.bytes().to_vec());
        if let Some(head) = answer.get_mut(..2) {
            head.copy_from_slice(&[1, u8::from(fault != 1)]);
        }
        if fault == 2 {
            answer = input.bytes().to_vec();
        }
        let from = if fault == 3 { node(input.byte()) } else { asked };
        if self.engine.handle_binding(self.now, from, &answer) {
            let request = self.bindings.remove(&from).expect("nobody has asked");
            assert!(stun::binding_response(&answer).is_some());
            assert_eq!(request[8..20], answer[8..20]);
            self.bound.insert(from, self.now);
        }
    }
}

/// Whether it is not one of who only advertises an address.
fn is_whole(check: &Check) -> bool {
    check.payload.len() >= PADDED_REQUEST
}

fn probe(payload: &[u8]) -> (u32, Probe<'_>) {
    match Request::decode(payload) {
        Ok(Request { id, body: RequestBody::Probe(probe) }) if probe.nonce != 0 => (id, probe),
        other => panic!("no check: {other:?}"),
    }
}

/// What a node may say.
fn any_reply(input: &mut Input<'_>) -> ProbeReply {
    let states = [State::Offering, State::Offering, State::Offering, State::Nothing, State::Full];
    let state = input.pick(&states).unwrap_or_default();
    let turn = input.one_in(2).then(|| input.addr(3478));
    let hosts = (0..input.below(3)).map(|_| input.addr(3001)).collect();
    let kinds = [Kind::Balance, Kind::Leaf, Kind::Turn];
    let count = if input.one_in(8) { input.byte() } else { input.byte() % 4 };
    let nodes = (0..count).map(|_| {
        let (addr, kind) = (input.addr(3001), input.pick(&kinds).unwrap_or_default());
        let turn = (kind == Kind::Leaf).then(|| input.addr(3478));
        let hops = input.byte().into();
        Node { turn, hops, labels: labels(hops), ..Node::new(addr, kind) }
    });
    let nodes: Vec<_> = nodes.collect();
    // Mostly the whole list: no other is passed on.
    let total = if input.one_in(4) { input.byte().into() } else { 0 };
    let version = input.byte().into();
    let labels = labels(total);
    ProbeReply { state, turn, hosts, nodes, total, version, labels, ..ProbeReply::default() }
}

/// None, or some that say otherwise of what the server says of all below it.
fn labels(n: u32) -> Labels {
    let text = if n.is_multiple_of(2) { String::new() } else { format!("n={n},net=other") };
    text.parse().unwrap_or_default()
}
