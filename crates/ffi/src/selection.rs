//! What was found, for C to read.

use std::ffi::{c_char, c_int};
use std::ptr;
use std::time::Duration;

use turn_balance::{Cost, Hop, RunnerUp, Selection, Transport};

use crate::balance::tb_transport;
use crate::text::Texts;

/// What was found. Nothing changes in it, so any thread may read it, and what its functions point to is there until
/// it is freed. Of NULL they give NULL, 0 or false.
#[derive(Debug)]
pub struct tb_selection {
    found: Selection,
    #[expect(dead_code, reason = "what the pointers point to")]
    texts: Texts,
    turn: *const c_char,
    listed: *const c_char,
    name: *const c_char,
    urls: Vec<*const c_char>,
    path: Vec<tb_hop>,
    runners_up: Vec<tb_runner_up>,
    #[expect(dead_code, reason = "what the pointers point to")]
    runner_up_urls: Vec<Vec<*const c_char>>,
    cost: tb_cost,
    unresolved: Vec<tb_unresolved>,
    json: *const c_char,
}

/// A balance server on the way down. Later versions may have more, behind what is here.
#[derive(Debug)]
#[repr(C)]
pub struct tb_hop {
    /// Its step of the cascade; the root is level 0.
    pub level: u32,
    /// Its address, as "203.0.113.7:3001".
    pub addr: *const c_char,
    /// How it is listed, where a NAT64 leads to it; else NULL.
    pub listed: *const c_char,
    /// Its name, or NULL.
    pub name: *const c_char,
    /// Its least round-trip time in microseconds; UINT64_MAX where a list that it stands in was enough.
    pub rtt_us: u64,
    /// "full" or "draining" where it says that and nobody else was found; else NULL.
    pub says: *const c_char,
}

/// A TURN server that was measured and not chosen. Later versions may have more, behind what is here.
#[derive(Debug)]
#[repr(C)]
pub struct tb_runner_up {
    /// Its address, as "203.0.113.52:3478".
    pub turn: *const c_char,
    /// How it is listed, where a NAT64 leads to it; else NULL.
    pub listed: *const c_char,
    /// What the leaf beside it calls it, or NULL.
    pub name: *const c_char,
    /// Its least round-trip time in microseconds.
    pub rtt_us: u64,
    /// Whether it has answered itself.
    pub verified: bool,
    /// Why another was chosen: "slower", "drawn", "silent", "unpreferred".
    pub why: *const c_char,
    /// How it is reached, the best first: `url_count` of them, none unless they were asked for.
    pub urls: *const *const c_char,
    /// How many there are.
    pub url_count: usize,
}

/// What a selection cost and met. Later versions may have more, behind what is here.
#[derive(Debug)]
#[repr(C)]
pub struct tb_cost {
    /// Nodes that stood in lists or were roots.
    pub candidates: u32,
    /// Those that were asked and of which nothing was heard.
    pub silent: u32,
    /// Those that might have been asked, and were not.
    pub unasked: u32,
    /// Datagrams sent.
    pub datagrams: u32,
    /// Bytes of UDP payload sent.
    pub bytes: u64,
    /// TCP connections begun to TURN servers to measure them.
    pub connections: u32,
    /// Datagrams ignored: from an address that was not asked.
    pub misplaced: u32,
    /// Datagrams ignored: with an id that was not sent there.
    pub mismatched: u32,
    /// Datagrams ignored: a second answer to one request.
    pub repeated: u32,
    /// Datagrams ignored: no message of the protocol.
    pub malformed: u32,
    /// Those that what is required and excluded left out.
    pub ruled_out: u32,
}

/// A root that could not be asked. Later versions may have more, behind what is here.
#[derive(Debug)]
#[repr(C)]
pub struct tb_unresolved {
    /// Its host.
    pub host: *const c_char,
    /// Why there is no address of it.
    pub why: *const c_char,
}

impl tb_selection {
    pub(crate) fn new(found: Selection) -> Self {
        let mut texts = Texts::default();
        let runner_up_urls: Vec<Vec<_>> = found
            .runners_up
            .iter()
            .map(|other| other.urls.iter().map(|url| texts.keep(url)).collect())
            .collect();
        let runners_up = found.runners_up.iter().zip(&runner_up_urls);
        let unresolved = found.unresolved.iter().map(|root| tb_unresolved {
            host: texts.keep(&root.host),
            why: texts.keep(&root.reason),
        });
        Self {
            unresolved: unresolved.collect(),
            turn: texts.keep(found.turn),
            listed: texts.keep_some(found.listed),
            name: texts.keep_some(found.name.as_ref()),
            urls: found.urls.iter().map(|url| texts.keep(url)).collect(),
            path: found.path.iter().map(|at| hop(at, &mut texts)).collect(),
            runners_up: runners_up
                .map(|(other, urls)| runner_up(other, urls, &mut texts))
                .collect(),
            runner_up_urls,
            cost: cost(&found.cost),
            json: texts.keep_some(serde_json::to_string(&found).ok()),
            texts,
            found,
        }
    }

    pub(crate) fn found(&self) -> &Selection {
        &self.found
    }
}

