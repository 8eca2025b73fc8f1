//! What one balance server lists, and how the TURN servers on its list are reached.

#[cfg(feature = "serde")]
mod document;
mod inquiry;
mod listed;
mod whole;

pub use inquiry::{About, Inquiry, Told};
pub use listed::{ListedServer, ServerKind, ServerList};
pub use whole::WholeList;
