//! Words that the configuration, the wire and the engines share. Below everything: it imports
//! nothing of this crate.

mod canonical;
#[cfg(any(feature = "client", feature = "server"))]
mod day;
#[cfg(feature = "server")]
mod duration;
mod endpoint;
mod endpoint_error;
mod family;
mod host;
#[cfg(feature = "https")]
mod https_fault;
mod https_url;
mod labels;
mod link_addr;
#[cfg(feature = "server")]
mod listen_addr;
mod load;
#[cfg(feature = "server")]
mod metrics_url;
mod name;
#[cfg(feature = "client")]
mod nat64;
#[cfg(any(feature = "client", feature = "server"))]
mod on_link;
#[cfg(feature = "client")]
mod policy;
mod prefix;
mod quoted;
#[cfg(feature = "server")]
mod rates;
mod scope;
#[cfg(feature = "server")]
mod status;
mod turn_fault;
mod turn_health;
#[cfg(any(feature = "client", feature = "server"))]
mod turn_login;
#[cfg(any(feature = "client", feature = "server"))]
mod turn_rest;
mod turn_url;
mod unresolved;

#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use canonical::canonical;
#[cfg(feature = "client")]
pub(crate) use canonical::unscoped;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use day::Day;
#[cfg(feature = "server")]
pub use duration::duration;
#[cfg(feature = "server")]
pub(crate) use duration::seconds;
pub use endpoint::{DEFAULT_PORT, Endpoint};
pub use endpoint_error::EndpointError;
pub use family::Family;
#[cfg(any(feature = "server", feature = "dns"))]
pub(crate) use host::check_host;
#[cfg(feature = "server")]
pub(crate) use host::is_srv;
#[cfg(feature = "https")]
pub use https_fault::HttpsFault;
pub use https_url::{HttpsUrl, HttpsUrlError, ServerUrl, ServerUrlError};
pub use labels::{LabelError, Labels, ServerLabel};
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use link_addr::LinkAddr;
#[cfg(feature = "server")]
pub use listen_addr::ListenAddr;
pub use load::Load;
#[cfg(feature = "server")]
pub use metrics_url::{MetricsUrl, MetricsUrlError};
pub use name::{Name, NameError};
#[cfg(feature = "client")]
pub(crate) use nat64::IPV4_ONLY;
#[cfg(feature = "client")]
pub use nat64::Nat64;
#[cfg(any(feature = "client", feature = "server"))]
pub use on_link::OnLink;
#[cfg(feature = "client")]
pub use policy::{Breach, Policy};
pub use prefix::{Prefix, PrefixError};
pub use quoted::escaped;
#[cfg(feature = "server")]
pub(crate) use quoted::{quoted, shell_quoted};
#[cfg(feature = "server")]
pub use rates::Rates;
#[cfg(any(feature = "client", feature = "server"))]
pub use scope::Scope;
#[cfg(feature = "server")]
pub(crate) use status::{ListedStatus, Topology, TopologyNode};
#[cfg(feature = "server")]
pub use status::{
    NameStatus, NodeCondition, NodeFault, NodeKind, NodeStatus, RttHistogram, ServerState, Status,
    SuperiorStatus, TrafficCounts, TroubleStatus,
};
pub use turn_fault::TurnFault;
pub use turn_health::TurnHealth;
#[cfg(any(feature = "client", feature = "server"))]
pub use turn_login::TurnLogin;
#[cfg(any(feature = "client", feature = "server"))]
pub use turn_rest::{TurnCredentials, TurnSecret};
pub use turn_url::{TurnScheme, TurnTransport, TurnUrl, TurnUrlError};
pub use unresolved::{Unresolved, UnresolvedRoot};
