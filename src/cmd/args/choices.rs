//! The words that flags choose from.

use clap::ValueEnum;
use serde::Serialize;
use turn_balance::Family;

/// How a descent chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Strategy {
    /// Measure, and take the server with the shortest round trip
    Best,
    /// Take the first answer on every level
    First,
}

impl From<Strategy> for turn_balance::Strategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Best => Self::Best,
            Strategy::First => Self::First,
        }
    }
}

/// Which list servers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum View {
    /// Flat lists, as `tb probe` asks for them
    Flat,
    /// Every level of the cascade
    Subordinates,
}

impl From<View> for turn_balance::View {
    fn from(view: View) -> Self {
        match view {
            View::Flat => Self::Flat,
            View::Subordinates => Self::Subordinates,
        }
    }
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// What every client command can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, awk and shell scripts
    Text,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
}

/// An IP version.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Version {
    #[value(name = "4")]
    V4,
    #[value(name = "6")]
    V6,
}

impl From<Version> for Family {
    fn from(version: Version) -> Self {
        match version {
            Version::V4 => Self::V4,
            Version::V6 => Self::V6,
        }
    }
}
