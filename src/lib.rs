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
//! Features: `client` ([`Balance`], [`Pinger`]), `server` ([`Server`], [`Config`]), `cli` (the
//! command line, both of them, and the default). An application that embeds the client alone takes
//! it with `default-features = false, features = ["client"]`.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(
    not(feature = "internals"),
    expect(
        unreachable_pub,
        dead_code,
        reason = "the rooms behind the face are open to tests alone"
    )
)]
#![cfg_attr(
    not(feature = "server"),
    expect(unused_imports, reason = "a client needs not all words that it shares with servers")
)]

#[cfg(feature = "server")]
mod config;
#[cfg(any(feature = "client", feature = "server"))]
mod error;
#[cfg(any(feature = "client", feature = "server"))]
mod net;
mod types;

#[cfg(feature = "server")]
pub use config::{
    BareAnswers, Cluster, Config, ConfigError, Diagnostic, KeyError, KeyFile, Label, Log,
    LogFormat, LogLevel, Net, NodeEntry, RequestLimits, Turn, TurnHealth,
};
#[cfg(any(feature = "client", feature = "server"))]
pub use error::{Error, SocketOperation};
#[cfg(feature = "client")]
pub use net::engine::client::descent::{
    Candidate, CandidateState, Cost, Failure, Hop, Limits, Obstacle, Parent, Progress, RunnerUp,
    Selection, Strategy, Trace, View, Why,
};
#[cfg(feature = "client")]
pub use net::engine::client::echo::Echo;
#[cfg(feature = "client")]
pub use net::io::client::{Balance, Builder, Pinger, PingerBuilder};
#[cfg(feature = "server")]
pub use net::io::server::Server;
#[cfg(feature = "server")]
pub use types::Rates;
pub use types::{
    DEFAULT_PORT, Endpoint, EndpointError, Family, Name, NameError, Prefix, PrefixError,
};

/// The rooms behind the public face, for this project's own tests, simulator and fuzzer. Nothing
/// here is promised to anybody.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    pub use crate::net::{engine, fault, wire};
    pub use crate::types::Scope;
}

// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
