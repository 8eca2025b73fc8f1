//! What a client's policy forbids and prefers, held against what servers have told it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use turn_balance::internals::Policy;
use turn_balance::internals::engine::client::descent::{Selection, Strategy, Why};
use turn_balance::internals::wire::{Kind, Node, ProbeReply};
use turn_balance::{Labels, Name};

/// The policy of every fourth client; none of the others has one. No seed is another for it.
pub(crate) fn policy_of(n: u64) -> Policy {
    if n % 4 != 1 {
        return Policy::default();
    }
    let of = |bit: u64, label: &str| ((n / 4) >> bit & 1 == 1).then(|| label.parse()).into_iter();
    let words = |bits: &[(u64, &str)]| {
        bits.iter().flat_map(|(bit, label)| of(*bit, label)).flatten().collect()
    };
    Policy {
        require: words(&[(0, "region=r1")]),
        prefer: words(&[(1, "region=r2"), (1, "n=5")]),
        exclude: words(&[(2, "region=r2")]),
    }
}

/// What one client has been told.
#[derive(Debug, Default)]
pub(crate) struct Law {
    /// Each label that anybody who was asked has told.
    told: BTreeSet<(String, String)>,
    /// What each root has said of itself: of one key what it said first.
    roots: BTreeMap<SocketAddr, Labels>,
    /// Whether whoever lists one has ruled it out, of those that roots list. Whoever else lists it may have led
    /// there.
    out: BTreeMap<SocketAddr, bool>,
}

impl Law {
    /// A right answer has come, from whichever root.
    pub(crate) fn hears(&mut self, root: Option<SocketAddr>, reply: &ProbeReply, policy: &Policy) {
        if reply.retry {
            return; // nothing else of it counts
        }
        let all = reply.nodes.iter().map(|node| &node.labels).chain([&reply.labels]);
        let words = all.flat_map(Labels::iter);
        self.told.extend(words.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let known = root.map(|root| {
            let known = self.roots.entry(root).or_default();
            *known = reply.labels.below(known);
            known.clone()
        });
        for node in &reply.nodes {
            let out = known.as_ref().is_some_and(|known| is_out(node, known, policy));
            self.out.entry(node.addr).and_modify(|known| *known &= out).or_insert(out);
        }
    }

    /// Whether it may ask one.
    pub(crate) fn may_ask(&self, to: SocketAddr) -> bool {
        self.out.get(&to) != Some(&true)
    }

    /// What is wrong with whom it has chosen. `all_offer`: nobody who has answered is full or drains.
    pub(crate) fn wrong(
        &self,
        found: &Selection,
        policy: &Policy,
        all_offer: bool,
    ) -> Option<String> {
        let others = found.runners_up.iter().map(|other| (other.turn, &other.labels, &other.name));
        for (turn, labels, name) in others.chain([(found.turn, &found.labels, &found.name)]) {
            if !policy.allows(labels, name.as_ref()) {
                return Some(format!("{turn} is `{labels}`, and may not be used"));
            }
            let is_told = |(key, value): (&str, &str)| {
                self.told.contains(&(key.to_owned(), value.to_owned()))
            };
            if !labels.iter().all(is_told) {
                return Some(format!("nobody has told that {turn} is `{labels}`"));
            }
        }
        let misses = |labels, name: &Option<Name>| policy.misses(labels, name.as_ref());
        let chosen = misses(&found.labels, &found.name);
        let best = all_offer && found.strategy == Strategy::Best;
        let better = found.runners_up.iter().find(|other| {
            let lives = other.verified == found.verified && other.why != Why::Silent;
            best && lives && misses(&other.labels, &other.name) < chosen
        });
        better.map(|other| format!("{} is preferred to {}", other.turn, found.turn))
    }
}

/// Whether a node is ruled out by what a root with these labels says of it.
fn is_out(node: &Node, root: &Labels, policy: &Policy) -> bool {
    let labels = node.labels.below(root);
    match node.kind {
        Kind::Turn => !policy.allows(&labels, node.name.as_ref()),
        Kind::Leaf if node.turn.is_some() => {
            policy.breach_yet(&labels, node.name.as_ref()).is_some()
        }
        Kind::Leaf | Kind::Balance => policy.breach_below(&labels, node.name.as_ref()).is_some(),
    }
}
