//! What may happen to a server.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use turn_balance::internals::engine::server::turn::TurnSpec;
use turn_balance::internals::wire::auth::{Key, Purpose, TRAILER};
use turn_balance::internals::wire::{
    PADDED_REQUEST, Ping, Pong, Probe, Request, RequestBody, Response, ResponseBody,
    SIGNED_HEARTBEAT, View,
};

use super::super::input::Input;
use super::{World, node, own, spec, superior, turn_node};

/// Who may send something.
fn somebody(input: &mut Input<'_>) -> SocketAddr {
    match input.byte() % 16 {
        n @ 0..6 => node(n * 2),
        6 => own(),
        7 => superior(),
        8 => SocketAddr::from(([192, 0, 2, 8], 0)),
        9 => SocketAddr::from(([192, 0, 2, 9], 53)),
        n @ 10..13 => SocketAddr::new(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()]), 5000),
        n => SocketAddr::from(([192, 0, 2, n], 5000 + u16::from(input.byte()))),
    }
}

impl World {
    /// One of all that may happen.
    pub(super) fn act(&mut self, input: &mut Input<'_>) {
        match input.byte() % 16 {
            0 => self.pass(Duration::from_millis(input.byte().into())),
            1 => self.pass(Duration::from_millis(50 * u64::from(input.byte()))),
            2 => self.pass(Duration::from_secs(input.byte().into())),
            3 => {
                let from = somebody(input);
                self.ask(from, input.bytes());
            }
            4..7 => self.probe(input),
            7..9 => self.heartbeat(input),
            9 => self.replay(input),
            10 => self.pong(input),
            11 | 12 => self.answer_check(input),
            13 => self.answer_all(input),
            14 => {
                let from = somebody(input);
                self.hear(from, input.bytes());
            }
            _ if input.one_in(4) => {
                self.configured = input.below(12);
                self.relisted = true;
                let listed: Vec<_> = (0..self.configured as u8).map(spec).collect();
                self.checked.retain(|addr, _| listed.iter().any(|spec| spec.addr == *addr));
                self.engine.set_nodes(self.now, listed);
            }
            _ if input.one_in(4) => {
                self.turns = (0..input.byte() % 4).map(turn_node).collect();
                self.bound.retain(|turn, _| self.turns.contains(turn));
                let specs = self.turns.iter().map(|turn| TurnSpec::new(*turn));
                self.engine.set_turn_nodes(self.now, specs);
            }
            _ => self.bind(input),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.engine.handle_timeout(self.now);
        self.refresh();
    }

    /// Somebody asks, now and then as often as it can.
    fn probe(&mut self, input: &mut Input<'_>) {
        let (from, flags, id) = (somebody(input), input.byte(), input.byte().into());
        let cookie = match flags % 4 {
            0 => input.bytes().iter().copied().take(64).collect(),
            1 => self.cookies.values().next().map_or(Vec::new(), |(cookie, _)| cookie.clone()),
            2 => self.cookies.get(&from.ip()).map_or(Vec::new(), |(cookie, _)| cookie.clone()),
            _ => Vec::new(),
        };
        let view = if flags & 4 == 0 { View::Flat } else { View::Subordinates };
        let nonce = if flags & 8 == 0 { 0 } else { input.number() };
        let probe =
            Probe { nonce, cookie: &cookie, view, names: flags & 16 != 0, ..Probe::default() };
        let size = match flags >> 5 & 3 {
            0 | 1 => 0,
            2 => 5 * usize::from(input.byte()),
            _ => PADDED_REQUEST,
        };
        let mut request = Request { id, body: RequestBody::Probe(probe) }.encode(size);
        if input.one_in(4) {
            self.key(input).sign(Purpose::Probe, &mut request, 0);
        }
        let times = if flags & 128 == 0 { 1 } else { input.byte() / 2 };
        for _ in 0..=times {
            self.ask(from, &request);
        }
    }

    /// One of the server's keys, or a stranger's of the same number.
    fn key(&self, input: &mut Input<'_>) -> Key {
        let keys = [Key::new(1, &[1; 32]), Key::new(2, &[2; 32]), Key::new(1, &[9; 32])];
        keys[input.below(3)].clone()
    }

    fn heartbeat(&mut self, input: &mut Input<'_>) {
        let (from, flags) = (somebody(input), input.byte());
        let last = |addr| self.challenges.get(&addr).and_then(|given| given.last());
        let challenge = match flags % 4 {
            0 | 1 => last(from).map_or(0, |(value, _)| *value),
            2 => last(node(input.byte() % 6)).map_or(0, |(value, _)| *value),
            _ => input.number(),
        };
        let before = self.numbers.get(&from).map_or(0, |(seq, _)| *seq);
        let seq = if flags & 4 == 0 { before + 1 } else { high(input.byte()) };
        let advertise = (flags & 8 != 0).then(|| match input.byte() % 4 {
            0 => input.addr(3001),
            n => node(n + 3),
        });
        let ping = Ping { seq, challenge, version: input.byte().into(), advertise, name: None };
        let size = if flags & 16 == 0 { SIGNED_HEARTBEAT - TRAILER } else { 0 };
        let key = (flags & 32 == 0).then(|| self.key(input));
        let make = |ping: Ping| {
            let mut datagram = Request { id: 0, body: RequestBody::Ping(ping) }.encode(size);
            if let Some(key) = &key {
                key.sign(Purpose::Ping, &mut datagram, 0);
            }
            datagram
        };
        let mut datagram = make(ping.clone());
        if flags & 64 != 0 {
            let at = input.below(datagram.len());
            datagram[at] ^= input.byte();
        }
        self.ask(from, &datagram);
        self.recorded.push((from, datagram));
        // It does as it is told.
        if let Some((challenge, _)) = self.challenges.get(&from).and_then(|given| given.last())
            && flags & 128 == 0
        {
            let datagram = make(Ping { seq: seq + 1, challenge: *challenge, ..ping });
            self.ask(from, &datagram);
            self.recorded.push((from, datagram));
        }
    }

    /// Somebody sends again what was recorded, from there or from elsewhere.
    fn replay(&mut self, input: &mut Input<'_>) {
        let back = input.below(16.min(self.recorded.len()));
        let Some((from, datagram)) = self.recorded.iter().rev().nth(back).cloned() else { return };
        let from = if input.one_in(2) { somebody(input) } else { from };
        self.ask(from, &datagram);
    }

    /// A superior refuses heartbeats, as fast as they come, some of them twice.
    fn pong(&mut self, input: &mut Input<'_>) {
        let key = self.key(input);
        let from = if input.one_in(4) { somebody(input) } else { superior() };
        for _ in 0..=input.byte() % 8 {
            let seq = if input.one_in(8) { input.number() } else { self.beat(input.below(3)) };
            let (challenge, last_seq) = (input.byte().into(), high(input.byte()));
            let pong = Pong { seq, challenge, status: 1, last_seq };
            let mut datagram = Response { id: 0, body: ResponseBody::Pong(pong) }.encode();
            key.sign(Purpose::Pong, &mut datagram, 0);
            for _ in 0..=input.byte() % 2 {
                self.ask(from, &datagram);
                self.settle();
            }
        }
    }
}

/// A number of any size.
fn high(byte: u8) -> u64 {
    u64::from(byte) << (byte % 8 * 8)
}
