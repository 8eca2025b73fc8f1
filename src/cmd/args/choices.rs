//! The words that flags choose from.

use clap::ValueEnum;
use turn_balance::{Strategy, View};

/// How a descent chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StrategyArg {
    /// Measure, and take the server with the shortest round trip
    Best,
    /// Take the first answer on every level
    First,
}

impl From<StrategyArg> for Strategy {
    fn from(strategy: StrategyArg) -> Self {
        match strategy {
            StrategyArg::Best => Self::Best,
            StrategyArg::First => Self::First,
        }
    }
}

/// Which list servers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViewArg {
    /// Flat lists, as `tb probe` asks for them
    Flat,
    /// Every level of the cascade
    Subordinates,
}

impl From<ViewArg> for View {
    fn from(view: ViewArg) -> Self {
        match view {
            ViewArg::Flat => Self::Flat,
            ViewArg::Subordinates => Self::Subordinates,
        }
    }
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnOff {
    On,
    Off,
}
