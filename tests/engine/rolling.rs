//! Every server of a cascade is restarted, one after another, while clients come.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use turn_balance::internals::engine::client::descent::{Options, Strategy};

use turn_balance_sim::{Path, Site, World};

use crate::cascade::{ROOT, client, leaf, leaf_turn, leaves, levels, region, server};

const OTHER_ROOT: &str = "198.51.100.2";

/// How long a server drains, and how long it is away.
const DRAINS: Duration = Duration::from_secs(5);
const AWAY: Duration = Duration::from_secs(1);

/// How long after it has said that it drains a leaf may still be named.
const LATE: Duration = Duration::from_millis(100);

const REGIONS: [u8; 2] = [1, 2];

struct Cascade {
    world: World<'static>,
    sites: Vec<(SocketAddr, Site)>,
    /// Leaves that drain, by their TURN servers: since when.
    drains: BTreeMap<SocketAddr, Instant>,
    descents: u32,
}

impl Cascade {
    fn new(seed: u64) -> Self {
        let roots = vec![server(ROOT), server(OTHER_ROOT)];
        let mut sites = Vec::new();
        for n in REGIONS {
            for n in leaves(n) {
                let (superiors, turn) = (vec![region(n / 10)], Some(leaf_turn(n)));
                let name = "leaf";
                sites.push((
                    leaf(n),
                    Site { name, superiors, turn, patient: true, ..Site::default() },
                ));
            }
            let (superiors, nodes) = (roots.clone(), leaves(n).map(leaf).into());
            let name = "region";
            sites.push((
                region(n),
                Site { name, superiors, nodes, patient: true, ..Site::default() },
            ));
        }
        for root in roots {
            let nodes = REGIONS.map(region).into();
            sites.push((root, Site { name: "root", nodes, patient: true, ..Site::default() }));
        }
        let mut world = World::new(seed, |from, to| {
            let last =
                |addr: SocketAddr| addr.ip().to_string().rsplit_once('.').unwrap().1.to_owned();
            // 2 to 10 ms each way.
            let near = |addr| last(addr).bytes().map(u64::from).sum::<u64>() % 9;
            Path::of(2 + near(from).max(near(to)))
        });
        sites.iter().for_each(|(addr, site)| world.start(*addr, site));
        world.run_for(Duration::from_secs(10));
        Self { world, sites, drains: BTreeMap::new(), descents: 0 }
    }

    /// Lets clients come for so long, one after another.
    fn clients_come(&mut self, time: Duration) {
        let (end, roots) = (self.world.now + time, [server(ROOT), server(OTHER_ROOT)]);
        let first = Options { strategy: Strategy::First, ..Options::default() };
        let ways = [Options::default(), levels(), first];
        while self.world.now < end {
            let options = ways[self.descents as usize % ways.len()].clone();
            self.descents += 1;
            let descent = self.world.descend(client(), options.clone(), &roots);
            let outcome = descent.selection().unwrap();
            let turn = outcome.unwrap_or_else(|failure| panic!("{options:?}: {failure}")).turn;
            let late = self.drains.get(&turn).is_some_and(|since| self.world.now > *since + LATE);
            assert!(!late, "{options:?}: {turn} is named, and has drained for long");
        }
    }

    fn restart(&mut self, addr: SocketAddr, site: &Site) {
        self.drains.extend(site.turn.map(|turn| (turn, self.world.now)));
        self.world.drain(addr, true);
        self.clients_come(DRAINS);
        self.world.stop(addr);
        self.clients_come(AWAY);
        self.world.start(addr, site);
        // Its TURN server is as good as ever.
        if let Some(turn) = &site.turn {
            self.drains.remove(turn);
        }
        self.clients_come(Duration::from_secs(3));
    }
}

#[test]
fn no_descent_fails_while_every_server_is_restarted() {
    let mut descents = 0;
    for seed in 0..3 {
        let mut cascade = Cascade::new(seed);
        for (addr, site) in cascade.sites.clone() {
            cascade.restart(addr, &site);
        }
        descents += cascade.descents;
    }
    assert!(descents >= 1000, "{descents} descents");
}
