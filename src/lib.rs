//! Names the best TURN server for whoever asks.
//!
//! WebRTC calls that cannot go direct pass through a TURN server, and the nearest healthy one makes
//! the call good. Balance servers form a cascade: a client asks the root, races the nodes that it
//! lists, goes down where the answers come fastest, and ends at a TURN server. No geo database, no
//! central state: what counts is the time that an answer takes.
//!
//! # The address alone
//!
//! ```no_run
//! # #[cfg(feature = "client")] async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::net::SocketAddr;
//! use turn_balance::Balance;
//!
//! let server = "203.0.113.7:3001".parse()?;
//! let balance = Balance::new(server).await?;
//! let node: SocketAddr = balance.probe(10).await?; // 10 seconds at most
//! # Ok(())
//! # }
//! ```
//!
//! # With options, and how it was found
//!
//! [`Balance::builder`] takes several roots, by address or by name, and what else there is to choose;
//! [`Balance::select`] gives a [`Selection`]: the TURN server, the way to it, who came next, and what
//! it cost.
//!
//! ```no_run
//! # #[cfg(feature = "client")] async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use turn_balance::{Balance, Endpoint, Error, Family, Strategy, View, Why};
//!
//! let root: Endpoint = "root.example".parse()?;
//! let balance = Balance::builder()
//!     .root(root)
//!     .family(Family::V4)
//!     .strategy(Strategy::Best)
//!     .view(View::Flat)
//!     .timeout(Duration::from_secs(2))
//!     .build()
//!     .await?;
//! match balance.select().await {
//!     Ok(selection) => {
//!         println!("{} at {:?}", selection.turn, selection.rtt);
//!         for hop in selection.path {
//!             println!("by {} of level {}", hop.addr, hop.level);
//!         }
//!         for other in selection.runners_up.iter().filter(|other| other.why == Why::Slower) {
//!             println!("then {} at {:?}", other.turn, other.rtt);
//!         }
//!         println!("for {} datagrams", selection.cost.datagrams);
//!     }
//!     Err(Error::NotFound(failure)) => println!("nobody: {failure}"),
//!     Err(Error::Socket { operation, addr, .. }) => println!("cannot {operation} {addr}"),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What a WebRTC client needs
//!
//! With [`Builder::urls`] a descent asks how the TURN servers are reached, and an [`IceConfiguration`] is
//! what a WebRTC client is given: W3C's `RTCConfiguration` with the feature `serde`. A [`TurnSecret`]
//! mints the credentials for it.
//!
//! ```no_run
//! # #[cfg(feature = "client")] async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use turn_balance::{Balance, Endpoint, IceConfiguration, TurnCredentials, TurnSecret};
//!
//! let root: Endpoint = "root.example".parse()?;
//! let balance = Balance::builder().root(root).urls(true).build().await?;
//! let credentials: TurnCredentials = TurnSecret::new("north-wind").mint(1_795_778_101, "me");
//! let ice = IceConfiguration::new(&balance.select().await?, 1).credentials(&credentials);
//! for server in &ice.ice_servers {
//!     println!("{:?}", server.urls.iter().map(ToString::to_string).collect::<Vec<_>>());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Where UDP is blocked
//!
//! With the feature `https` a root may be an [`HttpsUrl`] too. When no other root has answered for a second,
//! or there is none, its list comes by HTTPS and TURN servers are measured by TCP: the
//! [`Transport`] of a [`Selection`] says so, and the first of its `urls` is what works without UDP.
//!
#![cfg_attr(feature = "https", doc = "```no_run")]
#![cfg_attr(not(feature = "https"), doc = "```ignore")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use turn_balance::{Balance, Endpoint, Error, Failure, HttpsFailure, Transport};
//!
//! let balance = Balance::builder()
//!     .root("root.example".parse::<Endpoint>()?)
//!     .https_root("https://root.example".parse()?)
//!     .build()
//!     .await?;
//! match balance.select().await {
//!     Ok(found) if found.transport == Transport::Https => println!("without UDP: {}", found.urls[0]),
//!     Ok(found) => println!("{}", found.turn),
//!     Err(Error::NotFound(Failure::Https { why: HttpsFailure::NoList { roots, .. }, .. })) => {
//!         for failed in roots {
//!             println!("{} {}", failed.root, failed.fault);
//!         }
//!     }
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # By labels
//!
//! Whoever runs a server labels it (`net.labels`, `region = "eu"`), and all below it. [`Builder::require`] and
//! [`Builder::exclude`] are a law: whoever is not known to keep it is never named, also where nobody else
//! lives, and [`Failure::RuledOut`] counts them. [`Builder::prefer`] is an order among the others, before time.
//!
//! ```no_run
//! # #[cfg(feature = "client")] async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use turn_balance::{Balance, Breach, Endpoint, Error, Failure, ServerLabel};
//!
//! let tier: ServerLabel = "tier=gold".parse()?;
//! let balance = Balance::builder()
//!     .root("root.example".parse::<Endpoint>()?)
//!     .require(["region=eu".parse()?])
//!     .prefer([tier.clone()])
//!     .exclude(["name=fra-b".parse()?])
//!     .build()
//!     .await?;
//! match balance.select().await {
//!     Ok(found) => println!("{}, gold: {}", found.turn, found.labels.get(tier.key()) == Some("gold")),
//!     Err(Error::NotFound(Failure::RuledOut { left_out, .. })) => {
//!         let excluded = left_out.iter().filter(|one| matches!(one.by, Breach::Excluded(_)));
//!         println!("{} are excluded", excluded.map(|one| one.servers).sum::<usize>());
//!     }
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Staying
//!
//! [`Balance::watch`] selects and stays: it measures the TURN server that was selected, and two that stand by,
//! every 5 s, goes down again every 5 min and when the network of the host changes, and tells of each change
//! with its [`WatchReason`]. It moves when the TURN server is silent for three requests a second apart, at once
//! when its leaf says that it is draining or full, and else only to one that is nearer by 10 ms and a third for
//! three measurements. Where [`Builder::runners_up`] are wanted it tells of these too, and as many stand by. It goes
//! by UDP alone.
//!
//! ```no_run
//! # #[cfg(feature = "client")] async fn example(balance: turn_balance::Balance) -> Result<(), turn_balance::Error> {
//! let mut watch = balance.watch()?;
//! loop {
//!     match watch.next().await {
//!         Ok(change) => match change.selection {
//!             Some(selection) => println!("use {}: {}", selection.turn, change.reason),
//!             None => println!("nobody answers any more"),
//!         },
//!         Err(error) => println!("{error}, and it goes on looking"),
//!     }
//! }
//! # }
//! ```
//!
//! # Every candidate
//!
//! [`Balance::trace`] tells all that a descent has seen, also where it finds nothing. [`Pinger`]
//! watches one server.
//!
//! ```no_run
//! # #[cfg(feature = "client")] async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use turn_balance::{Balance, CandidateState};
//!
//! let trace = Balance::new("203.0.113.7:3001".parse()?).await?.trace().await?;
//! for silent in trace.candidates.iter().filter(|c| c.state == CandidateState::Silent) {
//!     println!("level {}: {} is silent", silent.level, silent.addr);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # When it fails
//!
//! Every error can be matched without reading its text. A descent that finds nothing gives a
//! [`Failure`], which says how far it came.
//!
//! ```no_run
//! # #[cfg(feature = "client")] async fn example(balance: turn_balance::Balance) {
//! use turn_balance::{CandidateState, Error, Failure, Obstacle, Parent};
//!
//! match balance.select().await.map(|selection| selection.turn) {
//!     Ok(turn) => println!("{turn}"),
//!     Err(Error::NotFound(Failure::NoAnswer { below: None, waited, .. })) => {
//!         println!("no root has answered in {waited:?}");
//!     }
//!     Err(Error::NotFound(Failure::NoAnswer { below: Some(Parent { addr, .. }), asked, .. })) => {
//!         println!("none of the {asked} that {addr} lists has answered");
//!     }
//!     Err(Error::NotFound(Failure::Unreachable { addr, obstacle: Obstacle::Port, .. })) => {
//!         println!("{addr} is not running");
//!     }
//!     Err(Error::NotFound(Failure::Unreachable { addr, obstacle, .. })) => {
//!         println!("{obstacle} {addr}"); // there is no way to 203.0.113.7:3001
//!     }
//!     Err(Error::NotFound(Failure::DeadEnd { at, state: CandidateState::TurnDown, .. })) => {
//!         println!("the TURN server beside {at} is down");
//!     }
//!     Err(error) => println!("{error}"),
//! }
//! # }
//! ```
//!
//! # A server
//!
//! [`Server`] runs a balance server inside an application, with the [`Config`] that a `balance.toml`
//! means.
//!
//! ```no_run
//! # #[cfg(feature = "server")] async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use turn_balance::{Config, Error, KeyError, NodeEntry, Server};
//!
//! let mut config = Config::parse("net.bind = '0.0.0.0:3001'", "balance.toml")?;
//! config.cluster.nodes.push(NodeEntry::new("leaf.example".parse::<turn_balance::Endpoint>()?));
//! let server = match Server::start(config).await {
//!     Ok(server) => server,
//!     Err(Error::Key(KeyError::Open { file, .. })) => panic!("chmod 600 {}", file.display()),
//!     Err(error) => return Err(error.into()),
//! };
//! println!("listening on {:?}", server.addrs());
//! let error = server.failed().await; // only where it cannot go on
//! server.drain(); // before a planned end: clients go elsewhere from now on
//! # Err(error.into())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `client` | [`Balance`], [`Watching`], [`Pinger`] and what they give |
//! | `https` | roots by HTTPS, for networks without UDP |
//! | `server` | [`Server`] and [`Config`] |
//! | `http` | [`Broker`]: what a server lists, and credentials, by HTTP; [`AdminListener`]: what it is doing |
//! | `serde` | [`Selection`] and [`Trace`] in the shape of `tb probe --json` and `tb trace --json`, [`IceConfiguration`] |
//! | `cli` | the command line, with all of the above; the default |
//!
//! An application that embeds the client alone takes the package with `default-features = false,
//! features = ["client"]`. All of it runs on tokio, and tells what it does through `tracing`.
//!
// Of a half that is left out there is nothing to link to but the table that says what brings it.
#![cfg_attr(
    not(feature = "client"),
    doc = "[`Balance`]: #features
