use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::net::engine::loop_port::is_loop_port;
use crate::net::wire::{Kind, Node};
use crate::types::{Labels, Load, Name, OnLink, Scope, ServerUrl, TurnUrl};

/// How many URLs of one TURN server are kept: as many as a descent keeps.
const MOST_URLS: usize = 8;

/// What one balance server lists, as [`Lister::list`](crate::Lister::list) has it.
///
/// With the feature `serde` it is written as the document `tb.servers/1`, which the broker answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerList {
    /// The server that was asked.
    pub addr: SocketAddr,
    /// What it is called.
    pub name: Option<Name>,
    /// How long its answer took, from a request to it.
    pub rtt: Duration,
    /// What it lists; of a server that lists nobody, the TURN server beside it.
    pub servers: Vec<ListedServer>,
    /// How many nodes it says it has: more than `servers` where it told only some of them, or named some
    /// that no list of its own may name.
    pub total: usize,
}

/// One entry of a [`ServerList`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedServer {
    /// Where clients reach it.
    pub addr: SocketAddr,
    /// What it is.
    pub kind: ServerKind,
    /// What it is called.
    pub name: Option<Name>,
    /// The TURN server that it stands for: itself where it is one.
    pub turn: Option<SocketAddr>,
    /// How that is reached, the best first, as far as it was asked and told. Empty: over UDP at `turn`.
    pub urls: Vec<ServerUrl>,
    /// The time to it from the server that lists it, in units of 16 ms of which this is the middle; `None`:
    /// that server does not know it.
    pub rtt: Option<Duration>,
    /// How full its TURN server is, in fourteenths of which this is the middle; `None`: that is not told.
    pub load: Option<Load>,
    /// How much that can serve beside others; 1: that is not told.
    pub weight: u32,
    /// What it is labelled with, as far as whoever lists it tells.
    pub labels: Labels,
    /// Who knows its URLs, where that is neither itself nor whoever lists it.
    pub(crate) checker: Option<SocketAddr>,
}

/// What a [`ListedServer`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ServerKind {
    /// A balance server that has a list of its own.
    Balance,
    /// A balance server beside a TURN server: measured at its address, and used at `turn`.
    Leaf,
    /// A TURN server.
    Turn,
}

impl ServerKind {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Leaf => "leaf",
            Self::Turn => "turn",
        }
    }
}

impl From<Kind> for ServerKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Balance => Self::Balance,
            Kind::Leaf => Self::Leaf,
            Kind::Turn => Self::Turn,
        }
    }
}

impl ListedServer {
    /// A TURN server of which nothing else is known.
    pub(crate) fn turn(addr: SocketAddr) -> Self {
        let (kind, turn) = (ServerKind::Turn, Some(addr));
        Self {
            addr,
            kind,
            name: None,
            turn,
            urls: Vec::new(),
            rtt: None,
            load: None,
            weight: 1,
            labels: Labels::default(),
            checker: None,
        }
    }

    /// How the TURN server is reached: what was told, else over UDP at its address. Empty for what has no
    /// TURN server.
    pub fn ways(&self) -> Vec<ServerUrl> {
        match (self.urls.is_empty(), self.turn) {
            (true, Some(turn)) => vec![TurnUrl::udp(turn).into()],
            _ => self.urls.clone(),
        }
    }
}

impl From<Node> for ListedServer {
    fn from(node: Node) -> Self {
        let Node { addr, kind, turn, name, rtt, load, labels, checker, .. } = node;
        let weight = node.weight.max(1);
        let (kind, turn) = match (kind, turn) {
            (Kind::Turn, _) => (ServerKind::Turn, Some(addr)),
            (Kind::Leaf, Some(turn)) => (ServerKind::Leaf, Some(turn)),
            (Kind::Leaf | Kind::Balance, _) => (ServerKind::Balance, None),
        };
        Self { addr, kind, name, turn, urls: Vec::new(), rtt, load, weight, labels, checker }
    }
}

/// Whether what comes from an address may name another: nothing nearer to this host than itself.
pub(super) fn may_name(namer: IpAddr, addr: SocketAddr, on_link: &OnLink) -> bool {
    let scope = Scope::of(namer).unwrap_or(Scope::Global);
    scope.allows(addr.ip()) && on_link.allows(namer, addr.ip())
}

/// Whether it may lead to a balance server there.
fn may_lead_to(namer: IpAddr, addr: SocketAddr, on_link: &OnLink) -> bool {
    !is_loop_port(addr.port()) && may_name(namer, addr, on_link)
}

/// A node, if whoever is at `namer` may name it.
pub(super) fn named(node: Node, namer: SocketAddr, on_link: &OnLink) -> Option<ListedServer> {
    let ip = namer.ip();
    let may = match node.kind {
        Kind::Turn => may_name(ip, node.addr, on_link),
        Kind::Leaf | Kind::Balance => may_lead_to(ip, node.addr, on_link),
    };
    let mut server = ListedServer::from(node);
    let turn = server.turn.is_none_or(|turn| may_name(ip, turn, on_link));
    server.checker = server.checker.filter(|checker| may_lead_to(ip, *checker, on_link));
    (may && turn).then_some(server)
}

/// What is kept of a stranger's URLs: those of TURN servers and of web servers beside them, each once, that name no address which it may
/// not. Names of hosts are for whoever looks them up.
pub(super) fn urls_of(texts: &[String], namer: IpAddr, on_link: &OnLink) -> Vec<ServerUrl> {
    let mut urls: Vec<ServerUrl> = Vec::new();
    for url in texts.iter().filter_map(|text| text.parse::<ServerUrl>().ok()) {
        // RFC 6761, section 6.3: such a name is this host, whoever is asked for it.
        let name = url.host().trim_end_matches('.');
        let local = name == "localhost" || name.ends_with(".localhost");
        let ip = url.ip().or(local.then_some(Ipv4Addr::LOCALHOST.into()));
        let addr = ip.map(|ip| SocketAddr::new(ip, url.port()));
        let is_stun = url.turn().is_some_and(|url| !url.is_turn());
        let may = !is_stun && addr.is_none_or(|addr| may_name(namer, addr, on_link));
        if may && !urls.contains(&url) && urls.len() < MOST_URLS {
            urls.push(url);
        }
    }
    urls
}
