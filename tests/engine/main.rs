//! The engines on simulated time: a cascade with loss, duplication, reordering, dead ends, liars.

mod cascade;
mod deep;
mod descent;
mod draining;
mod drops;
mod echo;
mod exchange;
mod honesty;
mod icmp;
mod liars;
mod limits;
mod links;
mod lists;
mod members;
mod nat64;
mod on_link;
mod order;
mod outlook;
mod rogues;
mod roots;
mod scope;
mod turn;
mod turns;
mod verify;
mod ways;