[`Builder::exclude`]: #features
[`Builder::prefer`]: #features
[`Builder::require`]: #features
[`Builder::runners_up`]: #features
[`Builder::urls`]: #features
[`IceConfiguration`]: #features
[`Balance::builder`]: #features
[`Transport`]: #features
[`Balance::select`]: #features
[`Balance::trace`]: #features
[`Failure`]: #features
[`Failure::RuledOut`]: #features
[`Pinger`]: #features
[`Selection`]: #features
[`Trace`]: #features
[`Balance::watch`]: #features
[`Watching`]: #features
[`WatchReason`]: #features"
)]
#![cfg_attr(
    not(feature = "server"),
    doc = "[`Config`]: #features
[`Server`]: #features"
)]
#![cfg_attr(
    not(feature = "http"),
    doc = "[`Broker`]: #features
[`AdminListener`]: #features"
)]
#![cfg_attr(not(any(feature = "client", feature = "server")), doc = "[`TurnSecret`]: #features")]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(
    not(feature = "internals"),
    deny(clippy::exhaustive_structs, clippy::exhaustive_enums, clippy::return_self_not_must_use)
)]
#![cfg_attr(
    not(feature = "internals"),
    expect(
        unreachable_pub,
        dead_code,
        reason = "the rooms behind the face are open to tests alone"
    )
)]
#![cfg_attr(
    all(feature = "client", not(feature = "server")),
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
    Admin, AdminAddr, BareAnswers, Cluster, Config, ConfigError, Diagnostic, Difference, Http,
    KeyError, KeyFile, Label, LoadSource, Log, LogFormat, LogLevel, Net, NodeEntry, NodeSecret,
    Reloaded, RequestLimits, SecretKind, Turn, TurnServer,
};
#[cfg(any(feature = "client", feature = "server"))]
pub use error::{Error, SocketOperation};
#[cfg(feature = "client")]
pub use net::engine::client::descent::{
    Candidate, CandidateState, Cost, Failure, Hop, IceConfiguration, IceServer, LeftOut, Limits,
    Obstacle, Parent, Progress, RunnerUp, Selection, Strategy, Trace, Transport, Unasked, Verify,
    View, Why,
};
#[cfg(feature = "client")]
pub use net::engine::client::echo::Echo;
#[cfg(feature = "client")]
pub use net::engine::client::list::{ListedServer, ServerKind, ServerList};
#[cfg(feature = "https")]
pub use net::engine::client::streams::{HttpsFailure, HttpsRootFault};
#[cfg(feature = "client")]
pub use net::engine::client::watch::{WatchChange, WatchReason};
#[cfg(feature = "http")]
pub use net::http::admin::AdminListener;
#[cfg(feature = "http")]
pub use net::http::broker::Broker;
#[cfg(feature = "client")]
pub use net::io::client::{
    Balance, Builder, Lister, ListerBuilder, Pinger, PingerBuilder, TurnDid, TurnEcho, TurnPinger,
    TurnPingerBuilder, Watching,
};
#[cfg(feature = "server")]
pub use net::io::server::Server;
#[cfg(feature = "client")]
pub use types::Breach;
#[cfg(feature = "https")]
pub use types::HttpsFault;
pub use types::{
    DEFAULT_PORT, Endpoint, EndpointError, Family, HttpsUrl, HttpsUrlError, LabelError, Labels,
    Load, Name, NameError, Prefix, PrefixError, ServerLabel, ServerUrl, ServerUrlError, TurnFault,
    TurnHealth, TurnScheme, TurnTransport, TurnUrl, TurnUrlError, Unresolved, UnresolvedRoot,
};
#[cfg(feature = "server")]
pub use types::{
    ListenAddr, MetricsUrl, MetricsUrlError, NameStatus, NodeCondition, NodeFault, NodeKind,
    NodeStatus, Rates, RttHistogram, ServerState, Status, SuperiorStatus, TrafficCounts,
    TroubleStatus,
};
#[cfg(any(feature = "client", feature = "server"))]
pub use types::{TurnCredentials, TurnSecret};

