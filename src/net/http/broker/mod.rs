//! The broker: what a balance server lists, for whoever can only ask by HTTP, and credentials for the TURN
//! servers there.

mod access;
mod answer;
mod asked;
mod caller;
mod choice;
mod demo;
mod desk;
mod filter;
mod ice;
mod lists;
mod mint;
#[cfg(feature = "internals")]
pub(super) mod parsers;
mod rest;
mod routes;
mod running;
mod servers;
mod token;

pub use running::Broker;
