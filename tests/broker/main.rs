//! The broker over real sockets.

mod below;
mod bounds;
mod described;
mod ice;
mod labels;
mod lists;
mod proxies;
mod rotated;
mod servers;
mod world;
