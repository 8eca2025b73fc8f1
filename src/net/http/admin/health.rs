//! Whether the server lives, and whether it is of any use, for who starts and restarts it.

use axum::extract::State;
use axum::http::StatusCode;

use super::desk::{AdminDesk, ended};
use crate::net::http::problem::HttpProblem;
use crate::types::ServerState;

/// Whether all its parts work: where one does not, a restart helps.
pub(super) async fn alive(State(desk): State<AdminDesk>) -> Result<&'static str, HttpProblem> {
    if desk.watcher.is_whole() { Ok("ok\n") } else { Err(ended()) }
}

/// Whether it has something to offer too.
pub(super) async fn ready(State(desk): State<AdminDesk>) -> Result<&'static str, HttpProblem> {
    let status = desk.status()?;
    if !desk.watcher.is_whole() {
        return Err(ended());
    }
    match status.state {
        ServerState::Offering => Ok("offering\n"),
        state => {
            let why = status.fault.map(|fault| format!(": its TURN server {fault}"));
            let detail = format!("its state is {}{}", state.as_str(), why.unwrap_or_default());
            Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail))
        }
    }
}
