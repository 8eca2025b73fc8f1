//! All that the answers of a moment need, as they need it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::extra::Extra;
use super::list::List;
use super::listing::Listing;
use super::url_book::UrlBook;
use crate::net::engine::Rng;
use crate::net::engine::server::auth::Trust;
use crate::net::engine::server::refusal::TagFault;
use crate::net::engine::server::seal::Seal;
use crate::net::wire::{
    Kind, LabelSets, Node, PADDED_REQUEST, Probe, ProbeReply, Request, RequestBody, State, View,
};
use crate::types::{Family, Labels};

/// What workers answer from: the lists, encoded, and who the server and its peers are.
#[derive(Debug, Default)]
pub struct Snapshot {
    expires: Option<Instant>,
    /// The addresses of its nodes and of its superiors, sorted.
    nodes: Box<[SocketAddr]>,
    superiors: Box<[SocketAddr]>,
    /// What the nonces of its own checks are known by.
    seal: Seal,
    /// Its keys, and what they open.
    trust: Trust,
    /// For bare requests, by the asker's family.
    bare_v4: Option<List>,
    bare_v6: Option<List>,
    lists: Views,
    /// The same with labels; `None`: there are none.
    labelled: Option<Box<Views>>,
    extra: Extra,
    /// The TURN server that is named, by the asker's family.
    turn: [Option<SocketAddr>; 2],
    urls: Arc<UrlBook>,
}

/// The lists, encoded.
#[derive(Debug, Default)]
pub(super) struct Views {
    direct: List,
    /// `None`: it is the direct one.
    flat: Option<List>,
}

impl Snapshot {
    /// Encodes a listing. Of a list longer than an answer each asker gets a part, in an order that
    /// `rng` gives.
    pub fn new(listing: &Listing, rng: &mut Rng) -> Self {
        let sorted = |addrs: &[SocketAddr]| {
            let mut addrs = Box::<[_]>::from(addrs);
            addrs.sort_unstable();
            addrs
        };
        let flat = listing.flat.as_ref().map(|flat| full(listing, flat, None, rng));
        let bare_v6 = bare(listing, Family::V6, rng);
        let bare_v4 = bare(listing, Family::V4, rng);
        Self {
            expires: listing.expires,
            nodes: sorted(&listing.node_addrs),
            superiors: sorted(&listing.superiors),
            seal: listing.seal,
            trust: listing.trust.clone(),
            bare_v4,
            bare_v6,
            lists: Views { direct: full(listing, &listing.nodes, None, rng), flat },
            labelled: listing.has_labels().then(|| Box::new(Views::labelled(listing, rng))),
            extra: Extra::new(listing),
            turn: [Family::V4, Family::V6].map(|family| named(listing, family)),
            urls: listing.urls.clone(),
        }
    }

