//! Descents by HTTPS and TCP over real sockets: `root` asks for lists (`get`, `document`), `connect` measures,
//! `run` moves a descent. `parsers` is for the fuzzer.

mod connect;
mod document;
mod get;
#[cfg(feature = "internals")]
pub mod parsers;
mod root;
mod run;

pub(super) use run::{HttpsSettings, descend};
