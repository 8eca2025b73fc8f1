//! What a client was built with.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "https")]
use super::https::HttpsSettings;
use super::nat64::Nat64LookUps;
use super::roots::Roots;
use super::shared::SharedSocket;
use crate::net::engine::client::descent::Options;

/// What every descent of a [`Balance`](crate::Balance) goes by.
#[derive(Debug)]
pub(super) struct Settings {
    /// `None`: none is asked by UDP.
    pub(super) roots: Option<Roots>,
    /// `None`: none is asked by HTTPS.
    #[cfg(feature = "https")]
    pub(super) https: Option<HttpsSettings>,
    pub(super) options: Options,
    pub(super) linger: Duration,
    pub(super) nat64: Nat64LookUps,
    /// What the application gave to send from; `None`: a fresh one each.
    pub(super) socket: Option<Arc<SharedSocket>>,
}
