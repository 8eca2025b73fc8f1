//! Words that the configuration, the wire and the engines share. Below everything: it imports
//! nothing of this crate.

mod endpoint;
mod family;
mod name;
#[cfg(any(feature = "client", feature = "server"))]
mod on_link;
mod prefix;
mod quoted;
#[cfg(feature = "server")]
mod rates;
mod scope;

pub use endpoint::{DEFAULT_PORT, Endpoint, EndpointError};
#[cfg(feature = "server")]
pub(crate) use endpoint::{check_host, unmapped};
pub use family::Family;
pub use name::{Name, NameError};
#[cfg(any(feature = "client", feature = "server"))]
pub use on_link::OnLink;
pub use prefix::{Prefix, PrefixError};
pub use quoted::escaped;
#[cfg(feature = "server")]
pub(crate) use quoted::{quoted, shell_quoted};
#[cfg(feature = "server")]
pub use rates::Rates;
#[cfg(any(feature = "client", feature = "server"))]
pub use scope::Scope;
