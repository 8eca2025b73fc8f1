//! Which of those that are listed somebody may have, by what they are labelled with.

use axum::http::StatusCode;

use crate::net::engine::client::list::{ListedServer, ServerKind};
use crate::net::http::problem::HttpProblem;
use crate::types::{LabelError, Policy, ServerLabel, quoted};

/// How many labels may stand under one word: more than anybody has use for, and each server is compared with all.
const MOST: usize = 32;

/// Takes a label that stands under a word. Returns whether that is one of these.
///
/// # Errors
/// It is no label, or one too many.
pub(super) fn take(policy: &mut Policy, word: &str, text: &str) -> Result<bool, HttpProblem> {
    let labels = match word {
        "require" => &mut policy.require,
        "prefer" => &mut policy.prefer,
        "exclude" => &mut policy.exclude,
        _ => return Ok(false),
    };
    let refused = |detail| HttpProblem::new(StatusCode::BAD_REQUEST, detail);
    let no_label =
        |error: LabelError| refused(format!("`{word}` has {}, but {error}", quoted(text)));
    let label: ServerLabel = text.parse().map_err(no_label)?;
    if labels.len() == MOST {
        return Err(refused(format!("`{word}` stands there more than {MOST} times")));
    }
    labels.push(label);
    Ok(true)
}

/// Leaves those that may be used, and balance servers that may lead to such, those that are preferred first; else they
/// stay in their order.
pub(super) fn filter(policy: &Policy, servers: &mut Vec<ListedServer>) {
    let leads = |server: &ListedServer| server.kind == ServerKind::Balance;
    servers.retain(|server| {
        let (labels, name) = (&server.labels, server.name.as_ref());
        let breach = if leads(server) { Policy::breach_below } else { Policy::breach };
        breach(policy, labels, name).is_none()
    });
    servers.sort_by_key(|server| match leads(server) {
        true => policy.misses_below(&server.labels),
        false => policy.misses(&server.labels, server.name.as_ref()),
    });
}