fn hop(hop: &Hop, texts: &mut Texts) -> tb_hop {
    tb_hop {
        level: hop.level.into(),
        addr: texts.keep(hop.addr),
        listed: texts.keep_some(hop.listed),
        name: texts.keep_some(hop.name.as_ref()),
        rtt_us: hop.rtt.map_or(u64::MAX, micros),
        says: texts.keep_some(hop.says.map(|says| says.as_str())),
    }
}

fn runner_up(other: &RunnerUp, urls: &[*const c_char], texts: &mut Texts) -> tb_runner_up {
    tb_runner_up {
        turn: texts.keep(other.turn),
        listed: texts.keep_some(other.listed),
        name: texts.keep_some(other.name.as_ref()),
        rtt_us: micros(other.rtt),
        verified: other.verified,
        why: texts.keep(other.why.as_str()),
        urls: urls.as_ptr(),
        url_count: urls.len(),
    }
}

fn cost(cost: &Cost) -> tb_cost {
    tb_cost {
        candidates: cost.candidates,
        silent: cost.silent,
        unasked: cost.unasked,
        datagrams: cost.datagrams,
        bytes: cost.bytes,
        connections: cost.connections,
        misplaced: cost.misplaced,
        mismatched: cost.mismatched,
        repeated: cost.repeated,
        malformed: cost.malformed,
        ruled_out: cost.ruled_out,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn at<T>(items: Option<&Vec<T>>, index: usize) -> *const T {
    items.and_then(|items| items.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// The TURN server's address, to be used: "203.0.113.52:3478" or "[2001:db8::52]:3478".
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_turn(selection: Option<&tb_selection>) -> *const c_char {
    selection.map_or(ptr::null(), |selection| selection.turn)
}

/// How it is listed, where a NAT64 leads to it; NULL where it is used as it is listed.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_listed(selection: Option<&tb_selection>) -> *const c_char {
    selection.map_or(ptr::null(), |selection| selection.listed)
}

/// What the leaf beside it, or the list that named it, calls it; NULL where it has no name.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_name(selection: Option<&tb_selection>) -> *const c_char {
    selection.map_or(ptr::null(), |selection| selection.name)
}

/// The least round-trip time to it, or to the leaf that names it, in microseconds; by HTTPS the least time that a TCP
/// connection to it took.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_rtt_us(selection: Option<&tb_selection>) -> u64 {
    selection.map_or(0, |selection| micros(selection.found.rtt))
}

/// Whether the TURN server itself has answered.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_verified(selection: Option<&tb_selection>) -> bool {
    selection.is_some_and(|selection| selection.found.verified)
}

/// By which means it was found: one of tb_transport. By TB_TRANSPORT_HTTPS it is reached by its first URL; over UDP
/// it may not be.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_transport(selection: Option<&tb_selection>) -> c_int {
    let transport = selection.map(|selection| match selection.found.transport {
        Transport::Https => tb_transport::TB_TRANSPORT_HTTPS,
        _ => tb_transport::TB_TRANSPORT_UDP,
    });
    transport.map_or(0, |transport| transport as c_int)
}

/// From the start, look-ups of names included, to the decision, in microseconds.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_elapsed_us(selection: Option<&tb_selection>) -> u64 {
    selection.map_or(0, |selection| micros(selection.found.elapsed))
}

/// How many URLs there are; none unless tb_balance_set_urls asks for them, or HTTPS was the way.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_url_count(selection: Option<&tb_selection>) -> usize {
    selection.map_or(0, |selection| selection.urls.len())
}

/// How the TURN server is reached, the best first, as "turns:turn.example:5349?transport=tcp"; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_url(
    selection: Option<&tb_selection>,
    index: usize,
) -> *const c_char {
    let url = selection.and_then(|selection| selection.urls.get(index));
    url.copied().unwrap_or(ptr::null())
}

/// How many balance servers are on the way.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_hop_count(selection: Option<&tb_selection>) -> usize {
    selection.map_or(0, |selection| selection.path.len())
}

/// The balance servers on the way, root first; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_hop(
    selection: Option<&tb_selection>,
    index: usize,
) -> *const tb_hop {
    at(selection.map(|selection| &selection.path), index)
}

/// How many others could have been chosen.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_runner_up_count(selection: Option<&tb_selection>) -> usize {
    selection.map_or(0, |selection| selection.runners_up.len())
}

/// The TURN servers that could have been chosen, best first; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_runner_up(
    selection: Option<&tb_selection>,
    index: usize,
) -> *const tb_runner_up {
    at(selection.map(|selection| &selection.runners_up), index)
}

/// What it cost.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_cost(selection: Option<&tb_selection>) -> *const tb_cost {
    selection.map_or(ptr::null(), |selection| ptr::from_ref(&selection.cost))
}

/// How many roots could not be asked.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_unresolved_count(selection: Option<&tb_selection>) -> usize {
    selection.map_or(0, |selection| selection.unresolved.len())
}

/// The roots that could not be asked; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_unresolved(
    selection: Option<&tb_selection>,
    index: usize,
) -> *const tb_unresolved {
    at(selection.map(|selection| &selection.unresolved), index)
}

/// All of it as JSON, as `tb probe --json` prints it.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_json(selection: Option<&tb_selection>) -> *const c_char {
    selection.map_or(ptr::null(), |selection| selection.json)
}

/// Frees it, and all that it gave but strings of tb_selection_ice_json. NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn tb_selection_free(selection: Option<Box<tb_selection>>) {
    drop(selection);
}
