use std::fmt;
use std::net::SocketAddr;

/// `[turn]`: the TURN server beside a leaf.
///
/// Part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Turn {
    /// The TURN server's address, as clients must see it; `None`: there is none.
    pub bind: Option<SocketAddr>,
    /// How it is checked.
    pub health: TurnHealth,
}

/// `turn.health`: how the TURN server beside a leaf is checked.
///
/// Named in [`Turn`], part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TurnHealth {
    /// Asked with STUN Binding (RFC 8489) every 3 s, and offered while it answers.
    #[default]
    Binding,
    /// Not at all: it is always offered.
    None,
}

impl TurnHealth {
    /// Every way.
    pub(crate) const ALL: [Self; 2] = [Self::Binding, Self::None];

    /// The word for it in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::None => "none",
        }
    }
}

impl fmt::Display for TurnHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
