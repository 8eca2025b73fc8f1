use super::admin::Admin;
use super::cluster::Cluster;
use super::http::Http;
use super::limits::RequestLimits;
use super::log::Log;
use super::net::Net;
use super::turn::Turn;

/// What a balance server runs with: the meaning of a `balance.toml`.
///
/// From a file ([`Config::load`]), from a text ([`Config::parse`]), or made by a program, which
/// starts from the defaults:
///
/// ```
/// use turn_balance::{Config, NodeEntry};
///
/// let config = Config::parse("net.bind = '127.0.0.1:0'", "balance.toml")?;
/// assert_eq!(config.net.bind, ["127.0.0.1:0".parse().unwrap()]);
///
/// let mut config = Config::default();
/// let addr: std::net::SocketAddr = "203.0.113.12:3001".parse().unwrap();
/// config.cluster.nodes.push(NodeEntry::new(addr));
/// config.validate()?;
/// # Ok::<(), turn_balance::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Config {
    /// `[net]`: where the server listens.
    pub net: Net,
    /// `[cluster]`: who stands above and below.
    pub cluster: Cluster,
    /// `[turn]`: the TURN server beside a leaf.
    pub turn: Turn,
    /// `[http]`: the broker, for web pages and back ends.
    pub http: Http,
    /// `[admin]`: where operators and monitoring ask.
    pub admin: Admin,
    /// `[limits]`: what strangers are allowed.
    pub limits: RequestLimits,
    /// `[log]`: what is logged.
    pub log: Log,
}
