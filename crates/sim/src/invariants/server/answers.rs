//! What comes to the port that strangers ask, and what leaves it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use turn_balance::internals::engine::server::answer::{Answer, Handled};
use turn_balance::internals::engine::server::incoming::{Incoming, LocalAddr};
use turn_balance::internals::wire::{
    Kind, MAX_ANSWER, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody, State, View,
    stun,
};

use super::{World, own};

/// Two servers would talk on for ever.
const LOOPS: [u16; 11] = [7, 17, 19, 53, 123, 137, 161, 389, 1900, 5353, 11211];

impl World {
    /// A datagram comes.
    pub(super) fn ask(&mut self, from: SocketAddr, datagram: &[u8]) {
        let mut out = Answer::default();
        let Self { responder, snapshot, now, .. } = self;
        let incoming = Incoming { to: &LocalAddr(own()), from: &from, bytes: datagram };
        let handled = responder.handle_datagram(snapshot, *now, incoming, &mut out);
        let out = out.to_vec();
        match handled {
            Handled::Drop(_) => assert!(out.is_empty()),
            Handled::PeerMessage(message) => {
                assert!(out.is_empty());
                self.peer_message(from, datagram, &message);
            }
            handled => self.answered(from, datagram, &out, &handled),
        }
    }

    fn answered(&mut self, from: SocketAddr, datagram: &[u8], out: &[u8], handled: &Handled) {
        assert!(from != own() && from.port() != 0 && !LOOPS.contains(&from.port()));
        assert!(out.len() > 2 && out.len() <= MAX_ANSWER, "{} bytes", out.len());
        if stun::is_stun(datagram) {
            assert!(datagram[..2] == [0, 1] && stun::binding_response(out).is_some());
            assert_eq!(datagram[4..20], out[4..20]);
            let headers = if from.is_ipv4() { 28 } else { 48 };
            assert!(5 * (headers + out.len()) <= 7 * (headers + datagram.len()));
            return;
        }
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(datagram) else {
            panic!("an answer to what is no probe");
        };
        let bare = probe.nonce == 0;
        // What is answered is no request: two servers do not talk on.
        assert!(Request::decode(out).is_err());
        let Ok(Response { id: same, body: ResponseBody::Probe(reply) }) = Response::decode(out)
        else {
            panic!("no answer");
        };
        assert_eq!((same, reply.nonce), (id, probe.nonce));

        let headers = if from.is_ipv4() { 28 } else { 48 };
        let within = headers + out.len() <= 3 * (headers + datagram.len());
        let bearer = self.bears(from.ip(), probe.cookie);
        if *handled == Handled::Retry {
            assert!(reply.retry && !bare && reply.nodes.is_empty());
            assert!(within && out.len() <= datagram.len());
            self.cookies.insert(from.ip(), (reply.cookie, self.now));
            return;
        }
        assert!(!reply.retry && reply.cookie.is_empty());
        if bare {
            assert!(!reply.hosts.is_empty() || reply.turn.is_some(), "an empty answer");
            assert!(reply.nodes.is_empty() && reply.name.is_none() && reply.version == 0);
            self.beyond += if within { 0 } else { out.len() };
            let budget = self.bare_bytes as f64 * (self.seconds() + 1.0);
            assert!(self.beyond as f64 <= budget, "{} bytes beyond the limit", self.beyond);
        } else {
            assert!(within || bearer, "{} bytes for {}", out.len(), datagram.len());
            assert!(reply.hosts.is_empty());
            let some = !reply.nodes.is_empty() || reply.turn.is_some();
            assert_eq!(some, reply.state == State::Offering);
            if !bearer {
                self.count(from.ip());
            }
        }
        self.lists(&probe, &reply);
    }

    /// Whether a cookie was handed out to that address less than an hour ago.
    fn bears(&self, ip: IpAddr, cookie: &[u8]) -> bool {
        let known = self.cookies.get(&ip);
        let fresh = |at| self.now - at < Duration::from_secs(3601);
        known.is_some_and(|(own, at)| own == cookie && fresh(*at))
    }

    /// An address, or an IPv6 /64, has twenty answers a second, and forty at once.
    fn count(&mut self, ip: IpAddr) {
        let ip = match ip {
            IpAddr::V4(_) => ip,
            IpAddr::V6(ip) => IpAddr::from((ip.to_bits() >> 64 << 64).to_be_bytes()),
        };
        let budget = 40.0 + 20.0 * self.seconds();
        let answers = self.answers.entry(ip).or_default();
        *answers += 1;
        assert!(f64::from(*answers) <= budget, "{answers} answers to {ip}");
    }

    /// Whoever is listed has answered.
    fn lists(&self, probe: &Probe<'_>, reply: &ProbeReply) {
        let direct = probe.nonce == 0 || probe.view == View::Subordinates;
        if direct {
            let hosts = reply.hosts.iter().map(|addr| (*addr, Kind::Balance));
            for (addr, kind) in reply.nodes.iter().map(|node| (node.addr, node.kind)).chain(hosts) {
                let may = match kind {
                    Kind::Turn => self.may_be_up(addr),
                    Kind::Balance | Kind::Leaf => self.may_be_online(addr),
                };
                assert!(may, "{addr} is not online");
            }
        }
        if let Some(turn) = reply.turn.filter(|turn| *turn != super::turn()) {
            // One that is a node goes to those alone who know no others than who stands beside a server.
            assert!(probe.nonce == 0 && self.may_be_up(turn), "{turn} is not up");
        }
        assert!(self.any_may_be_listed() || reply.nodes.is_empty() && reply.hosts.is_empty());
    }
}
