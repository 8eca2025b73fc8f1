//! The admin interface over real sockets.

mod bounds;
mod cli;
mod dashboard;
mod documented;
mod doors;
mod endpoints;
mod many;
mod page;
mod prometheus;
mod world;
