//! What descents find, as the JSON that Python reads.

use serde::Serialize;
use turn_balance::{Cost, IceConfiguration, Selection, Trace};

/// A selection, and what is not in its document.
#[derive(Serialize)]
struct Found<'a> {
    document: &'a Selection,
    cost: Counts,
    /// All TURN servers that a WebRTC client may be given, the best first.
    ice: IceConfiguration,
}

#[derive(Serialize)]
struct Seen<'a> {
    document: &'a Trace,
    cost: Counts,
    selection: Option<Found<'a>>,
}

#[derive(Serialize)]
struct Counts {
    candidates: u32,
    silent: u32,
    unasked: u32,
    unlisted: u32,
    datagrams: u32,
    bytes: u64,
    connections: u32,
    misplaced: u32,
    mismatched: u32,
    repeated: u32,
    malformed: u32,
    ruled_out: u32,
}

pub(crate) fn of_selection(selection: &Selection) -> String {
    text(&found(selection))
}

pub(crate) fn of_trace(trace: &Trace) -> String {
    let selection = trace.outcome.as_ref().ok().map(found);
    text(&Seen { document: trace, cost: counts(&trace.cost), selection })
}

fn found(selection: &Selection) -> Found<'_> {
    let ice = IceConfiguration::new(selection, usize::MAX);
    Found { document: selection, cost: counts(&selection.cost), ice }
}

fn counts(cost: &Cost) -> Counts {
    Counts {
        candidates: cost.candidates,
        silent: cost.silent,
        unasked: cost.unasked,
        unlisted: cost.unlisted,
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

/// Nothing of these fails to be written: they have no maps with keys other than text.
fn text(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_default()
}
