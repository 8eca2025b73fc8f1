//! IPv6 alone, and both.

use crate::{addr, lab, leaf, lists, superior};
use turn_balance_lab::host::eventually;
use turn_balance_lab::process::answer_bindings;

#[test]
fn a_cascade_of_ipv6_alone_ends_at_a_turn_server() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| lab.host(&format!("host {n}"), &[&format!("2001:db8::{n}/64")]);
    let [root, region, end, client] = [1, 2, 3, 9].map(host);
    let turn = addr("[2001:db8::3]:3478");
    let _turn = end.answer(turn, answer_bindings);
    let config = leaf("[2001:db8::3]:3001", "[2001:db8::2]:3001", "[2001:db8::3]:3478");
    let _leaf = end.serve(&config.replace("none", "binding"));
    let middle = superior(&["[2001:db8::2]:3001"], &["[2001:db8::3]:3001"]);
    let _region = region.serve(&format!("{middle}cluster.superiors = '[2001:db8::1]:3001'\n"));
    let _root = root.serve(&superior(&["[2001:db8::1]:3001"], &["[2001:db8::2]:3001"]));
    for view in ["flat", "subordinates"] {
        let args = ["[2001:db8::1]:3001", "--timeout", "2", "--view", view];
        eventually(&format!("{view}: a trace to the TURN server"), || {
            let trace = client.trace(&args);
            trace.contains(&(turn, "selected".to_owned())).then_some(())
        });
    }
    assert_eq!(client.probe(&["[2001:db8::1]:3001"]), Some(turn));
}

#[test]
fn a_client_keeps_to_the_family_that_it_is_told() {
    let Some(lab) = lab() else { return };
    let both = |n: u8| {
        let addrs = [format!("203.0.113.{n}/24"), format!("2001:db8::{n}/64")];
        lab.host(&format!("host {n}"), &[&addrs[0], &addrs[1]])
    };
    let [root, client] = [1, 9].map(both);
    let old = lab.host("IPv4 alone", &["203.0.113.2/24"]);
    let new = lab.host("IPv6 alone", &["2001:db8::3/64"]);
    let nodes = ["203.0.113.2:3001", "[2001:db8::3]:3001"];
    let binds = ["203.0.113.1:3001", "[2001:db8::1]:3001"];
    let _root = root.serve(&superior(&binds, &nodes));
    let _old = old.serve(&leaf(nodes[0], binds[0], "203.0.113.2:3478"));
    let _new = new.serve(&leaf(nodes[1], binds[1], "[2001:db8::3]:3478"));
    for server in binds {
        lists(&client, server, &nodes);
    }
    let _turns = [
        old.answer(addr("203.0.113.2:3478"), answer_bindings),
        new.answer(addr("[2001:db8::3]:3478"), answer_bindings),
    ];
    let wanted = [("-4", "203.0.113.2:3478"), ("-6", "[2001:db8::3]:3478")];
    for (family, turn) in wanted {
        let args = [family, binds[0], binds[1]];
        for _ in 0..5 {
            assert_eq!(client.probe(&args), Some(addr(turn)), "{family}");
        }
    }
}
