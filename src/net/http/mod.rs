//! HTTP: what bounds each connection, whoever it is for, and the broker that web pages and back ends ask.
//!
//! It reads the server only as others do: by asking it.

mod admission;
pub(crate) mod broker;
mod certificate;
mod client_addr;
mod connection;
mod listener;
#[cfg(feature = "internals")]
pub mod parsers;
mod problem;
mod quota;
mod renewed;
mod stall;
