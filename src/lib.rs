//! Names the best TURN server for whoever asks.
//!
//! Balance servers form a cascade: a client asks the root, races the nodes it lists, goes down
//! where the answers come fastest, and ends at a TURN server.
//!
//! ```no_run
//! use std::net::SocketAddr;
//! use turn_balance::Balance;
//!
//! # async fn example() -> Result<(), turn_balance::Error> {
//! let server = "127.0.0.1:3001".parse().unwrap();
//! let balance = Balance::new(server).await?;
//! let node: SocketAddr = balance.probe(10).await?; // 10 seconds at most
//! # Ok(())
//! # }
//! ```
//!
//! [`Balance::builder`] sets several roots, the [`Strategy`], the time limit and the address
//! family; [`Balance::select`] tells how the answer was found and what it cost, and
//! [`Balance::trace`] everything the descent has seen. [`Server`] runs a balance server inside an
//! application, [`Pinger`] watches one.
//!
//! The decisions are made by the engines in [`net::engine`], which own no socket and no clock: a
//! simulator can run them.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod config;
mod error;
pub mod net;

pub use config::{
    Allowance, BareAnswers, Cluster, Config, ConfigError, DEFAULT_PORT, Diagnostic, Endpoint,
    EndpointError, Family, KeyError, KeyFile, Label, Log, LogFormat, LogLevel, Net, NodeEntry,
    Rates, Turn, TurnHealth,
};
pub use error::Error;
pub use net::engine::descent::{
    Candidate, CandidateState, Cost, Failure, Hop, Limits, Obstacle, Parent, RunnerUp, Selection,
    Strategy, Trace, View, Why,
};
pub use net::engine::echo::Echo;
pub use net::io::client::{Balance, Builder};
pub use net::io::pinger::Pinger;
pub use net::io::server::Server;
pub use net::wire::{Name, NameError, Prefix, PrefixError};

// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
