//! Selections and traces as documents: what `tb probe --json` and `tb trace --json` write of them,
//! with the keys, the order and the rounding that these have. A test of the command holds both
//! together.

use std::net::SocketAddr;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::failure::Failure;
use super::ice::{IceConfiguration, IceServer};
use super::report::{CandidateState, Hop, RunnerUp, Selection, Unasked};
use super::trace::{Candidate, Trace};
use crate::types::{Load, Name, TurnCredentials, TurnFault, TurnUrl, UnresolvedRoot};

impl Serialize for Selection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Selection", 23)?;
        document.serialize_field("turn", &self.turn)?;
        document.serialize_field("listed", &self.listed)?;
        document.serialize_field("name", &text(self.name.as_ref()))?;
        document.serialize_field("rtt_ms", &ms(self.rtt))?;
        document.serialize_field("verified", &self.verified)?;
        document.serialize_field("drawn", &self.drawn)?;
        document.serialize_field("load", &self.load.map(Load::share))?;
        document.serialize_field("labels", &self.labels)?;
        document.serialize_field("transport", self.transport.as_str())?;
        document.serialize_field("urls", &asked(&self.urls))?;
        document.serialize_field("elapsed_ms", &ms(self.elapsed))?;
        document.serialize_field("strategy", self.strategy.as_str())?;
        document.serialize_field("path", &self.path)?;
        document.serialize_field("runners_up", &self.runners_up)?;
        document.serialize_field("candidates", &self.cost.candidates)?;
        document.serialize_field("silent", &self.cost.silent)?;
        document.serialize_field("unasked", &self.cost.unasked)?;
        document.serialize_field("unlisted", &self.cost.unlisted)?;
        document.serialize_field("ruled_out", &self.cost.ruled_out)?;
        document.serialize_field("datagrams", &self.cost.datagrams)?;
        document.serialize_field("connections", &self.cost.connections)?;
        document.serialize_field("unresolved", &self.unresolved)?;
        document.serialize_field("error", &None::<Failure>)?;
        document.end()
    }
}

impl Serialize for Hop {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut hop = serializer.serialize_struct("Hop", 6)?;
        hop.serialize_field("level", &self.level)?;
        hop.serialize_field("addr", &self.addr)?;
        hop.serialize_field("listed", &self.listed)?;
        hop.serialize_field("name", &text(self.name.as_ref()))?;
        hop.serialize_field("rtt_ms", &self.rtt.map(ms))?;
        hop.serialize_field("says", &self.says.map(CandidateState::as_str))?;
        hop.end()
    }
}

impl Serialize for RunnerUp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut runner = serializer.serialize_struct("RunnerUp", 9)?;
        runner.serialize_field("turn", &self.turn)?;
        runner.serialize_field("listed", &self.listed)?;
        runner.serialize_field("name", &text(self.name.as_ref()))?;
        runner.serialize_field("rtt_ms", &ms(self.rtt))?;
        runner.serialize_field("verified", &self.verified)?;
        runner.serialize_field("load", &self.load.map(Load::share))?;
        runner.serialize_field("labels", &self.labels)?;
        runner.serialize_field("urls", &asked(&self.urls))?;
        runner.serialize_field("why", self.why.as_str())?;
        runner.end()
    }
}

impl Serialize for IceConfiguration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut configuration = serializer.serialize_struct("RTCConfiguration", 1)?;
        configuration.serialize_field("iceServers", &self.ice_servers)?;
        configuration.end()
    }
}

/// Without credentials their keys are left out: an empty one would be wrong.
impl Serialize for IceServer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = if self.credentials.is_some() { 3 } else { 1 };
        let mut server = serializer.serialize_struct("RTCIceServer", fields)?;
        server.serialize_field("urls", &texts(&self.urls))?;
        if let Some(TurnCredentials { username, password }) = &self.credentials {
            server.serialize_field("username", username)?;
            server.serialize_field("credential", password)?;
        }
        server.end()
    }
}

