//! The admin interface: what a server is doing, for its operator and his monitoring.

pub(crate) mod ask;
mod below;
mod desk;
mod gate;
mod health;
mod live;
mod metrics;
mod page;
mod probe;
mod probe_metrics;
mod probe_room;
mod routes;
mod running;
#[cfg(unix)]
mod unix;

pub use running::AdminListener;
