//! A list that comes by HTTPS is read or refused, and leads a client only where it may.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::Options;
use turn_balance::internals::engine::client::streams::{CameList, StreamAction, StreamDescent};
use turn_balance::internals::https;
use turn_balance::{HttpsFault, ServerKind};

/// What is kept of a list is bounded, and so is what a client does about it.
pub(crate) fn run(bytes: &[u8]) {
    let (from, rtt) = (SocketAddr::from(([198, 51, 100, 7], 443)), Duration::from_millis(8));
    if let HttpsFault::Status { title: Some(title), .. } = https::problem(503, bytes) {
        assert!((1..=200).contains(&title.chars().count()), "{title}");
    }
    let Ok(list) = https::list(bytes, from, rtt) else { return };
    assert!(list.servers.len() <= list.total.min(1024));
    for server in &list.servers {
        assert!(
            server.urls.len() <= 32 && (server.kind != ServerKind::Turn || server.turn.is_some())
        );
        assert!(server.rtt.is_none_or(|rtt| rtt <= Duration::from_secs(3600)));
    }
    descend(CameList { from, rtt, list });
}

/// Nobody answers but the root, with this list whoever is asked about.
fn descend(came: CameList) {
    let start = Instant::now();
    let Ok(root) = "https://root.example".parse() else { return };
    let options = Options::default();
    let end = start + options.timeout;
    let mut descent = StreamDescent::new(options, vec![root], &Rng::seed_from_u64(0), start, start);
    let (mut now, mut lists, mut connections, mut hosts) = (start, 0, 0, 0);
    while descent.trace().is_none() {
        while let Some(action) = descent.poll_action(now) {
            match action {
                StreamAction::List { id, .. } => {
                    lists += 1;
                    descent.handle_list(now, id, came.clone());
                }
                StreamAction::LookUp(_) => hosts += 1,
                StreamAction::Connect(_, addr) => {
                    connections += 1;
                    assert!(!is_near(addr.ip()), "{addr}");
                }
                StreamAction::Check { addr, .. } => panic!("nothing is known of {addr}"),
            }
        }
        assert!(lists <= 16 && connections <= 128 && hosts <= 64);
        let Some(until) = descent.poll_timeout() else { break };
        assert!(until <= end);
        now = now.max(until);
        descent.handle_timeout(now);
    }
    assert!(descent.trace().is_some());
}

fn is_near(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}
