//! A small live cascade: a root, regions 1 and 2, leaves 11, 12, 13 and 21, 22, 23.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::client::descent::{
    CandidateState, Descent, Options, Selection, Trace,
};
use turn_balance::internals::wire::View;

use turn_balance_sim::{Path, Site, World};

pub(crate) const ROOT: &str = "198.51.100.1";

pub(crate) const CLIENT: &str = "192.0.2.99";

/// The balance server at an IP address.
pub(crate) fn server(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 3001)
}

/// The TURN server at an IP address.
pub(crate) fn turn(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 3478)
}

pub(crate) fn client() -> SocketAddr {
    SocketAddr::new(CLIENT.parse().unwrap(), 40_000)
}

/// Regions 1 and 2, with leaves 11, 12, 13 and 21, 22, 23.
pub(crate) const REGIONS: [u8; 2] = [1, 2];

pub(crate) fn region(n: u8) -> SocketAddr {
    server(&format!("203.0.113.{n}"))
}

pub(crate) fn leaf(n: u8) -> SocketAddr {
    server(&format!("203.0.113.{n}"))
}

pub(crate) fn leaf_turn(n: u8) -> SocketAddr {
    turn(&format!("203.0.113.{n}"))
}

pub(crate) fn leaves(region: u8) -> [u8; 3] {
    [1, 2, 3].map(|n| region * 10 + n)
}

pub(crate) fn root_site() -> Site {
    Site { name: "root", nodes: REGIONS.map(region).into(), ..Site::default() }
}

pub(crate) fn leaf_site(n: u8) -> Site {
    let superiors = vec![region(n / 10)];
    Site { name: "leaf", superiors, turn: Some(leaf_turn(n)), ..Site::default() }
}

/// Starts the whole cascade, on paths where leaf `n` is `n` ms away from everyone, the root 5 ms
/// and a region 10 times its number.
pub(crate) fn cascade(seed: u64, faults: Path) -> World<'static> {
    let mut world = World::new(seed, move |from, to| {
        let far = |addr: SocketAddr| match addr.ip().to_string().rsplit_once('.') {
            Some(("203.0.113", n)) => n.parse().map(|n: u64| if n < 10 { n * 10 } else { n }),
            Some(("198.51.100", _)) => Ok(5),
            _ => Ok(0),
        };
        let delay = far(from).unwrap().max(far(to).unwrap());
        Path { delay: faults.delay + delay as f64, ..faults }
    });
    world.start(server(ROOT), &root_site());
    for n in REGIONS {
        let nodes = leaves(n).map(leaf).into();
        let superiors = vec![server(ROOT)];
        world.start(region(n), &Site { name: "region", superiors, nodes, ..Site::default() });
        for n in leaves(n) {
            world.start(leaf(n), &leaf_site(n));
        }
    }
    world
}

/// A descent through every level.
pub(crate) fn levels() -> Options {
    Options { view: View::Subordinates, ..Options::default() }
}

pub(crate) fn selection(descent: &Descent) -> Selection {
    descent.selection().expect("it is finished").expect("it found a TURN server")
}

pub(crate) fn trace(descent: &Descent) -> Trace {
    descent.trace().expect("it is finished")
}

/// Everything a server lists, flat, as a client hears it.
pub(crate) fn flat_list(world: &mut World<'_>, root: SocketAddr) -> Vec<SocketAddr> {
    let descent = world.descend(client(), Options::default(), &[root]);
    let trace = trace(&descent).candidates;
    let below = trace.iter().filter(|c| c.level == 1 && c.state != CandidateState::Selected);
    below.map(|c| c.addr).collect()
}

/// A server that is asked through the simulated network, as an old client asks it.
pub(crate) fn ask_bare(world: &mut World<'_>, to: SocketAddr) -> usize {
    let from = SocketAddr::new(CLIENT.parse().unwrap(), 5000);
    let start = world.log.len();
    world.send(from, to, vec![0x08, 0x01, 0x12, 0x00]);
    world.run_for(Duration::from_millis(200));
    world.log[start..].iter().filter(|sent| (sent.from, sent.to) == (to, from)).count()
}
