//! What a configuration means, as data: one file for each section.

mod admin;
mod cluster;
mod config;
mod http;
mod limits;
mod log;
mod net;
mod node;
mod turn;

pub use admin::{Admin, AdminAddr};
pub use cluster::Cluster;
pub use config::Config;
pub use http::{Http, NodeSecret};
pub use limits::{BareAnswers, RequestLimits};
pub use log::{Log, LogFormat, LogLevel};
pub use net::Net;
pub use node::NodeEntry;
pub use turn::{LoadSource, Turn, TurnServer};
