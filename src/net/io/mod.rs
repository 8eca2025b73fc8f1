//! Sockets, the clock and tokio: the only room that has them. It never prints or exits.

#[cfg(feature = "client")]
pub(crate) mod client;
#[cfg(feature = "dns")]
mod dns;
mod interfaces;
mod link;
mod look_up;
pub(crate) mod random;
mod resolve;
#[cfg(feature = "server")]
pub(crate) mod server;
mod socket;
mod source;
#[cfg(all(feature = "client", feature = "dns"))]
mod srv;
pub(crate) mod turn;
