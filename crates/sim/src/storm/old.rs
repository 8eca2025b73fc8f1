//! The protocol's first implementation, as docs/protocol.md and tests/interop.rs know it.

use std::net::SocketAddr;

use turn_balance::internals::wire::{
    DecodeError, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::Answer;

/// What its heartbeats are.
pub(crate) const PING: [u8; 2] = [0x1a, 0x00];

/// A server: believes heartbeats of its hosts, answers whatever asks, also with nothing, and reads
/// a reply as a probe, for it skips what it does not know. Two of them that are made to talk never
/// stop; that is known, and nothing that we could mend, so it does not answer its `kin`.
pub(crate) fn server(
    hosts: Vec<SocketAddr>,
    turn: Option<SocketAddr>,
    kin: Vec<SocketAddr>,
) -> impl FnMut(SocketAddr, SocketAddr, &[u8]) -> Vec<Answer> {
    let mut online = Vec::new();
    move |to, from, payload| {
        let id = match Request::decode(payload) {
            Ok(Request { body: RequestBody::Ping(_), .. }) => {
                if hosts.contains(&from) && !online.contains(&from) {
                    online.push(from);
                }
                return Vec::new();
            }
            Ok(Request { id, .. }) => id,
            Err(DecodeError::Reply) => Response::decode(payload).map_or(0, |reply| reply.id),
            Err(_) => return Vec::new(),
        };
        if kin.contains(&from) {
            return Vec::new();
        }
        let turn = turn.filter(|_| online.is_empty());
        let reply = ProbeReply { hosts: online.clone(), turn, ..ProbeReply::default() };
        vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
    }
}
