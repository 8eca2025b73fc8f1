//! The words that flags choose from.

use clap::ValueEnum;
use turn_balance::{Strategy, Transport, Verify, View};

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

/// By which means a descent goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TransportArg {
    /// UDP; HTTPS and TCP where no root answers by UDP within a second, if there is an https root
    Auto,
    /// UDP alone
    Udp,
    /// HTTPS for lists, and TCP for TURN servers
    Https,
}

impl TransportArg {
    /// The one that alone is to be used, if any.
    pub(crate) fn only(self) -> Option<Transport> {
        match self {
            Self::Auto => None,
            Self::Udp => Some(Transport::Udp),
            Self::Https => Some(Transport::Https),
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

/// Whether the TURN servers themselves are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyArg {
    /// Take the leaves at their word
    Off,
    /// Ask, but for `--strategy first`, and pass over those that are silent while one is not
    On,
    /// Ask, and name none that has not answered
    Require,
}

impl From<VerifyArg> for Verify {
    fn from(verify: VerifyArg) -> Self {
        match verify {
            VerifyArg::Off => Self::Off,
            VerifyArg::On => Self::On,
            VerifyArg::Require => Self::Require,
        }
    }
}
