//! Words that the configuration, the wire and the engines share. Below everything: it imports
//! nothing of this crate.

mod endpoint;
mod family;
mod name;
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
pub use prefix::{Prefix, PrefixError};
pub use quoted::escaped;
#[cfg(feature = "server")]
pub(crate) use quoted::{quoted, shell_quoted};
#[cfg(feature = "server")]
pub use rates::Rates;
#[cfg(any(feature = "client", feature = "server"))]
pub use scope::Scope;
