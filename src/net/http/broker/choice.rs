//! Which of those that are listed somebody is given.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;

use super::answer::unlisted;
use super::filter::filter;
use super::lists::Lists;
use crate::net::engine::client::descent::rank::{Lots, Spare, as_near_as};
use crate::net::engine::client::list::{ListedServer, ServerList};
use crate::net::http::problem::HttpProblem;
use crate::net::io::random;
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
/// is preferred comes first. Of those that are as near as the nearest one is drawn, as whoever measures would draw.
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
            return Ok(drawn(each_once(turns), policy));
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

/// Of the first, those that are as near by lists' times are put into the order of a draw, where lists tell what they have free.
fn drawn(mut servers: Vec<ListedServer>, policy: &Policy) -> Vec<ListedServer> {
    let (Ok(rng), Some(first)) = (random::rng(), servers.first()) else { return servers };
    let misses = |one: &ListedServer| policy.misses(&one.labels, one.name.as_ref());
    let (least, reach) = (misses(first), first.rtt.map(as_near_as));
    let is_near =
        |one: &&ListedServer| misses(one) == least && one.rtt.is_some() && one.rtt <= reach;
    let near = servers.iter().take_while(is_near).count();
    Lots::new(&rng).draw(&mut servers[..near], |one| {
        (one.turn.unwrap_or(one.addr), Spare { load: one.load, weight: one.weight })
    });
    servers
}

/// Two leaves may name one TURN server.
fn each_once(mut servers: Vec<ListedServer>) -> Vec<ListedServer> {
    let mut seen = BTreeSet::new();
    servers.retain(|server| server.turn.is_some_and(|turn| seen.insert(turn)));
    servers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::types::Load;

    fn server(n: u8, rtt: u64, load: Option<f64>, weight: u32, labels: &str) -> ListedServer {
        let rtt = Some(Duration::from_millis(rtt));
        let (load, labels) = (load.and_then(|used| Load::new(used, 100)), labels.parse().unwrap());
        let turn = ListedServer::turn(([203, 0, 113, n], 3478).into());
        ListedServer { rtt, load, weight, labels, ..turn }
    }

    /// How often each comes first of 400 times.
    fn first(servers: &[ListedServer], policy: &Policy) -> BTreeMap<SocketAddr, u32> {
        let mut times = BTreeMap::new();
        for _ in 0..400 {
            let order = drawn(servers.to_vec(), policy);
            assert_eq!(order.len(), servers.len());
            *times.entry(order[0].addr).or_default() += 1;
        }
        times
    }

    #[test]
    fn those_of_the_nearest_step_share_who_asks_by_what_they_have_free() {
        let servers = [
            server(1, 8, Some(75.0), 1, ""),
            server(2, 8, Some(25.0), 1, ""),
            server(3, 24, Some(0.0), 999, ""),
        ];
        let times = first(&servers, &Policy::default());
        assert_eq!(times.len(), 2, "{times:?}");
        // One in 13 million runs is further from 100 and 300 than that.
        assert!((55..=145).contains(&times[&servers[0].addr]), "{times:?}");
        let untold = [server(1, 8, None, 1, ""), server(2, 8, None, 9, "")];
        assert_eq!(first(&untold, &Policy::default()), BTreeMap::from([(untold[0].addr, 400)]));
    }

    #[test]
    fn what_is_preferred_is_not_drawn_away() {
        let prefer = "tier=gold".parse().into_iter().collect();
        let policy = Policy { prefer, ..Policy::default() };
        let servers = [server(1, 8, Some(90.0), 1, "tier=gold"), server(2, 8, Some(0.0), 99, "")];
        assert_eq!(first(&servers, &policy), BTreeMap::from([(servers[0].addr, 400)]));
    }
}
