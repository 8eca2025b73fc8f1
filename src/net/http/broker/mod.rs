//! The broker: what a balance server lists, for whoever can only ask by HTTP, and credentials for the TURN
//! servers there.

mod answer;
mod asked;
mod caller;
mod desk;
mod lists;
mod routes;
mod running;
mod servers;

pub use running::Broker;
