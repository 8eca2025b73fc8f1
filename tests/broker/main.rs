//! The broker over real sockets.

mod bounds;
mod described;
mod http;
mod ice;
mod lists;
mod servers;
mod world;
