//! The broker over real sockets.

mod http;
mod lists;
mod servers;
mod world;
