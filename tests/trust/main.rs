//! Keys on simulated time: forgers, replayers, rotation, restarts, and nodes that join.

mod advertise;
mod answers;
mod forgers;
mod heartbeats;
mod joining;
mod keys;
mod recalled;
mod reload;
mod superiors;
mod trickle;
mod world;
