//! What all who answer share.

use std::sync::Arc;

use super::caller::Callers;
use super::lists::Lists;

/// A handle of it.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) lists: Arc<Lists>,
    pub(super) callers: Callers,
}
