//! What a file says: TOML -> values, and where each of them stands.

mod admin;
mod cluster;
mod duration;
mod http;
mod keys;
mod labels;
mod limits;
mod locate;
mod log;
mod nearest;
mod net;
mod read;
mod reader;
mod syntax;
mod turn;
mod turn_server;
mod value;

pub(super) use duration::written;
pub(super) use read::read;
