//! Whom the caller's policy leaves out, and whom it prefers.

use super::*;
use crate::types::Policy;

/// `n` is as many milliseconds away, and the region's list has its labels below the region's own.
#[test]
fn a_policy_decides_and_costs_no_connection() {
    let labelled = |mut server: ListedServer, labels: &str| {
        server.labels = labels.parse().unwrap();
        server
    };
    let all = |text: &str| text.parse().into_iter().collect();
    let policy = |require: &str, prefer: &str, exclude: &str| Policy {
        require: all(require),
        prefer: all(prefer),
        exclude: all(exclude),
    };
    let run = |policy: Policy| {
        let mut world = World::new(vec![
            labelled(by_tcp(10), "a=1"),
            labelled(by_tcp(20), "a=2"),
            labelled(by_tcp(90), "a=2,b=1"),
            labelled(region(1), "a=2"),
            labelled(region(2), "a=3"),
        ]);
        world.lists.insert(Some(region(1).addr), vec![labelled(by_tcp(30), "a=1")]);
        world.lists.insert(Some(region(2).addr), vec![by_tcp(5)]);
        for n in [5, 10, 20, 30, 90] {
            world = world.far(&format!("203.0.113.{n}:3478"), ms(n));
        }
        let trace = world.run(Options { policy, ..Options::default() });
        (trace, world)
    };
    let chosen = |policy: Policy| {
        let (trace, world) = run(policy);
        (trace.outcome.unwrap().turn.to_string(), world.connected, world.asked)
    };
    assert_eq!(chosen(Policy::default()).0, "203.0.113.5:3478");
    let (turn, connected, asked) = chosen(policy("a=2", "", ""));
    assert_eq!(turn, "203.0.113.20:3478");
    assert!(!connected.contains(&addr("203.0.113.10:3478")), "{connected:?}");
    assert!(connected.contains(&addr("203.0.113.30:3478")), "what stands above it counts");
    assert_eq!(asked, [None, Some(region(1).addr)]);
    assert_eq!(chosen(policy("", "b=1", "a=3")).0, "203.0.113.90:3478");
    let (trace, world) = run(policy("a=4", "", ""));
    assert_eq!(
        trace.outcome.unwrap_err().to_string(),
        "by HTTPS: of the list of `https://root.example`: `a=4` is required, which leaves out \
         3 TURN servers and all below 2 balance servers"
    );
    assert!(world.connected.is_empty());
    assert!(trace.candidates[1..].iter().all(|row| row.state == CandidateState::RuledOut));
}
