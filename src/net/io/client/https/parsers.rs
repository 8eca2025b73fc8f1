//! What reads what web servers answer with, for the simulator and the fuzzer.

use std::net::SocketAddr;
use std::time::Duration;

use super::document;
use super::get::WebAnswer;
use crate::net::engine::client::list::ServerList;
use crate::types::HttpsFault;

/// The list in the body of an answer, of who was reached there after so long.
///
/// # Errors
/// What it is instead.
pub fn list(body: &[u8], from: SocketAddr, rtt: Duration) -> Result<ServerList, HttpsFault> {
    let answer = WebAnswer { status: 200, is_problem: false, body: body.to_vec() };
    document::list(&answer, from, rtt)
}

/// What is told of a problem with this status and body.
pub fn problem(status: u16, body: &[u8]) -> HttpsFault {
    document::status(&WebAnswer { status, is_problem: true, body: body.to_vec() })
}
