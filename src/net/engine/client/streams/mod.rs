//! A descent where UDP is blocked: the list comes by HTTPS, and what counts is how long TCP connects take.
//!
//! [`StreamDescent`] puts the parts together: `contest` asks, hears, goes down and decides, with `choices` (what can be chosen, in which order), `servers` (who is listed, and where each takes streams, by
//! `way`), `places` (the addresses, what was tried there, and the bounds of that), `ranking` (who is better
//! and near enough), `finals` (the TURN servers themselves). `told` is what comes out, `failure` why
//! nothing does, which `why` finds. `either` says when this runs beside a descent by UDP.

mod choices;
mod contest;
pub mod either;
mod failure;
mod finals;
mod places;
mod ranking;
mod servers;
mod stream_descent;
#[cfg(test)]
mod tests;
mod told;
mod way;
mod why;

pub use contest::{CameList, ListId, StreamAction};
pub use failure::{HttpsFailure, HttpsRootFault};
pub use places::PlaceId;
pub use stream_descent::StreamDescent;