    /// Whether it still holds: no node in it has expired.
    pub fn holds(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    /// Its keys, and what they open.
    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Whether a nonce is one of this server's own checks.
    pub(super) fn is_own_check(&self, nonce: u64) -> bool {
        planted!(OwnCheckAnswered => false);
        self.seal.is_own(nonce)
    }

    /// Whether a node of the configuration is there.
    pub(super) fn is_node(&self, addr: SocketAddr) -> bool {
        self.nodes.binary_search(&addr).is_ok()
    }

    /// Whether such a node is there, or a superior.
    pub(super) fn is_peer(&self, addr: SocketAddr) -> bool {
        planted!(PeerAnswered => false);
        self.is_node(addr) || self.is_superior(addr)
    }

    /// Whether a superior is there.
    pub(super) fn is_superior(&self, addr: SocketAddr) -> bool {
        self.superiors.binary_search(&addr).is_ok()
    }

    /// Whether there are superiors, whose checks are looked for.
    pub fn has_superiors(&self) -> bool {
        !self.superiors.is_empty()
    }

    /// Whether a datagram is a superior's check, as far as that shows: by its tag, or by where it comes
    /// from, or, since a superior may have several addresses, by what it asks. Comes with what is wrong
    /// with its tag, if it is signed.
    pub fn as_check(&self, from: SocketAddr, datagram: &[u8]) -> Option<Option<TagFault>> {
        if self.trust.checker(datagram).is_some() {
            return Some(None);
        }
        let known = self.superiors.iter().any(|superior| superior.ip() == from.ip());
        if !known && datagram.len() != PADDED_REQUEST {
            return None;
        }
        let Ok(Request { body: RequestBody::Probe(probe), .. }) = Request::decode(datagram) else {
            return None;
        };
        let Probe { nonce, view, names, .. } = probe;
        let asks_so = nonce != 0 && names && view == View::Flat;
        let fault = TagFault::of(&self.trust.keys, datagram);
        let fault = Some(fault).filter(|fault| known && *fault != TagFault::Absent);
        (known || asks_so).then_some(fault.filter(|_| !self.trust.keys.is_empty()))
    }

    /// The list for bare askers of a family, if there is anything to tell them.
    pub(super) fn bare(&self, family: Family) -> Option<&List> {
        match family {
            Family::V4 => self.bare_v4.as_ref(),
            Family::V6 => self.bare_v6.as_ref(),
        }
    }

    /// What is told beside a list, to who asks for it.
    pub(super) fn extra(&self) -> &Extra {
        &self.extra
    }

    /// The URLs of a TURN server, each encoded: of a node, or of the one that is named to askers of this
    /// family.
    pub(super) fn urls(&self, of: Option<SocketAddr>, family: Family) -> Vec<Vec<u8>> {
        let addr = of.or(self.turn[family as usize]);
        addr.map(|addr| self.urls.encoded(addr, of.is_none())).unwrap_or_default()
    }

    /// The list for askers of a view.
    pub(super) fn list(&self, view: View) -> &List {
        self.lists.of(view)
    }

    /// The lists without labels.
    pub(super) fn plain(&self) -> &Views {
        &self.lists
    }

    /// Those with labels, if there are any.
    pub(super) fn labelled(&self) -> Option<&Views> {
        self.labelled.as_deref()
    }
}

impl Views {
    /// Those with labels. A flat list goes only with those of all its nodes: what is passed on is not asked for what
    /// stands above it.
    fn labelled(listing: &Listing, rng: &mut Rng) -> Self {
        let mut list = |nodes: &[Node], sets: &LabelSets| {
            full(listing, nodes, Some((&listing.labels, sets)), rng)
        };
        let direct = list(&listing.nodes, &LabelSets::of(&*listing.nodes));
        let flat = listing.flat.as_ref().map(|flat| (flat, LabelSets::of(flat)));
        let flat = flat.filter(|(_, sets)| has_all(sets)).map(|(flat, sets)| list(flat, &sets));
        Self { direct, flat }
    }

    /// That for askers of a view.
    pub(super) fn of(&self, view: View) -> &List {
        match view {
            View::Flat => self.flat.as_ref().unwrap_or(&self.direct),
            View::Subordinates => &self.direct,
        }
    }
}

/// Whether a flat list with these is told to who asks for labels.
fn has_all(sets: &LabelSets) -> bool {
    sets.has_all()
}

/// Hosts of the asker's family, or the TURN server when there are none.
fn bare(listing: &Listing, family: Family, rng: &mut Rng) -> Option<List> {
    let hosts = listing.hosts(family);
    let turn = listing.turn_for_bare(family).filter(|_| hosts.is_empty());
    let base = ProbeReply { turn, ..Default::default() };
    (is_for_bare(listing.state()) && is_answer(&hosts, turn))
        .then(|| List::bare(&base, &hosts, rng))
}

/// Whether bare askers are told what there is in this state, which they do not read.
fn is_for_bare(state: State) -> bool {
    planted!(DrainingBare => true);
    !state.is_reserve()
}

/// Whether a bare asker is told anything: an old client takes an empty answer for the end.
fn is_answer(hosts: &[SocketAddr], turn: Option<SocketAddr>) -> bool {
    planted!(EmptyAnswer => true);
    !hosts.is_empty() || turn.is_some()
}

fn full(
    listing: &Listing,
    nodes: &[Node],
    labels: Option<(&Labels, &LabelSets)>,
    rng: &mut Rng,
) -> List {
    let base = ProbeReply {
        total: u32::try_from(nodes.len()).unwrap_or(u32::MAX),
        labels: labels.map(|(own, _)| own.clone()).unwrap_or_default(),
        name: listing.name.clone(),
        state: listing.state(),
        fault: listing.fault.filter(|_| listing.tells_fault()),
        version: listing.version,
        load: listing.load.exact,
        weight: listing.load.weight,
        ..Default::default()
    };
    let turn = |family| named(listing, family);
    let Some((_, sets)) = labels.filter(|(_, sets)| !sets.has_all()) else {
        return List::new(&base, turn, nodes, labels.map(|(_, sets)| sets), rng);
    };
    // Of others who asks hears their own labels from themselves.
    let told = |node: &&Node| node.kind != Kind::Turn || sets.has(&node.labels);
    let told = Vec::from_iter(nodes.iter().filter(told).cloned());
    List::new(&base, turn, &told, Some(sets), rng)
}

/// The TURN server beside the server, where it is named to askers of a family.
fn named(listing: &Listing, family: Family) -> Option<SocketAddr> {
    listing.turn_for(family).filter(|_| listing.nodes.is_empty())
}
