//! Heartbeats: only one that is new, and rightly signed where that is required, changes anything.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::server::auth::PeerMessage;
use turn_balance::internals::engine::server::incoming::LocalAddr;
use turn_balance::internals::engine::server::refusal::TaggedMessage;
use turn_balance::internals::wire::auth::{Purpose, Tag};
use turn_balance::internals::wire::{Ping, Request, RequestBody, Response, ResponseBody, SEQ_END};

use super::{World, node, own, superior};

/// What a heartbeat is, as far as who made it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worth {
    /// Signed, with a good challenge and a number that rises.
    New,
    /// Not signed, from a node of the configuration, where that is enough.
    Bare,
    Nothing,
}

impl World {
    /// The responder has passed something on.
    pub(super) fn peer_message(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        message: &PeerMessage,
    ) {
        let now = self.now;
        let before = (self.engine.count(), self.engine.members().poll_timeout());
        match (message, Request::decode(datagram)) {
            (PeerMessage::Heartbeat(_), Ok(Request { body: RequestBody::Ping(ping), .. })) => {
                let worth = self.worth(from, datagram, &ping);
                let result = self.engine.handle_peer_message(now, LocalAddr(own()), from, message);
                let after = (self.engine.count(), self.engine.members().poll_timeout());
                match worth {
                    Worth::Nothing => assert_eq!(after, before, "{from} {ping:?}"),
                    Worth::Bare => assert_eq!(after.0, before.0, "{from} {ping:?}"),
                    // It may end a second place of the same node.
                    Worth::New => assert!(after.0.online <= before.0.online, "{from} {ping:?}"),
                }
                let refused = self.expect_pong(from, datagram);
                if worth == Worth::New && result.is_ok() && !refused {
                    self.numbers.insert(from, (ping.seq, now));
                }
            }
            (PeerMessage::Pong(pong, _), _) => {
                assert!(matches!(self.trust.keys.judge(Purpose::Pong, datagram), Tag::Right(_)));
                let result = self.engine.handle_peer_message(now, LocalAddr(own()), from, message);
                let known = self.beats.iter().position(|seq| *seq == pong.seq);
                assert!(result.is_err() || known.is_some(), "to a heartbeat that was not sent");
                assert!(result.is_err() || from == superior(), "{from} was not asked");
                assert!(result.is_err() || pong.last_seq < SEQ_END, "{pong:?}");
                assert_eq!(self.engine.count(), before.0);
                if result.is_ok() {
                    // It cannot be answered again, nor those before it.
                    self.beats
                        .iter_mut()
                        .take(known.map_or(0, |at| at + 1))
                        .for_each(|seq| *seq = 0);
                }
            }
            (PeerMessage::Notice(notice, _), _) => {
                assert!(matches!(self.trust.keys.judge(Purpose::Pong, datagram), Tag::Right(_)));
                let result = self.engine.handle_peer_message(now, LocalAddr(own()), from, message);
                assert!(result.is_err() || self.beats.contains(&notice.seq), "{notice:?}");
                assert!(result.is_err() || from == superior(), "{from} was not asked");
                let after = (self.engine.count(), self.engine.members().poll_timeout());
                assert_eq!(after, before, "it is for the log alone");
            }
            (PeerMessage::Refused(refusal), _) => {
                let ping = refusal.message == TaggedMessage::Heartbeat;
                let purpose = if ping { Purpose::Ping } else { Purpose::Pong };
                assert!(!matches!(self.trust.keys.judge(purpose, datagram), Tag::Right(_)));
                let listed = (0..self.configured as u8).any(|n| node(n) == from);
                assert!(listed || from == superior(), "{from} is no peer");
                let result = self.engine.handle_peer_message(now, LocalAddr(own()), from, message);
                assert_eq!((result, self.engine.count()), (Err(refusal.reason()), before.0));
            }
            (message, request) => panic!("{message:?} of {request:?}"),
        }
    }

    fn worth(&self, from: SocketAddr, datagram: &[u8], ping: &Ping) -> Worth {
        let (keys, now) = (&self.trust.keys, self.now);
        match keys.judge(Purpose::Ping, datagram) {
            Tag::Right(_) => {
                let lately = |at| now - at < Duration::from_secs(120);
                let given = self.challenges.get(&from).into_iter().flatten();
                let good = given.clone().any(|(value, at)| *value == ping.challenge && lately(*at));
                let last = self.numbers.get(&from).filter(|(_, at)| lately(*at));
                let rises = last.is_none_or(|(seq, _)| ping.seq > *seq);
                if good && rises && ping.seq < SEQ_END { Worth::New } else { Worth::Nothing }
            }
            _ if self.trust.require => Worth::Nothing,
            _ => {
                let listed = (0..self.configured as u8).any(|n| node(n) == from);
                if listed { Worth::Bare } else { Worth::Nothing }
            }
        }
    }

    /// A heartbeat draws at most one datagram, to where it came from, and no longer than itself.
    /// Returns whether
    /// that refuses it.
    fn expect_pong(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        let Some(out) = self.engine.poll_heartbeat(self.now) else { return false };
        let payload = out.transmit.payload;
        assert_eq!((out.transmit.to, out.via), (from, Some(LocalAddr(own()))));
        assert!(payload.len() <= datagram.len());
        assert!(matches!(self.trust.keys.judge(Purpose::Pong, &payload), Tag::Right(_)));
        assert!(matches!(self.trust.keys.judge(Purpose::Ping, datagram), Tag::Right(_)));
        let refused = match Response::decode(&payload).map(|response| response.body) {
            Ok(ResponseBody::Pong(pong)) => {
                self.challenges.entry(from).or_default().push((pong.challenge, self.now));
                true
            }
            Ok(ResponseBody::Notice(_)) => {
                let listed = (0..self.configured as u8).any(|n| node(n) == from);
                assert!(!listed, "{from} is a node");
                false
            }
            body => panic!("{body:?}"),
        };
        assert!(self.engine.poll_heartbeat(self.now).is_none(), "a second datagram");
        refused
    }

    /// The number of a heartbeat that a superior may answer.
    pub(super) fn beat(&self, back: usize) -> u64 {
        self.beats.iter().rev().nth(back).copied().unwrap_or(0)
    }
}
