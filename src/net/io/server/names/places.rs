//! Where the nodes are, by the configuration and what is known of names.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::known::{KnownName, KnownNames};
use crate::config::{Cluster, NodeEntry};
use crate::net::engine::server::members::NodeSpec;
use crate::net::engine::server::turn::{HealthPlan, TurnSpec};
use crate::net::io::resolve::MOST_ADDRS;
use crate::types::{Endpoint, Labels, Name, canonical};

/// A name that has more addresses than are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShortName {
    pub(super) host: Endpoint,
    pub(super) found: usize,
    pub(super) used: usize,
}

/// How each entry of the configuration is asked that is a TURN server; `None`: it is a balance server.
pub(in crate::net::io::server) type TurnPlans = Vec<Option<HealthPlan>>;

/// All nodes that are known.
#[derive(Debug, Default)]
pub(super) struct NodeSpecs {
    pub(super) balance: Vec<NodeSpec>,
    pub(super) turn: Vec<TurnSpec>,
    /// Where clients find those TURN servers that have URLs, and of which entry each is.
    pub(super) urls: BTreeMap<SocketAddr, usize>,
}

/// What entries of the configuration say of a node, the first of them that says anything.
#[derive(Debug, Default)]
struct NodePlace {
    public: Option<SocketAddr>,
    name: Option<Name>,
    labels: Labels,
    plan: Option<HealthPlan>,
    /// The entry that has URLs for it.
    urls: Option<usize>,
}

impl NodePlace {
    fn take(&mut self, index: usize, entry: &NodeEntry, plan: Option<&HealthPlan>) {
        self.public = self.public.or(entry.public);
        self.name = self.name.take().or_else(|| entry.name.clone());
        self.labels = entry.labels.below(&self.labels);
        self.plan = self.plan.take().or_else(|| plan.cloned());
        let has_urls = entry.turn.as_ref().is_some_and(|turn| !turn.urls.is_empty());
        self.urls = self.urls.or(has_urls.then_some(index));
    }
}

/// All nodes that are known, and of which names, superiors' among them, some addresses are left out.
/// Those that the configuration has by address all have room; names share the rest of `max-nodes`, in
/// the order of the configuration, what their newest answers have before what is kept. A name whose first
/// look-up has not ended has the room of all that it may have, so that no other must make room for it.
pub(super) fn nodes(
    config: &Cluster,
    plans: &TurnPlans,
    known: &KnownNames,
    own: &[SocketAddr],
) -> (NodeSpecs, Vec<ShortName>) {
    // By what they are, too: a mistake about one address hides nobody.
    let mut places = BTreeMap::<(bool, SocketAddr), NodePlace>::new();
    let (mut lacking, mut reserved) = (BTreeMap::new(), 0);
    let mut put = |(index, entry, plan): (usize, &NodeEntry, Option<&HealthPlan>), addr, most| {
        let place = (plan.is_some(), addr);
        let room = places.len() < most || places.contains_key(&place);
        if room {
            places.entry(place).or_default().take(index, entry, plan);
        }
        room
    };
    let others = |entry: &NodeEntry, addrs: fn(&KnownName) -> &[SocketAddr]| {
        let addrs = known.get(&entry.addr).map_or(&[][..], addrs);
        addrs.iter().filter(|addr| !own.contains(addr)).copied()
    };
    let plan = |index: usize| plans.get(index).and_then(Option::as_ref);
    let nodes =
        || config.nodes.iter().enumerate().map(|(index, entry)| (index, entry, plan(index)));
    for node in nodes() {
        if let Endpoint::Addr(addr) = node.1.addr {
            put(node, canonical(addr), usize::MAX);
        }
    }
    for node @ (_, entry, _) in nodes() {
        if known.is_awaited(&entry.addr) {
            reserved += MOST_ADDRS;
        }
        for addr in others(entry, |name| &name.addrs) {
            if !put(node, addr, config.max_nodes.saturating_sub(reserved)) {
                *lacking.entry(&entry.addr).or_insert(0) += 1;
            }
        }
    }
    for node in nodes() {
        for addr in others(node.1, |name| &name.kept) {
            put(node, addr, config.max_nodes.saturating_sub(reserved));
        }
    }
    let short = known.iter().map(|(host, name)| {
        let used = name.addrs.len() - lacking.get(host).copied().unwrap_or(0);
        ShortName { host: host.clone(), found: name.found, used }
    });
    // How many are left out is known when the last one is.
    let short = short.filter(|short| reserved == 0 && short.used < short.found).collect();
    let mut specs = NodeSpecs::default();
    for ((_, addr), NodePlace { public, name, labels, plan, urls }) in places {
        let public = public.unwrap_or(addr);
        specs.urls.extend(urls.map(|entry| (public, entry)));
        match plan {
            Some(plan) => specs.turn.push(TurnSpec { addr, public, name, labels, plan }),
            None => specs.balance.push(NodeSpec { addr, public, name }),
        }
    }
    (specs, short)
}

