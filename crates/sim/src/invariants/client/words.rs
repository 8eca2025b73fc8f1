//! What a descent may hear.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::Labels;
use turn_balance::internals::wire::{
    Kind, Node, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody, State,
};

use super::super::input::Input;
use super::World;

impl World {
    /// One of all that may happen.
    pub(super) fn act(&mut self, input: &mut Input<'_>) {
        if input.is_empty() {
            return self.pass(Duration::from_millis(100));
        }
        let (act, at) = (input.byte(), usize::from(input.byte()));
        // Mostly one of the latest.
        let back = if act & 16 == 0 { at % 16 } else { at };
        let Some((to, request)) =
            self.asked.iter().rev().nth(back % self.asked.len().max(1)).cloned()
        else {
            return self.pass(Duration::from_millis(1));
        };
        match act % 16 {
            0 | 1 => self.pass(Duration::from_millis(input.byte().into())),
            2 => {
                let wait =
                    self.descent.poll_timeout().map(|at| at.saturating_duration_since(self.now));
                self.pass(wait.unwrap_or_default());
            }
            3 => {
                let from = if input.one_in(4) { input.addr(3001) } else { to };
                self.hear(from, input.bytes());
            }
            4 => self.icmp(input, to, &request),
            5 => self.descent.handle_unreachable(self.now, to),
            _ => self.answer(input, to, &request),
        }
    }

    fn icmp(&mut self, input: &mut Input<'_>, to: SocketAddr, request: &[u8]) {
        let mut quoted = request[..request.len().min(4 + input.below(40))].to_vec();
        if input.one_in(2) {
            let at = input.below(quoted.len());
            quoted[at] ^= input.byte();
        }
        let to = if input.one_in(8) { input.addr(3001) } else { to };
        self.refuse(to, &quoted);
    }

    /// An answer to that request, right or nearly so.
    fn answer(&mut self, input: &mut Input<'_>, to: SocketAddr, request: &[u8]) {
        let (fault, late) = (input.byte(), input.byte());
        self.pass(Duration::from_micros(u64::from(late) * 100));
        let from = if fault % 16 == 1 { input.addr(to.port()) } else { to };
        let Ok(Request { id, body: RequestBody::Probe(Probe { nonce, .. }) }) =
            Request::decode(request)
        else {
            // STUN: the TURN server answers.
            let mut answer = request.to_vec();
            answer[..2].copy_from_slice(&[1, u8::from(fault % 16 != 2)]);
            answer[8] ^= u8::from(fault % 16 == 3);
            return self.hear(from, &answer);
        };
        let mut reply = reply(input, to);
        reply.nonce = if fault % 16 == 2 { nonce ^ 1 } else { nonce };
        let id = if fault % 16 == 3 { id ^ 1 } else { id };
        if fault % 16 == 4 {
            (reply.retry, reply.cookie) = (true, input.bytes().to_vec());
        }
        if fault % 16 == 5 {
            let hosts = reply.nodes.iter().map(|node| node.addr).collect();
            reply = ProbeReply { hosts, turn: reply.turn, ..ProbeReply::default() };
        }
        let mut answer = Response { id, body: ResponseBody::Probe(reply) }.encode();
        if fault % 16 == 6 {
            answer.extend_from_slice(input.bytes());
        }
        for _ in 0..1 + u8::from(fault % 16 == 7) {
            self.hear(from, &answer);
        }
    }
}

fn reply(input: &mut Input<'_>, to: SocketAddr) -> ProbeReply {
    let states =
        [State::Offering, State::Offering, State::Offering, State::Nothing, State::TurnDown];
    let (state, count) = (input.pick(&states).unwrap_or_default(), input.byte() % 80);
    let kinds = [Kind::Balance, Kind::Leaf, Kind::Turn];
    let labelled = input.one_in(2);
    let nodes = (0..count).map(|_| {
        let (addr, kind) = (input.addr(3001), input.pick(&kinds).unwrap_or_default());
        let turn = (kind == Kind::Leaf).then(|| match input.one_in(4) {
            true => input.addr(3478),
            false => SocketAddr::new(addr.ip(), 3478),
        });
        let rtt =
            input.one_in(2).then(|| Node::rtt_on_wire(Duration::from_millis(input.byte().into())));
        let labels = if labelled { labels(input.byte()) } else { Labels::default() };
        Node { turn, rtt, labels, ..Node::new(addr, kind) }
    });
    let nodes: Vec<_> = nodes.collect();
    let turn = input.one_in(2).then(|| SocketAddr::new(to.ip(), 3478));
    let (total, version) = (u32::from(input.byte()) * 8, input.byte().into());
    let labels = labels(input.byte());
    ProbeReply { state, nodes, turn, total, version, labels, ..ProbeReply::default() }
}

/// Some of those that policies are about.
fn labels(byte: u8) -> Labels {
    let of = |key, value| (value > 0).then(|| format!("{key}={value}").parse().unwrap());
    Labels::new([of("a", byte % 4), of("b", byte / 4 % 4)].into_iter().flatten()).unwrap()
}
