//! Whether what answers as a TURN server is a balance server: these answer STUN Binding too.

use std::time::Instant;

use rand::RngExt;

use crate::net::engine::Rng;
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::wire::{Extras, Response, ResponseBody, SHORT_REQUEST, View};

/// How many checks in a row have a probe beside them, from the first answer on: one or two datagrams get
/// lost.
const PROBES: u8 = 3;

/// What is known of that. A TURN server does not answer a probe.
#[derive(Debug)]
pub struct Impostor {
    /// `None`: no probe is out any more.
    exchange: Option<Box<Exchange>>,
    /// How many probes are to be sent yet.
    left: u8,
    found: bool,
}

impl Default for Impostor {
    fn default() -> Self {
        Self { exchange: None, left: PROBES, found: false }
    }
}

impl Impostor {
    /// Whether it is one.
    pub(super) fn is_found(&self) -> bool {
        planted!(ImpostorOffered => false);
        self.found
    }

    /// Something answers that did not before.
    pub(super) fn suspect(&mut self) {
        self.left = PROBES;
    }

    /// The probe that goes beside a check, if there is one. One that was found is asked with each: when
    /// it does not answer any more, something else is there.
    pub fn ask(&mut self, now: Instant, rng: &mut Rng) -> Option<Vec<u8>> {
        self.found &= self.left > 0;
        let Some(left) = self.left.checked_sub(1) else {
            self.exchange = None;
            return None;
        };
        self.left = left;
        // Not one of the server's own nonces: it may be the one that is found.
        let token = Token { id: rng.random(), nonce: rng.random_range(1..=u64::MAX) };
        let (view, extras) = (View::Flat, Extras::default());
        let query = Query::Probe { view, names: false, extras, size: SHORT_REQUEST as u16 };
        let exchange = self.exchange.get_or_insert_with(|| Exchange::new(Owner::Health).into());
        // An answer to the one before would be later than any that counts.
        exchange.forget();
        exchange.sent(now, token, query, ());
        Some(exchange.encode(token, query))
    }

    /// A datagram came that is no STUN. Returns whether it is the answer to a probe.
    pub fn handle_datagram(&mut self, datagram: &[u8]) -> bool {
        let Some(exchange) = &self.exchange else { return false };
        let Ok(Response { id, body: ResponseBody::Probe(reply) }) =
            Response::decode_some(datagram, 0)
        else {
            return false;
        };
        let proof = Proof::of_reply(id, &reply);
        let right = matches!(exchange.judge(proof), Judged::Right { .. });
        if right {
            self.exchange = None;
            self.found = true;
            self.left = PROBES;
        }
        right
    }
}
