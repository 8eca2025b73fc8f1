//! HTTP: what bounds each connection, whoever it is for, the broker that web pages and back ends ask, and the
//! admin interface, which operators do.
//!
//! The broker reads the server only as others do: by asking it. The admin interface sees what a program
//! that runs one sees.

pub(crate) mod admin;
mod admission;
pub(crate) mod broker;
mod certificate;
mod client_addr;
mod connection;
mod listener;
#[cfg(feature = "internals")]
pub mod parsers;
mod problem;
mod query;
mod quota;
mod renewed;
mod stall;
