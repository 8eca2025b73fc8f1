//! `/api/v1/events`: what the server is doing, and from then on what changes, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::sleep;

use super::board::Board;
use crate::net::http::admin::desk::{AdminDesk, ended};
use crate::net::http::connection::ConnectionEnd;
use crate::net::http::problem::HttpProblem;

/// How often something is sent where nothing changes: more often than a connection may lie idle, and so that
/// pages, which wait for three of them, know soon that nobody is there.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Begins a stream. It ends with the connection's time, and then a page comes again.
pub(in crate::net::http::admin) async fn get(
    State(desk): State<AdminDesk>,
    Extension(end): Extension<ConnectionEnd>,
) -> Result<Response, HttpProblem> {
    desk.status()?;
    let Some(permit) = desk.live.enter() else {
        let detail = "as many pages are open as may be";
        return Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(5));
    };
    let boards = desk.live.boards().ok_or_else(ended)?;
    // Whoever does not read holds up this stream, and nothing collects for him but what is next.
    let (sender, body) = Channel::new(1);
    tokio::spawn(tell(boards, sender, end, permit));
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::new(body)).into_response())
}

async fn tell(
    mut boards: watch::Receiver<Arc<Board>>,
    mut sender: Sender<Bytes, Infallible>,
    mut end: ConnectionEnd,
    _permit: OwnedSemaphorePermit,
) {
    let mut told = boards.borrow_and_update().clone();
    let mut event = told.all();
    while sender.send_data(Bytes::from(event)).await.is_ok() {
        event = tokio::select! {
            () = end.comes() => return,
            () = sleep(HEARTBEAT) => ":\n\n".into(),
            changed = boards.changed() => {
                if changed.is_err() {
                    return;
                }
                let board = boards.borrow_and_update().clone();
                let event = board.since(&told);
                told = board;
                event
            }
        };
    }
}
