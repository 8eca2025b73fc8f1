//! What is told in sentences.

pub(crate) mod config;
pub(crate) mod descent;
pub(crate) mod ice;
pub(crate) mod ping;
pub(crate) mod ping_turn;
pub(crate) mod status;
pub(crate) mod tree;
pub(crate) mod watch;
pub(crate) mod words;
