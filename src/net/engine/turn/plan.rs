use std::time::Duration;

use crate::types::{TurnCredentials, TurnHealth};

/// What is checked, and how.
#[derive(Debug, Clone)]
pub struct CheckPlan {
    /// How deep. Each level has those before it in it.
    pub level: TurnHealth,
    /// Whose allocation it is; `None`: nobody's, which few servers give.
    pub credentials: Option<TurnCredentials>,
    /// How long the answer to one request may take.
    pub patience: Duration,
    /// Whether nothing is lost on the way there, as over TCP: then nothing is asked twice.
    pub reliable: bool,
}
