use std::net::SocketAddr;

use turn_balance::TurnUrl;

use super::ping::time;
use crate::cmd::report::TurnReply;

/// The first line: whom, and what it is to do.
pub(crate) fn header(url: &TurnUrl, addr: SocketAddr) -> String {
    let carrier = if url.is_secure() { "tls" } else { url.transport().as_str() };
    let steps = if url.is_turn() { "binding, allocate, relay" } else { "binding" };
    format!("PING {} ({addr}, {carrier}): {steps}", url.host())
}

/// The line of one step; `stamped`: with the time of day.
pub(crate) fn reply(reply: &TurnReply, addr: SocketAddr, stamped: bool) -> String {
    let stamp = if stamped { format!("[{:.6}] ", reply.timestamp) } else { String::new() };
    let (step, seq) = (reply.step, reply.seq);
    let relayed = reply.relayed.map(|addr| addr.to_string()).unwrap_or_default();
    match (reply.why(), reply.rtt_ms) {
        (Some(why), _) => format!("{stamp}no {step} from {addr}: seq={seq} it {why}"),
        (None, Some(rtt)) => {
            let time = time(rtt);
            match step {
                "relay" => format!("{stamp}relay through {relayed}: seq={seq} time={time} ms"),
                "allocate" => {
                    format!(
                        "{stamp}allocate from {addr}: seq={seq} time={time} ms relayed={relayed}"
                    )
                }
                _ => format!("{stamp}{step} from {addr}: seq={seq} time={time} ms"),
            }
        }
        (None, None) => format!(
            "{stamp}relay through {relayed}: seq={seq} not to be seen: its own address is forbidden as \
             a peer (403)"
        ),
    }
}
