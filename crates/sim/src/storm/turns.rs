//! What a server may believe of the TURN servers that it asks, by what arrives.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_types::attribute::ErrorCode;
use stun_types::message::{Message, MessageClass};
use turn_balance::internals::wire::{Request, RequestBody, Response, ResponseBody, stun};
use turn_types::message::ALLOCATE;

/// How long a TURN server that died may still be named.
const DYING: Duration = Duration::from_millis(11_100);

/// How soon what has been said of it shows, and how long at least: nothing else is asked before. What it
/// is, it is asked with the next check; whether it allocates, after ten seconds or so.
const SHOWS: Duration = Duration::from_millis(100);
const IMPOSTOR_LASTS: Duration = Duration::from_millis(2500);
const REFUSAL_LASTS: Duration = Duration::from_millis(8500);

/// More requests than are ever awaited.
const AWAITED: usize = 64;

/// Probes of which an answer counts, and how late it may come: as long as the check lasts.
const PROBES: usize = 3;
const COUNTS: Duration = Duration::from_secs(1);

/// They by the addresses that they are asked at.
#[derive(Debug, Default)]
pub(crate) struct TurnBeliefs(BTreeMap<SocketAddr, TurnBelief>);

#[derive(Debug, Default)]
struct TurnBelief {
    transactions: VecDeque<u128>,
    /// When probes were sent, their ids and nonces: a balance server returns them.
    probes: VecDeque<(Instant, u32, u64)>,
    answered: Option<Instant>,
    /// When it last showed that it is a balance server.
    impostor: Option<Instant>,
    /// When it last refused to allocate.
    refused: Option<Instant>,
}

impl TurnBeliefs {
    /// One is asked.
    pub(crate) fn asks(&mut self, now: Instant, to: SocketAddr, payload: &[u8]) {
        let turn = self.0.entry(to).or_default();
        match (stun::is_stun(payload), Request::decode(payload)) {
            (true, _) => remember(&mut turn.transactions, transaction(payload), AWAITED),
            (false, Ok(Request { id, body: RequestBody::Probe(probe) })) => {
                remember(&mut turn.probes, (now, id, probe.nonce), PROBES);
            }
            (false, _) => {}
        }
    }

    /// Something came to where they are asked from.
    pub(crate) fn hears(&mut self, now: Instant, from: SocketAddr, payload: &[u8]) {
        let Some(turn) = self.0.get_mut(&from) else { return };
        if !stun::is_stun(payload) {
            if let Ok(Response { id, body: ResponseBody::Probe(reply) }) = Response::decode(payload)
                && turn.probes.iter().any(|(at, asked, nonce)| {
                    (*asked, *nonce) == (id, reply.nonce) && now <= *at + COUNTS
                })
            {
                turn.impostor = Some(now);
                turn.probes.clear();
            }
            return;
        }
        let transaction = transaction(payload);
        if !turn.transactions.contains(&transaction) {
            return;
        }
        if stun::binding_response(payload).is_some() {
            turn.answered = Some(now);
            return;
        }
        let Ok(message) = Message::from_bytes(payload) else { return };
        if !message.has_method(ALLOCATE) {
            return; // a spoilt copy of an answer that may come yet
        }
        // The first answer alone counts: a request that is sent once more, be it by a stranger, draws another.
        turn.transactions.retain(|id| *id != transaction);
        if is_refusal(&message) {
            turn.refused = Some(now);
        }
    }

    /// Whether one may be named. `slept`: whether the server's clock has stood of late.
    pub(crate) fn may_be_named(&self, now: Instant, addr: SocketAddr, slept: bool) -> bool {
        let Some(turn) = self.0.get(&addr) else { return false };
        let lives = turn.answered.is_some_and(|at| slept || now <= at + DYING);
        let shows = |said: Option<Instant>, lasts| {
            said.is_some_and(|at| !slept && now > at + SHOWS && now < at + lasts)
        };
        lives && !shows(turn.impostor, IMPOSTOR_LASTS) && !shows(turn.refused, REFUSAL_LASTS)
    }
}

/// Whether it refuses to allocate for good: neither for want of credentials nor for an old nonce.
fn is_refusal(message: &Message) -> bool {
    let code = message.attribute::<ErrorCode>().map_or(0, |error| error.code());
    message.has_class(MessageClass::Error) && code == 486
}

fn transaction(payload: &[u8]) -> u128 {
    payload[8..20].iter().fold(0, |id, byte| id << 8 | u128::from(*byte))
}

fn remember<T>(all: &mut VecDeque<T>, one: T, most: usize) {
    all.push_back(one);
    if all.len() > most {
        all.pop_front();
    }
}
