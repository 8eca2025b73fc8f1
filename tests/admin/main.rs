//! The admin interface over real sockets.

mod bounds;
mod documented;
mod doors;
mod endpoints;
mod http;
mod many;
mod prometheus;
mod world;
