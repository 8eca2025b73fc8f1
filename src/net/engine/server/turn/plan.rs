//! What is said of TURN servers: to the server which there are, by the server how they are.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::types::{Labels, Name, TurnCredentials, TurnFault, TurnHealth, TurnLogin};

/// A TURN server that a server is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnSpec {
    /// Where it is asked.
    pub addr: SocketAddr,
    /// Where clients are told it is.
    pub public: SocketAddr,
    /// What it is called.
    pub name: Option<Name>,
    /// What it is labelled with.
    pub labels: Labels,
    /// How it is asked.
    pub plan: HealthPlan,
}

/// How a TURN server is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HealthPlan {
    /// Not at all: it is taken to live.
    None,
    /// With STUN Binding.
    #[default]
    Binding,
    /// With that, and with allocations.
    Deep(DeepPlan),
}

/// How deep, and who asks.
#[derive(Debug, Clone)]
pub struct DeepPlan {
    level: TurnHealth,
    login: Arc<Option<TurnLogin>>,
}

impl HealthPlan {
    /// How deep, where it is.
    pub(super) fn deep(&self) -> Option<&DeepPlan> {
        match self {
            Self::Deep(plan) => Some(plan),
            Self::None | Self::Binding => None,
        }
    }

    /// Whether the same is asked of a TURN server, whoever asks.
    pub(super) fn is_as_deep(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Binding, Self::Binding) => true,
            (Self::Deep(plan), Self::Deep(other)) => plan.is_as_deep(other),
            _ => false,
        }
    }

    /// How deep, and who asks where the TURN server wants to know.
    pub fn new(level: TurnHealth, login: Option<TurnLogin>) -> Self {
        match level {
            TurnHealth::None => Self::None,
            TurnHealth::Binding => Self::Binding,
            TurnHealth::Allocate | TurnHealth::Relay => {
                Self::Deep(DeepPlan { level, login: Arc::new(login) })
            }
        }
    }
}

impl DeepPlan {
    /// Whether the same is asked of a TURN server, whoever asks.
    pub(super) fn is_as_deep(&self, other: &Self) -> bool {
        self.level == other.level
    }

    pub(super) fn level(&self) -> TurnHealth {
        self.level
    }

    /// Whose an allocation is that is made now, in seconds since 1970.
    pub(super) fn credentials(&self, unix: u64) -> Option<TurnCredentials> {
        (*self.login).as_ref().map(|login| login.credentials(unix))
    }
}

/// Secrets are compared by what they make: a file that is read again may have the same.
impl PartialEq for DeepPlan {
    fn eq(&self, other: &Self) -> bool {
        let made = |plan: &Self| plan.credentials(0);
        let same_login = Arc::ptr_eq(&self.login, &other.login) || made(self) == made(other);
        self.level == other.level && same_login
    }
}

impl Eq for DeepPlan {}

/// Which TURN server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnId {
    /// Where it is asked.
    pub addr: SocketAddr,
    /// Where clients are told it is.
    pub public: SocketAddr,
    /// What it is called.
    pub name: Option<Name>,
    /// Whether it stands beside the server; else it is a node.
    pub beside: bool,
}

/// What became known of a TURN server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnNews {
    /// It is offered from now on.
    Up(TurnId),
    /// It is not, and why.
    Down(TurnId, TurnFault),
    /// It forbids what would show that it relays.
    Unproved(TurnId),
    /// No node that is a TURN server has answered since the start; so many there are.
    NoneAnswered(usize),
}

impl TurnSpec {
    /// One that clients find where it is asked with STUN Binding.
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            public: addr,
            name: None,
            labels: Labels::default(),
            plan: HealthPlan::default(),
        }
    }

    pub(super) fn id(&self, beside: bool) -> TurnId {
        TurnId { addr: self.addr, public: self.public, name: self.name.clone(), beside }
    }
}
