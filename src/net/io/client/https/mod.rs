//! Descents by HTTPS and TCP over real sockets: `root` asks for lists (`get`, `document`), `connect` measures,
//! `run` moves a descent.

mod connect;
mod document;
mod get;
mod root;
mod run;

pub(super) use run::{HttpsSettings, descend};