impl Serialize for UnresolvedRoot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut root = serializer.serialize_struct("UnresolvedRoot", 2)?;
        root.serialize_field("host", &self.host)?;
        root.serialize_field("reason", &self.reason.to_string())?;
        root.end()
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut error = serializer.serialize_struct("Failure", 2)?;
        error.serialize_field("kind", self.kind())?;
        error.serialize_field("message", &self.to_string())?;
        error.end()
    }
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let selection = self.outcome.as_ref().ok();
        let rows: Vec<_> = self.candidates.iter().map(|row| Row::new(row, self)).collect();
        let mut document = serializer.serialize_struct("Trace", 14)?;
        document.serialize_field("turn", &selection.map(|s| s.turn))?;
        document.serialize_field("listed", &selection.and_then(|s| s.listed))?;
        document.serialize_field("name", &selection.and_then(|s| text(s.name.as_ref())))?;
        document.serialize_field("rtt_ms", &selection.map(|s| ms(s.rtt)))?;
        document.serialize_field("elapsed_ms", &ms(self.elapsed))?;
        document.serialize_field("strategy", self.strategy.as_str())?;
        document.serialize_field("transport", self.transport.as_str())?;
        document.serialize_field("view", self.view.as_str())?;
        document.serialize_field("levels", &selection.map_or(0, |s| s.path.len()))?;
        document.serialize_field("datagrams", &self.cost.datagrams)?;
        document.serialize_field("connections", &self.cost.connections)?;
        document.serialize_field("unresolved", &self.unresolved)?;
        document.serialize_field("error", &self.outcome.as_ref().err())?;
        document.serialize_field("candidates", &rows)?;
        document.end()
    }
}

/// A candidate beside the address of the one that listed it: alone it knows a place in the trace.
struct Row<'a> {
    candidate: &'a Candidate,
    via: Option<SocketAddr>,
}

impl<'a> Row<'a> {
    fn new(candidate: &'a Candidate, trace: &Trace) -> Self {
        let parent = candidate.via.and_then(|at| trace.candidates.get(at));
        Self { candidate, via: parent.map(|parent| parent.addr) }
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { candidate, via } = self;
        let mut row = serializer.serialize_struct("Candidate", 16)?;
        row.serialize_field("level", &candidate.level)?;
        row.serialize_field("addr", &candidate.addr)?;
        row.serialize_field("listed", &candidate.listed)?;
        row.serialize_field("name", &text(candidate.name.as_ref()))?;
        row.serialize_field("via", via)?;
        row.serialize_field("turn", &candidate.turn)?;
        row.serialize_field("rtt_ms", &candidate.rtt.map(ms))?;
        row.serialize_field("total_ms", &candidate.total.map(ms))?;
        row.serialize_field("load", &candidate.load.map(Load::share))?;
        row.serialize_field("labels", &candidate.labels)?;
        row.serialize_field("sent", &candidate.sent)?;
        row.serialize_field("state", candidate.state.as_str())?;
        row.serialize_field("says", &candidate.says.map(CandidateState::as_str))?;
        row.serialize_field("fault", &candidate.fault.map(TurnFault::as_str))?;
        row.serialize_field("answered_from", &candidate.answered_from)?;
        row.serialize_field("unasked", &candidate.unasked.map(Unasked::as_str))?;
        row.serialize_field("unlisted", &candidate.unlisted)?;
        row.end()
    }
}

/// Null where nobody was asked: whoever was has one at least.
fn asked(urls: &[TurnUrl]) -> Option<Vec<String>> {
    (!urls.is_empty()).then(|| texts(urls))
}

fn texts(urls: &[TurnUrl]) -> Vec<String> {
    urls.iter().map(TurnUrl::to_string).collect()
}

fn text(name: Option<&Name>) -> Option<&str> {
    name.map(Name::as_str)
}

/// Milliseconds, rounded to microseconds.
fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3 * 1e3).round() / 1e3
}
