use std::fmt;

/// `health`: how deep a TURN server is checked, from not at all to the deepest.
///
/// ```
/// use turn_balance::TurnHealth;
///
/// assert_eq!(TurnHealth::default().as_str(), "binding");
/// assert!(TurnHealth::Allocate < TurnHealth::Relay);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum TurnHealth {
    /// Not at all: it is always offered.
    None,
    /// Asked with STUN Binding (RFC 8489) every 3 s, and offered while it answers.
    #[default]
    Binding,
    /// That, and every 25 s or so it must allocate a relayed address (RFC 8656).
    Allocate,
    /// That, and what is sent to the relayed address must come back.
    Relay,
}

impl TurnHealth {
    /// Every depth.
    pub(crate) const ALL: [Self; 4] = [Self::None, Self::Binding, Self::Allocate, Self::Relay];

    /// The word for it in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Binding => "binding",
            Self::Allocate => "allocate",
            Self::Relay => "relay",
        }
    }

    /// Whether the TURN server must know who asks.
    pub(crate) fn needs_credentials(self) -> bool {
        self >= Self::Allocate
    }
}

impl fmt::Display for TurnHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
