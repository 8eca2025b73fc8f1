//! The network: `wire <- engine <- io`. Imports go this one way.
//!
//! [`wire`] turns bytes into messages and back; [`engine`] decides, with time and random numbers
//! handed in; `io` is the only room with sockets, the clock and tokio.

// First, for its macro, which the rooms below have by that.
#[macro_use]
pub mod fault;

pub mod engine;
#[cfg(feature = "http")]
pub(crate) mod http;
pub(crate) mod io;
pub mod wire;
