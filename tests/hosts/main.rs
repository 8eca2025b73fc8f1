//! Real servers on hosts of their own, in all weathers. Needs root, iproute2 and nftables.
#![cfg(target_os = "linux")]

mod discovery;
mod families;
mod firewall;
mod icmp;
mod link_local;
mod links;
mod names;
mod nat;
mod nat64;
mod near;
mod partitions;
mod pings;
mod resolvers;
mod staying;
mod strangers;
mod wildcards;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use turn_balance::internals::wire::View;
use turn_balance_lab::built;
use turn_balance_lab::host::{Host, Lab, eventually};
use turn_balance_lab::loopback::skipped;

/// A lab, or none where this machine allows none; CI must.
fn lab() -> Option<Lab> {
    match Lab::new(built!()) {
        Ok(lab) => Some(lab),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{error}");
            skipped(&error.to_string());
            None
        }
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A superior at port 3001 of these addresses.
fn superior(binds: &[&str], nodes: &[&str]) -> String {
    format!("net.bind = {binds:?}\ncluster.nodes = {nodes:?}\nlog.level = 'debug'\n")
}

/// A leaf whose TURN server is not asked.
fn leaf(bind: &str, superior: &str, turn: &str) -> String {
    format!(
        "net.bind = '{bind}'\ncluster.superiors = '{superior}'\n\
         turn = {{ bind = '{turn}', health = 'none' }}\nlog.level = 'debug'\n"
    )
}

/// Waits until a server lists exactly these nodes itself.
fn lists(asker: &Host, server: &str, wanted: &[&str]) {
    let wanted: BTreeSet<SocketAddr> = wanted.iter().map(|text| addr(text)).collect();
    eventually(&format!("{server} lists {wanted:?}"), || {
        let reply = asker.list(addr(server), View::Subordinates)?;
        let listed: BTreeSet<_> = reply.nodes.iter().map(|node| node.addr).collect();
        (listed == wanted).then_some(())
    });
}
