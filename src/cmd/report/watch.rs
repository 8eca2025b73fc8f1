use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use turn_balance::{Labels, Load, Name, Selection, TurnUrl, WatchChange, WatchReason};

use super::ms::Ms;
use super::probe::{HopReport, RunnerUpReport};
use super::problem::Problem;
use super::trace::share_or_null;

/// Another TURN server is to be used, or none.
#[derive(Debug, Serialize)]
pub(crate) struct WatchReport {
    /// Seconds since 1970.
    pub(crate) timestamp: f64,
    #[serde(serialize_with = "word")]
    pub(crate) reason: Option<WatchReason>,
    pub(crate) turn: Option<SocketAddr>,
    pub(crate) listed: Option<SocketAddr>,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Option<Ms>,
    pub(crate) verified: Option<bool>,
    /// Among how many it was drawn.
    pub(crate) drawn: Option<u32>,
    #[serde(serialize_with = "share_or_null")]
    pub(crate) load: Option<Load>,
    pub(crate) labels: Labels,
    pub(crate) urls: Option<Vec<String>>,
    pub(crate) path: Vec<HopReport>,
    pub(crate) runners_up: Vec<RunnerUpReport>,
    pub(crate) left: Option<LeftReport>,
    pub(crate) error: Option<Problem>,
}

/// The TURN server that was used before.
#[derive(Debug, Serialize)]
pub(crate) struct LeftReport {
    pub(crate) turn: SocketAddr,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Ms,
}

impl WatchReport {
    pub(crate) const SCHEMA: &str = "tb.watch/1";

    /// What is told of a change.
    pub(crate) fn of(change: &WatchChange, now: SystemTime) -> Self {
        let left = change.left.as_ref().map(LeftReport::from);
        let reason = Some(change.reason);
        let nothing = Self { reason, left, ..Self::nothing(now) };
        let Some(selection) = &change.selection else { return nothing };
        let urls = selection.urls.iter().map(TurnUrl::to_string);
        Self {
            turn: Some(selection.turn),
            listed: selection.listed,
            name: selection.name.as_ref().map(Name::to_string),
            rtt_ms: Some(selection.rtt.into()),
            verified: Some(selection.verified),
            drawn: selection.drawn,
            load: selection.load,
            labels: selection.labels.clone(),
            urls: (!selection.urls.is_empty()).then(|| urls.collect()),
            path: selection.path.iter().map(HopReport::from).collect(),
            runners_up: selection.runners_up.iter().map(RunnerUpReport::from).collect(),
            ..nothing
        }
    }

    /// Nothing was found.
    pub(crate) fn failed(problem: &Problem, now: SystemTime) -> Self {
        Self { error: Some(problem.clone()), ..Self::nothing(now) }
    }

    fn nothing(now: SystemTime) -> Self {
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            timestamp: since_1970.as_micros() as f64 / 1e6,
            reason: None,
            turn: None,
            listed: None,
            name: None,
            rtt_ms: None,
            verified: None,
            drawn: None,
            load: None,
            labels: Labels::default(),
            urls: None,
            path: Vec::new(),
            runners_up: Vec::new(),
            left: None,
            error: None,
        }
    }
}

impl From<&Selection> for LeftReport {
    fn from(left: &Selection) -> Self {
        let name = left.name.as_ref().map(Name::to_string);
        Self { turn: left.turn, name, rtt_ms: left.rtt.into() }
    }
}

fn word<S: Serializer>(reason: &Option<WatchReason>, serializer: S) -> Result<S::Ok, S::Error> {
    match reason {
        Some(reason) => serializer.serialize_str(reason.as_str()),
        None => serializer.serialize_str("not-found"),
    }
}
