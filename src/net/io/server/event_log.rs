//! What the log says of nodes and of the TURN server.

use tracing::{debug, info, warn};

use super::check_sockets::CheckSockets;
use super::trouble_log;
use crate::net::engine::server::members::{MemberEvent, ONLINE};
use crate::net::engine::server::news::START_GRACE;
use crate::net::engine::server::reason::{Absentee, word};
use crate::net::engine::server::roll_call::Absentees;
use crate::net::engine::server::turn::{TurnId, TurnNews};
use crate::net::engine::server::{NodeCount, ServerEvent};
use crate::net::wire::Down;
use crate::types::{Name, seconds};

pub(super) fn write(event: ServerEvent, NodeCount { online, all }: NodeCount, from: &CheckSockets) {
    let online = format_args!("{online} of {all}").to_string();
    match event {
        ServerEvent::Turn(event) => turn(event, &online),
        ServerEvent::Missing(Absentees { named, all: missing, since }) => {
            let more = match missing - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let named: Vec<_> = named.iter().map(why).collect();
            let missing = format!("{}{more}", named.join(", "));
            let after = seconds(since);
            warn!(%after, %online, %missing, "nodes are not online");
        }
        ServerEvent::Complete => info!(%online, "all nodes are online"),
        ServerEvent::Trouble(event) => trouble_log::write(&event),
        ServerEvent::Draining => info!("draining: asks not to be chosen any more"),
        ServerEvent::Undrained => info!("draining no more"),
        ServerEvent::Node(MemberEvent::Online { addr, name }) => {
            info!(%addr, name = %text(name), %online, "node online");
        }
        ServerEvent::Node(MemberEvent::Offline { addr, name, said: None }) => {
            let name = text(name);
            warn!(%addr, %name, silent = ?ONLINE, %online, "node offline");
        }
        ServerEvent::Node(MemberEvent::Offline { addr, name, said: Some((state, fault)) }) => {
            let name = text(name);
            let why = fault.map_or_else(String::new, |fault| format!(": its TURN server {fault}"));
            let offers = format!("{}{why}", word(state));
            warn!(%addr, %name, %offers, %online, "node offline");
        }
        ServerEvent::Node(MemberEvent::Forgotten { addr }) => {
            info!(%addr, nodes = all, "node forgotten");
        }
        ServerEvent::Node(MemberEvent::Rerouted { addr }) if from.is_fixed() => {
            warn!(
                %addr,
                "silent node: its checks should leave from another port, in case that a NAT or \
                 firewall has forgotten this one, but `check-bind` in [cluster] fixes it"
            );
        }
        ServerEvent::Node(MemberEvent::Rerouted { addr }) => {
            debug!(%addr, "silent node: its checks leave from another port");
        }
        ServerEvent::Node(MemberEvent::NoneAnswered) => {
            let fixed = from.is_fixed();
            let from: Vec<_> = from.addrs().map(|addr| addr.to_string()).collect();
            warn!(
                after = ?START_GRACE,
                checks_from = %from.join(" "),
                nodes = all,
                "no node has answered: does a firewall drop checks or their answers?{}",
                if fixed { "" } else { " `check-bind` in [cluster] fixes the port" }
            );
        }
    }
}

fn text(name: Option<Name>) -> String {
    name.map_or_else(|| "-".into(), |name| name.to_string())
}

/// A node that is not online, and why.
fn why(Absentee { down: Down { addr, name, .. }, reason, .. }: &Absentee) -> String {
    let why = reason.as_str();
    match name {
        Some(name) => format!("{addr} ({name}): {why}"),
        None => format!("{addr}: {why}"),
    }
}

/// What is told of a TURN server; `online`: how many nodes are.
fn turn(event: TurnNews, online: &str) {
    match event {
        TurnNews::Up(TurnId { addr, public, beside: true, .. }) => {
            info!(turn = %public, checked_at = %addr, "TURN server up");
        }
        TurnNews::Down(TurnId { addr, public, beside: true, .. }, fault) => {
            warn!(turn = %public, checked_at = %addr, reason = %fault.as_str(), "TURN server down: {fault}");
        }
        TurnNews::Up(TurnId { addr, name, .. }) => {
            info!(%addr, name = %text(name), %online, "TURN server online");
        }
        TurnNews::Down(TurnId { addr, name, .. }, fault) => {
            let (name, reason) = (text(name), fault.as_str());
            warn!(%addr, %name, %reason, %online, "TURN server offline: {fault}");
        }
        TurnNews::Unproved(TurnId { addr, public, .. }) => {
            info!(
                turn = %public,
                checked_at = %addr,
                "whether the TURN server relays cannot be shown: it forbids its own addresses as peers"
            );
        }
        TurnNews::NoneAnswered(nodes) => {
            warn!(
                after = ?START_GRACE,
                nodes,
                "no TURN server of `nodes` has answered: does a firewall drop STUN or its answers?"
            );
        }
    }
}
