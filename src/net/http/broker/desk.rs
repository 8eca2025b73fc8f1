//! What all who answer share.

use std::sync::Arc;

use super::access::Access;
use super::caller::Callers;
use super::lists::Lists;
use super::mint::Mint;

/// A handle of it.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) lists: Arc<Lists>,
    pub(super) callers: Callers,
    pub(super) access: Arc<Access>,
    pub(super) mint: Arc<Mint>,
}