/// Where the superiors are.
pub(super) fn superiors(
    config: &Cluster,
    known: &KnownNames,
    own: &[SocketAddr],
) -> Vec<SocketAddr> {
    let addrs = |superior: &Endpoint| match superior {
        Endpoint::Addr(addr) => vec![canonical(*addr)],
        name => {
            let addrs = known.get(name).into_iter().flat_map(KnownName::all);
            addrs.filter(|addr| !own.contains(addr)).collect()
        }
    };
    config.superiors.iter().flat_map(addrs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TurnServer;
    use crate::net::io::resolve::Resolved;

    fn name(host: &str) -> Endpoint {
        Endpoint::Name(host.to_owned(), 3001)
    }

    fn addr(third: u8, last: u8) -> SocketAddr {
        SocketAddr::from(([198, 51, third, last], 3001))
    }

    fn balance(
        config: &Cluster,
        known: &KnownNames,
        own: &[SocketAddr],
    ) -> (Vec<NodeSpec>, Vec<ShortName>) {
        let (specs, short) = super::nodes(config, &TurnPlans::new(), known, own);
        (specs.balance, short)
    }

    fn note(known: &mut KnownNames, host: &str, third: u8, count: u8, found: usize) {
        let addrs = (1..=count).map(|last| addr(third, last)).collect();
        known.note(&name(host), Resolved { addrs, found }, |_| true);
    }

    #[test]
    fn names_share_the_room_that_addresses_leave() {
        let numeric = (0..5).map(|last| NodeEntry::new(addr(100, last)));
        let names = ["a.example", "b.example", "c.example"].map(|host| NodeEntry::new(name(host)));
        let mut config =
            Cluster { nodes: names.into_iter().chain(numeric).collect(), ..Cluster::default() };
        config.superiors = vec![name("above.example")];
        let mut known = KnownNames::default();
        note(&mut known, "a.example", 1, 64, 3000);
        note(&mut known, "b.example", 2, 40, 40);
        note(&mut known, "c.example", 2, 40, 40); // the same
        note(&mut known, "above.example", 3, 64, 65);
        let short = |host, found, used| ShortName { host: name(host), found, used };
        let above = short("above.example", 65, 64);

        let (some, lacking) = balance(&config, &known, &[addr(1, 64)]);
        assert_eq!(some.len(), 5 + 63 + 40);
        assert_eq!(lacking, [short("a.example", 3000, 64), above.clone()]);

        config.max_nodes = 100;
        let (some, lacking) = balance(&config, &known, &[]);
        assert_eq!(some.len(), 100);
        assert!((0..5).all(|last| some.iter().any(|node| node.addr == addr(100, last))));
        let b = [short("b.example", 40, 31), short("c.example", 40, 31)];
        let a = short("a.example", 3000, 64);
        assert_eq!(lacking, [vec![a, above], b.into()].concat());

        config.max_nodes = 3;
        let (some, lacking) = balance(&config, &known, &[]);
        assert!(some.iter().map(|node| node.addr).eq((0..5).map(|last| addr(100, last))));
        assert_eq!(lacking[0], short("a.example", 3000, 0));
    }

    #[test]
    fn what_is_kept_has_the_room_that_newest_answers_leave() {
        let nodes = ["a.example", "b.example"].map(|host| NodeEntry::new(name(host)));
        let mut config = Cluster { nodes: nodes.into(), max_nodes: 3, ..Cluster::default() };
        let mut known = KnownNames::default();
        note(&mut known, "a.example", 1, 2, 2);
        note(&mut known, "a.example", 1, 1, 1);
        note(&mut known, "b.example", 2, 2, 2);
        let addrs = |config: &Cluster| {
            let (nodes, short) = balance(config, &known, &[]);
            assert_eq!(short, [], "the name has no more");
            Vec::from_iter(nodes.into_iter().map(|node| node.addr))
        };
        assert_eq!(addrs(&config), [addr(1, 1), addr(2, 1), addr(2, 2)]);
        config.max_nodes = 4;
        assert_eq!(addrs(&config), [addr(1, 1), addr(1, 2), addr(2, 1), addr(2, 2)]);
    }

    #[test]
    fn who_is_not_known_yet_takes_no_room_from_who_is() {
        let nodes = ["a.example", "b.example"].map(|host| NodeEntry::new(name(host)));
        let mut config = Cluster { nodes: nodes.into(), max_nodes: 100, ..Cluster::default() };
        let mut known = KnownNames::default();
        known.set(&[name("a.example"), name("b.example")], &[]);
        assert!(known.end_first(&name("b.example")));
        note(&mut known, "b.example", 2, 64, 64);
        assert_eq!(balance(&config, &known, &[]).0.len(), 100 - 64);
        assert_eq!(balance(&config, &known, &[]).1, [], "nobody knows yet");
        config.max_nodes = 10_000;
        assert_eq!(balance(&config, &known, &[]).0.len(), 64);
        config.max_nodes = 100;
        assert!(known.end_first(&name("a.example")) && !known.end_first(&name("a.example")));
        assert_eq!(balance(&config, &known, &[]).0.len(), 64, "there is no such name");
        note(&mut known, "a.example", 1, 64, 64);
        let (nodes, short) = balance(&config, &known, &[]);
        assert_eq!((nodes.len(), short.len()), (100, 1));
    }

    #[test]
    fn two_names_of_one_address_are_one_node_with_all_that_is_said_of_it() {
        let public: SocketAddr = "203.0.113.9:3001".parse().unwrap();
        let mut named = NodeEntry::new(name("b.example"));
        named.public = Some(public);
        named.name = Some("fra".parse().unwrap());
        let plain = NodeEntry::new(name("a.example"));
        for entries in [[plain.clone(), named.clone()], [named, plain]] {
            let config = Cluster { nodes: entries.into(), ..Cluster::default() };
            let mut known = KnownNames::default();
            for host in ["a.example", "b.example"] {
                note(&mut known, host, 1, 1, 1);
            }
            // One of them is asked for another, but this one is online.
            note(&mut known, "b.example", 2, 1, 1);
            let (nodes, _) = balance(&config, &known, &[]);
            let node = nodes.iter().find(|node| node.addr == addr(1, 1)).unwrap();
            let name = node.name.as_ref().map(ToString::to_string);
            assert_eq!((node.public, name.as_deref()), (public, Some("fra")));
        }
    }

    #[test]
    fn a_name_may_stand_for_turn_servers_which_share_the_room() {
        let mut turn = NodeEntry::new(name("turn.example"));
        turn.name = Some("nyc".parse().unwrap());
        let mut urls = TurnServer::default();
        urls.urls.push("turns:turn.example".parse().unwrap());
        turn.turn = Some(urls);
        let entries = [NodeEntry::new(name("a.example")), turn];
        let mut config = Cluster { nodes: entries.into(), ..Cluster::default() };
        let mut known = KnownNames::default();
        note(&mut known, "a.example", 1, 2, 2);
        note(&mut known, "turn.example", 2, 3, 3);
        let plans = vec![None, Some(HealthPlan::Binding)];
        let (specs, short) = super::nodes(&config, &plans, &known, &[addr(2, 3)]);
        let turns: Vec<_> = specs.turn.iter().map(|spec| (spec.addr, spec.public)).collect();
        assert_eq!(turns, [1, 2].map(|last| (addr(2, last), addr(2, last))), "this host is none");
        assert!(specs.turn.iter().all(|spec| spec.name.is_some()));
        assert_eq!(specs.urls, [1, 2].map(|last| (addr(2, last), 1)).into(), "each has its URLs");
        assert_eq!((specs.balance.len(), short.len()), (2, 0));
        config.max_nodes = 3;
        let (specs, short) = super::nodes(&config, &plans, &known, &[]);
        assert_eq!((specs.balance.len(), specs.turn.len(), short.len()), (2, 1, 1));
    }
}
