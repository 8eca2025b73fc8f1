//! Which of those that are listed somebody is given.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;

use super::answer::unlisted;
use super::filter::filter;
use super::lists::Lists;
use crate::net::engine::client::list::{ListedServer, ServerList};
use crate::net::http::problem::HttpProblem;
use crate::types::Policy;

/// How many levels are gone down for those that are nearest: more than any cascade has.
const MOST_LEVELS: usize = 8;

/// How many balance servers of a level are gone down into.
const NEAREST: usize = 3;

/// Those that somebody has measured, in his order, each TURN server once.
///
/// # Errors
/// Some are not listed: all of these.
pub(super) async fn ordered(
    lists: &Arc<Lists>,
    order: &[SocketAddr],
) -> Result<Vec<ListedServer>, HttpProblem> {
    lists.own().await?;
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for addr in order {
        match lists.find(*addr) {
            Some(server) if server.turn.is_some() => found.push(server),
            Some(_) => {
                let detail = format!("`{addr}` is a balance server with a list of its own");
                let problem = HttpProblem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
                return Err(problem.refused([addr.to_string()]));
            }
            None => unknown.push(*addr),
        }
    }
    if unknown.is_empty() { Ok(each_once(found)) } else { Err(unlisted(unknown)) }
}

/// Those that are nearest to the server that the broker speaks for, as far as it knows, of those that may be used; what
/// is preferred comes first.
///
/// # Errors
/// There is no list.
pub(super) async fn nearest(
    lists: &Arc<Lists>,
    policy: &Policy,
) -> Result<Vec<ListedServer>, HttpProblem> {
    let mut level: Vec<Arc<ServerList>> = vec![lists.own().await?];
    for _ in 0..MOST_LEVELS {
        let all = level.iter().flat_map(|list| &list.servers).cloned().collect();
        let mut all = by_time(all);
        filter(policy, &mut all);
        let (turns, mut below): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|server| server.turn.is_some());
        if !turns.is_empty() {
            return Ok(each_once(turns));
        }
        // Who is known to have what is required, before who may yet have it.
        below.sort_by_key(|server| !policy.allows(&server.labels, server.name.as_ref()));
        let mut next = Vec::new();
        for server in below.into_iter().take(NEAREST) {
            next.extend(lists.below(server.addr).await.ok());
        }
        level = next;
    }
    Ok(Vec::new())
}

/// The nearest first; those whose time is not known come last.
fn by_time(mut servers: Vec<ListedServer>) -> Vec<ListedServer> {
    servers.sort_by_key(|server| server.rtt.unwrap_or(Duration::MAX));
    servers
}

/// Two leaves may name one TURN server.
fn each_once(mut servers: Vec<ListedServer>) -> Vec<ListedServer> {
    let mut seen = BTreeSet::new();
    servers.retain(|server| server.turn.is_some_and(|turn| seen.insert(turn)));
    servers
}
