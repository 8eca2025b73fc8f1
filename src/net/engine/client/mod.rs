//! The client: descents, staying at what one has found, one server measured again and again, and what
//! one server lists.

pub mod crawl;
pub mod descent;
pub mod echo;
pub mod list;
#[cfg(feature = "https")]
pub mod streams;
pub mod watch;