// For `tb`, which shows what is foreign as the library does, and reads secrets and times as servers do.
// Nobody else is promised it.
#[cfg(feature = "server")]
#[doc(hidden)]
pub use config::{secret_from, secret_line};
#[cfg(feature = "server")]
#[doc(hidden)]
pub use types::duration;
#[doc(hidden)]
pub use types::escaped;
// Nor how it looks at the whole of a cascade.
#[cfg(feature = "client")]
#[doc(hidden)]
pub use net::engine::client::crawl::{Stopped, TreeFault, TreeNode, TreeState, WholeTree};
#[cfg(feature = "client")]
#[doc(hidden)]
pub use net::io::client::Crawler;
// Nor how it asks a server what that is doing.
#[cfg(feature = "http")]
#[doc(hidden)]
pub use net::http::admin::ask::{AdminFault, AdminUrl};

/// The rooms behind the public face, for this project's own tests, simulator and fuzzer. Nothing
/// here is promised to anybody.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    pub use crate::net::http::parsers as http;
    pub use crate::net::io::client::https_parsers as https;
    pub use crate::net::{engine, fault, wire};
    #[cfg(feature = "client")]
    pub use crate::types::{Nat64, Policy};
    pub use crate::types::{OnLink, Scope, TurnLogin};
}

// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
