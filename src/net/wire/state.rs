use crate::types::TurnFault;

/// What a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// It offers what it lists.
    #[default]
    Offering,
    /// It has no node online and no TURN server.
    Nothing,
    /// The TURN server beside it does not answer.
    TurnDown,
    /// It takes no more clients.
    Full,
    /// It asks not to be chosen any more.
    Draining,
}

impl State {
    /// Whether it offers something to those alone who find nobody else.
    pub fn is_reserve(self) -> bool {
        matches!(self, Self::Full | Self::Draining)
    }

    /// A state from the future is one that offers nothing.
    pub(super) fn from_wire(value: u64) -> Self {
        [Self::Offering, Self::Nothing, Self::TurnDown, Self::Full, Self::Draining]
            .into_iter()
            .find(|&state| state as u64 == value)
            .unwrap_or(Self::Nothing)
    }
}

impl From<TurnFault> for State {
    /// What a leaf says of itself whose TURN server has this fault.
    fn from(fault: TurnFault) -> Self {
        match fault {
            TurnFault::Quota | TurnFault::Capacity => Self::Full,
            TurnFault::Forbidden | TurnFault::Moved => Self::Draining,
            _ => Self::TurnDown,
        }
    }
}
