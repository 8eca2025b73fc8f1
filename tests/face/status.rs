//! What a server is doing, read by a program.

use turn_balance::{
    Config, Endpoint, NameStatus, NodeCondition, NodeFault, NodeKind, NodeStatus, RttHistogram,
    Server, ServerState, Status, SuperiorStatus, TrafficCounts, TroubleStatus, TurnFault,
};

/// Whether there is something that an operator must look at.
fn needs_a_look(status: &Status) -> bool {
    let Status { name: _, version, uptime, state, fault, nodes, turn, superiors, .. } = status;
    let Status { listed, flat, counts, rtts, names, troubles, .. } = status;
    assert!(!version.is_empty() && *flat >= *listed && !uptime.is_zero());
    let down = match state {
        ServerState::Offering | ServerState::Draining => false,
        ServerState::Nothing | ServerState::TurnDown | ServerState::Full => true,
        _ => true,
    };
    let untold = |superior: &SuperiorStatus| {
        let SuperiorStatus { addr, told, checked: _, .. } = superior;
        told.is_none() && addr.port() != 0
    };
    names.iter().for_each(stands_for);
    troubles.iter().for_each(tell);
    let down = down || fault.is_some() || superiors.iter().any(untold);
    down || nodes.iter().chain(turn).any(is_down) || lost(counts) > 0 || slow(rtts)
}

fn stands_for(NameStatus { name, addrs, kept, .. }: &NameStatus) {
    assert!(!matches!(name, Endpoint::Addr(_)));
    println!("{name} stands for {addrs:?}, and {kept:?} still answer");
}

fn tell(TroubleStatus { word, what, since, .. }: &TroubleStatus) {
    println!("{word} for {since:?}: {what}");
}

fn is_down(node: &NodeStatus) -> bool {
    let NodeStatus { addr, public, kind, name: _, joined, condition, since, fault, .. } = node;
    let NodeStatus { rtt: _, turn, lists, .. } = node;
    match kind {
        NodeKind::Balance => assert!(turn.is_none()),
        NodeKind::Leaf | NodeKind::Turn => assert!(*lists == 0 && !joined || addr != public),
        _ => {}
    }
    match fault {
        Some(NodeFault::Unsigned) => println!("{} since {since:?}", kind.as_str()),
        Some(NodeFault::Turn(fault)) => println!("it {fault}"),
        Some(_) | None => {}
    }
    match condition {
        NodeCondition::Online | NodeCondition::Draining => false,
        NodeCondition::Offline | NodeCondition::Nothing => true,
        NodeCondition::TurnDown | NodeCondition::Full => true,
        _ => true,
    }
}

fn lost(counts: &TrafficCounts) -> u64 {
    let TrafficCounts { answers: _, unsent, retries: _, heartbeats: _, heartbeats_lost, .. } =
        counts;
    let TrafficCounts { receive_errors, kernel_drops, stray_bindings: _, dropped, checks, .. } =
        counts;
    assert!(dropped.contains_key("limited") && checks.contains_key("answers"));
    unsent + heartbeats_lost + receive_errors + kernel_drops
}

fn slow(rtts: &RttHistogram) -> bool {
    let beyond: u64 = rtts.counts().filter(|(bound, _)| bound.is_none()).map(|(_, n)| n).sum();
    assert!(RttHistogram::BOUNDS.is_sorted() && beyond <= rtts.count());
    beyond > 0 && !rtts.sum().is_zero()
}

#[test]
fn every_state_has_its_word() {
    assert_eq!(ServerState::default().as_str(), "nothing");
    assert_eq!(NodeCondition::TurnDown.as_str(), "turn-down");
    assert_eq!(NodeKind::Leaf.as_str(), "leaf");
    assert_eq!(NodeFault::Turn(TurnFault::Silent).as_str(), "silent");
    assert_eq!(NodeFault::Unsigned.as_str(), "unsigned");
    assert!(NodeFault::Unsigned.to_string().contains("none of the keys"));
}

#[tokio::test]
async fn a_server_tells_what_it_is_doing() {
    let mut config = Config::default();
    config.net.bind = vec![([127, 0, 0, 1], 0).into()];
    let server = Server::start(config).await.unwrap();
    assert!(needs_a_look(&server.status()), "it has neither nodes nor a TURN server");
    server.drain();
    assert_eq!(server.status().state, ServerState::Draining);
    assert!(!needs_a_look(&server.status()));
    server.stop().await;
}
