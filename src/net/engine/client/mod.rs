//! The client: descents, and one server measured again and again.

pub mod descent;
pub mod echo;
