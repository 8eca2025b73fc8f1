//! Words that the configuration, the wire and the engines share. Below everything: it imports
//! nothing of this crate.

mod endpoint;
mod family;
mod name;
mod prefix;
mod quoted;
mod rates;
mod scope;

pub use endpoint::{DEFAULT_PORT, Endpoint, EndpointError};
pub(crate) use endpoint::{check_host, unmapped};
pub use family::Family;
pub use name::{Name, NameError};
pub use prefix::{Prefix, PrefixError};
pub(crate) use quoted::quoted;
pub use rates::Rates;
pub use scope::Scope;
