use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::limits::Limits;
use crate::net::engine::loop_port::is_loop_port;
use crate::net::wire::{Kind, View};
use crate::types::{Nat64, OnLink, Policy, Prefix, Scope};

/// How a descent chooses.
///
/// [How options are given](crate#with-options-and-how-it-was-found).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// Measures, waits for what can still win, and ranks by least round-trip time.
    #[default]
    Best,
    /// The plain race: one query a candidate, the first answer wins its level.
    First,
}

impl Strategy {
    /// The word for it on the command line and in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::First => "first",
        }
    }
}

/// Whether the TURN servers themselves are asked at the end (STUN Binding), and what if none answers.
///
/// [How options are given](crate#with-options-and-how-it-was-found).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Verify {
    /// They are not: a leaf is taken at its word.
    Off,
    /// They are, but for [`Strategy::First`]. Where none answers, that of the fastest leaf is chosen all
    /// the same.
    #[default]
    On,
    /// They are, whatever the strategy. Where none answers, none is chosen: that is
    /// [`Failure::Unverified`](crate::Failure::Unverified).
    Require,
}

/// How far a descent is.
///
/// Told to the closure of [`Balance::select_with`](crate::Balance::select_with), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Candidates met.
    pub candidates: usize,
    /// Candidates that answered.
    pub answered: usize,
    /// The best TURN server so far.
    pub provisional: Option<SocketAddr>,
}

/// What a descent is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How to choose.
    pub strategy: Strategy,
    /// Which lists to ask for.
    pub view: View,
    /// Whether to ask for the names of candidates that may stay silent.
    pub names: bool,
    /// Whether to ask for nodes that are not offered, and why.
    pub down: bool,
    /// Whether to ask the TURN servers themselves at the end.
    pub verify: Verify,
    /// Whether to ask for the URLs of TURN servers at the end.
    pub urls: bool,
    /// How many others are wanted behind the best: a race waits for them, as long as it looks around.
    pub runners_up: usize,
    /// When to give up.
    pub timeout: Duration,
    /// How long to go on listening after the choice, for answers that only a trace wants.
    pub linger: Duration,
    /// Where lists may lead it, such as into all of IPv4 and nowhere else; `None`: anywhere.
    pub within: Option<Prefix>,
    /// The networks that this host is in: no list leads there, but of a root that is there too.
    pub on_link: OnLink,
    /// The ways to IPv4 that its network has, as far as they are known.
    pub nat64: Nat64,
    /// What it may send.
    pub limits: Limits,
    /// Which TURN servers it may choose, and which it would rather.
    pub policy: Policy,
}

/// Why one is not asked, or not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A list may not lead to its address. What [`Limits::allow`] would have to hold; `None`: nothing opens
    /// it.
    Addr(Option<Prefix>),
    /// The caller's policy has no use for it.
    Policy,
}

impl Refusal {
    /// What [`Limits::allow`] would have to hold; `None`: nothing opens it.
    pub(super) fn opens(self) -> Option<Prefix> {
        match self {
            Self::Addr(opens) => opens,
            Self::Policy => None,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            strategy: Strategy::Best,
            view: View::Flat,
            names: false,
            down: false,
            verify: Verify::On,
            urls: false,
            runners_up: 0,
            timeout: Duration::from_secs(10),
            linger: Duration::ZERO,
            within: None,
            on_link: OnLink::default(),
            nat64: Nat64::default(),
            limits: Limits::default(),
            policy: Policy::default(),
        }
    }
}

impl Options {
    /// How long a descent may take.
    pub(super) fn time_limit(&self) -> Duration {
        planted!(TimeoutIgnored => self.timeout * 2);
        self.timeout
    }

    /// Whether the TURN servers themselves are asked in a last round.
    pub(in crate::net::engine::client) fn verifies(&self) -> bool {
        match self.verify {
            Verify::Off => false,
            Verify::On => self.strategy == Strategy::Best,
            Verify::Require => true,
        }
    }

    /// Whether a list may lead to a balance server, below this root.
    pub(super) fn judge_server(&self, root: IpAddr, addr: SocketAddr) -> Result<(), Refusal> {
        if is_loop(addr) { Err(Refusal::Addr(None)) } else { self.judge(root, addr) }
    }

    /// Whether a list that came from there may lead to a stream at an address; else what would let it.
    #[cfg(feature = "https")]
    pub(in crate::net::engine::client) fn may_lead_to(
        &self,
        root: IpAddr,
        addr: SocketAddr,
    ) -> Result<(), Option<Prefix>> {
        self.judge_server(root, addr).map_err(Refusal::opens)
    }

    /// Whether a list below this root may lead to what is called so at an address.
    pub(in crate::net::engine::client) fn permits(
        &self,
        root: IpAddr,
        addr: SocketAddr,
        kind: Kind,
    ) -> bool {
        match kind {
            Kind::Turn => self.judge(root, addr).is_ok(),
            Kind::Leaf | Kind::Balance => self.judge_server(root, addr).is_ok(),
        }
    }

    /// Whether a list may lead to an address, below this root.
    pub(super) fn judge(&self, root: IpAddr, addr: SocketAddr) -> Result<(), Refusal> {
        let within = self.within.is_none_or(|within| within.contains(addr.ip()));
        let [root, ip] = [root, addr.ip()].map(|ip| self.nat64.end_of(ip));
        if within && self.allow(root, ip, &self.limits.allow) {
            return Ok(());
        }
        let hosts = Scope::stands_for(ip).map(Prefix::from);
        let mut prefixes = self.on_link.around(ip).copied().chain(hosts).filter(|_| within);
        Err(Refusal::Addr(prefixes.find(|prefix| self.allow(root, ip, &[*prefix]))))
    }

    fn allow(&self, root: IpAddr, ip: IpAddr, prefixes: &[Prefix]) -> bool {
        self.is_wide(root, ip, prefixes) && self.is_elsewhere(root, ip, prefixes)
    }

    /// Whether it is no nearer than the root, by its scope.
    fn is_wide(&self, root: IpAddr, ip: IpAddr, prefixes: &[Prefix]) -> bool {
        planted!(RefusedAsked => true);
        let scope = Scope::of(root).unwrap_or(Scope::Global);
        let floor = if self.limits.allow_private { scope.min(Scope::Private) } else { scope };
        floor.allows_also(ip, prefixes)
    }

    /// Whether it is not in a network of this host, or the root is there too.
    fn is_elsewhere(&self, root: IpAddr, ip: IpAddr, prefixes: &[Prefix]) -> bool {
        planted!(OnLinkAsked => true);
        let private = |ip| self.limits.allow_private && Scope::of(ip) == Some(Scope::Private);
        let named = |ip| prefixes.iter().any(|prefix| prefix.contains(ip));
        self.on_link.allows_also(root, ip, |ip| private(ip) || named(ip))
    }
}

/// Whether a server there would be one that answers anything.
fn is_loop(addr: SocketAddr) -> bool {
    planted!(LoopPortAsked => false);
    is_loop_port(addr.port())
}
