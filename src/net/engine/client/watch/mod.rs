//! Staying: the TURN server that a descent has found is measured again and again, beside two that could
//! stand in for it.
//!
//! [`WatchEngine`] says when to measure, when to go down again, and when to move. What it measures is a
//! `measured_turn`, and how far it is with that a `measurement`; `better` is who is worth a move, `named_standbys` which others are told of, `hurry` when a descent is
//! due, and `change` what is told.
//! A descent is not made here: whoever moves the engine makes it when
//! [`poll_descent`](WatchEngine::poll_descent) says so, and hands in what it finds.

mod better;
mod change;
mod hurry;
mod measured_turn;
mod measurement;
mod named_standbys;
mod watch_engine;

pub use change::{WatchChange, WatchReason};
pub use watch_engine::WatchEngine;
