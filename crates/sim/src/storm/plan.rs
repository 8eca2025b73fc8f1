//! A random world: who stands where, and what each is told.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use rand::RngExt;
use turn_balance::internals::OnLink;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::auth::{JoinPolicy, Trust};
use turn_balance::internals::engine::server::limit::LimiterSettings;
use turn_balance::internals::wire::auth::{Key, Keys};
use turn_balance::{Labels, Prefix, Rates};

use crate::turn::{Behaviour, ScriptedTurn};
use crate::{Host, Site};

pub(crate) struct Plan {
    /// The root first; each behind its superior.
    pub(crate) places: Vec<Place>,
    /// Whether all of it is in one private network; else on the internet.
    pub(crate) private: bool,
    families: Families,
    pub(crate) keys: Vec<Key>,
    pub(crate) require: bool,
    /// How many nodes may join a server.
    max_nodes: usize,
    pub(crate) rates: Rates,
    bare_bytes: u64,
    /// Whether strangers are exempt from all limits.
    exempt: bool,
    /// A second superior of all servers of ours, that lies.
    pub(crate) usurper: Option<SocketAddr>,
    /// Whether clients ask how TURN servers are reached, or require that these answer.
    pub(crate) urls: bool,
}

/// Somebody's place in the tree.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) who: Who,
    /// Where it runs.
    pub(crate) addr: SocketAddr,
    /// Where its superior finds it.
    pub(crate) public: SocketAddr,
    pub(crate) level: usize,
    pub(crate) superior: Option<usize>,
    pub(crate) subordinates: Vec<usize>,
    /// The TURN server beside it.
    pub(crate) turn: Option<SocketAddr>,
    /// Whether that must allocate.
    pub(crate) deep: bool,
    /// Its nodes that are TURN servers.
    pub(crate) turn_nodes: Vec<SocketAddr>,
    /// What it takes for one by mistake: a balance server.
    pub(crate) impostor: Option<SocketAddr>,
    /// Whether its superior does not list it.
    pub(crate) joins: bool,
    /// Where what it sends seems to come from.
    pub(crate) nat_source: Option<SocketAddr>,
    /// What it lists by mistake: a server above it, or itself.
    loops_to: Option<SocketAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Ours,
    /// The first implementation.
    Old,
    /// A server that answers what it likes.
    Rogue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Families {
    V4,
    V6,
    Both,
}

/// Which part of the address plan.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Server,
    Client,
    Stranger,
    /// What rogues make up.
    MadeUp,
    /// The outside of networks with NAT.
    Nat,
    /// Where servers move to.
    Moved,
    /// One more network that all servers of ours are in.
    Lan,
}

/// The ports of clients.
pub(crate) const CLIENTS: Range<u16> = 40_000..60_000;

/// How long the prefixes of clients are, of IPv4 and IPv6.
pub(crate) const HOME: [u8; 2] = [24, 64];

/// The heartbeats of more servers than these may not fit into narrow budgets.
const FEW: usize = 20;

impl Plan {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let families = [Families::V4, Families::V4, Families::V6, Families::Both];
        let keyed = rng.random_bool(0.6);
        let narrow = Rates::default().v4_32(20).v4_24(50).v6_64(20).v6_56(30).v6_48(50);
        let mut plan = Self {
            places: Vec::new(),
            private: rng.random_bool(0.15),
            families: families[rng.random_range(0..4)],
            keys: Vec::new(),
            require: keyed && rng.random_bool(0.6),
            max_nodes: 10_000,
            rates: if rng.random_bool(0.5) { narrow } else { Rates::default() },
            bare_bytes: if rng.random_bool(0.2) { 20_000 } else { 0 },
            exempt: rng.random_bool(0.1),
            usurper: None,
            urls: false,
        };
        if keyed {
            let ids = 1..=rng.random_range(1..=2u8);
            plan.keys = ids.map(|id| Key::new(id.into(), &[id; 32])).collect();
        }
        plan.grow(rng);
        plan.people(rng);
        if plan.places.len() > FEW {
            plan.rates = Rates::default();
        }
        if plan.joiners() > 0 && rng.random_bool(0.5) {
            plan.max_nodes = plan.places.len() + rng.random_range(0..6usize);
        }
        plan
    }

    /// The tree: most are small, so that many of them can be run.
    fn grow(&mut self, rng: &mut Rng) {
        let size = match rng.random_range(0..200) {
            0 => rng.random_range(60..=200),
            1..=12 => rng.random_range(15..60),
            _ => rng.random_range(1..15),
        };
        let depth = rng.random_range(1..=5usize).min(size);
        // In some worlds most of them stand below one server, whose list fits no answer.
        let wide = size > 60 && depth > 1 && rng.random_bool(0.7);
        for n in 0..size {
            let may_have_more =
                |place: &&usize| self.places[**place].level + 1 < depth && depth > 1;
            let superiors: Vec<_> = (0..n).collect();
            let superiors: Vec<_> = superiors.iter().filter(may_have_more).copied().collect();
            let superior = match n {
                0 => None,
                _ if n < depth => Some(n - 1),
                _ if wide => Some(depth.min(3) - 2),
                _ => superiors.get(rng.random_range(0..superiors.len().max(1))).copied(),
            };
            if n > 0 && superior.is_none() {
                break; // of depth 1, where there is room for one
            }
            let addr = self.addr(Part::Server, n, 3001, rng);
            self.places.push(Place {
                who: Who::Ours,
                addr,
                public: addr,
                level: superior.map_or(0, |superior| self.places[superior].level + 1),
                superior,
                subordinates: Vec::new(),
                turn: None,
                deep: false,
                turn_nodes: Vec::new(),
                impostor: None,
                joins: false,
                nat_source: None,
                loops_to: None,
            });
            if let Some(superior) = superior {
                self.places[superior].subordinates.push(n);
            }
        }
    }

    /// Who they are, and what is beside them.
    fn people(&mut self, rng: &mut Rng) {
        let old = [0.0, 0.0, 0.2, 0.5][rng.random_range(0..4)];
        let rogue = [0.0, 0.0, 0.0, 0.15, 0.3][rng.random_range(0..5)];
        let loops = if rng.random_bool(0.2) { 0.3 } else { 0.0 };
        let joins = if !self.keys.is_empty() && rng.random_bool(0.6) { 0.5 } else { 0.0 };
        for n in 0..self.places.len() {
            let leaf = self.places[n].subordinates.is_empty();
            let superior = self.places[n].superior;
            let below_ours = superior.is_none_or(|at| self.places[at].who == Who::Ours);
            if !self.require && rng.random_bool(if n == 0 { old / 8.0 } else { old }) {
                self.places[n].who = Who::Old;
            } else if leaf && n > 1 && below_ours && rng.random_bool(rogue) {
                self.places[n].who = Who::Rogue;
            }
            if leaf || rng.random_bool(0.1) {
                let beside = rng.random_bool(0.7);
                let own = SocketAddr::new(self.places[n].addr.ip(), 3478);
                let other = self.addr(Part::Server, n, 3479, rng);
                self.places[n].turn = Some(if beside { own } else { other });
            }
            let ours = self.places[n].who == Who::Ours;
            if ours && n > 0 && below_ours && rng.random_bool(joins) {
                self.places[n].joins = true;
                if leaf && !self.private && rng.random_bool(0.4) {
                    self.put_behind_nat(n, rng);
                }
            }
            if ours && !leaf && rng.random_bool(loops) {
                let above = match superior {
                    Some(superior) if rng.random_bool(0.7) => superior,
                    _ => n,
                };
                self.places[n].loops_to = Some(self.places[above].addr);
            }
        }
    }

    /// The TURN servers that they ask themselves.
    pub(crate) fn draw_turns(&mut self, rng: &mut Rng) {
        for n in 0..self.places.len() {
            if self.places[n].who != Who::Ours || self.places[n].nat_source.is_some() {
                continue;
            }
            self.places[n].deep = rng.random_bool(0.2);
            if rng.random_bool(0.25) {
                let ports = 3490..3490 + rng.random_range(1..=2);
                let nodes = ports.map(|port| self.addr(Part::Server, n, port, rng));
                self.places[n].turn_nodes = nodes.collect();
            }
            if rng.random_bool(0.1) {
                let at = rng.random_range(0..self.places.len());
                self.places[n].impostor = Some(self.places[at].public);
            }
        }
    }

    /// Whether clients want more than an address, and what rogues make of that.
    pub(crate) fn draw_urls(&mut self, rng: &mut Rng) {
        self.urls = rng.random_bool(0.4);
    }

    /// What runs at a TURN server's address; `moody`: whether it may refuse for a while.
    pub(crate) fn turn_host(&self, turn: SocketAddr, moody: bool) -> Host {
        if !self.places.iter().any(|place| place.deep && place.turn == Some(turn)) {
            return Host::Turn;
        }
        let mut server = ScriptedTurn::new(turn, Behaviour::Healthy);
        let mut allocates = u32::from(turn.port());
        Host::Actor(Box::new(move |to, from, payload| {
            allocates += u32::from(payload.starts_with(&[0, 3]));
            let refuses = moody && allocates / 4 % 2 == 1;
            server.behave(if refuses { Behaviour::Refuses(486) } else { Behaviour::Healthy });
            server.handle(from, payload).into_iter().map(|answer| (to, answer)).collect()
        }))
    }

    fn put_behind_nat(&mut self, n: usize, rng: &mut Rng) {
        let v4 = self.places[n].addr.is_ipv4();
        let source = self.addr_of(Part::Nat, n, 40_000 + n as u16, v4);
        let advertised = self.addr_of(Part::Nat, n, 30_000 + n as u16, v4);
        let inside = match v4 {
            true => IpAddr::from([10, 77, (n / 250) as u8, (n % 250) as u8]),
            false => IpAddr::from([0xfd77, 0, 0, n as u16, 0, 0, 0, 1]),
        };
        let place = &mut self.places[n];
        place.turn = Some(SocketAddr::new(advertised.ip(), 3478));
        place.addr = SocketAddr::new(inside, 3001);
        place.nat_source = Some(source);
        place.public = if rng.random_bool(0.5) { advertised } else { source };
    }

    /// What a server is told.
    pub(crate) fn site(&self, n: usize) -> Site {
        let place = &self.places[n];
        let listed = place.subordinates.iter().map(|&below| &self.places[below]);
        let listed = listed.filter(|below| !below.joins).map(|below| below.public);
        let joins = place.subordinates.iter().any(|&below| self.places[below].joins);
        let join = JoinPolicy { max_nodes: self.max_nodes, prefixes: [].into() };
        // Each signs with a key of its own choice.
        let mut keys = self.keys.clone();
        if n % 2 == 1 {
            keys.reverse();
        }
        let trust = Trust {
            keys: Keys::new(keys),
            require: self.require,
            join: Some(join).filter(|_| joins),
        };
        let is_forwarded = place.nat_source.is_some_and(|source| source != place.public);
        let superior = place.superior.map(|at| self.places[at].addr);
        Site {
            name: "storm",
            superiors: superior.into_iter().chain(self.usurper).collect(),
            nodes: listed.chain(place.loops_to).collect(),
            turn_nodes: place.turn_nodes.iter().copied().chain(place.impostor).collect(),
            turn: place.turn,
            load: None,
            weight: 0,
            labels: labels(n),
            deep: place.deep,
            trust,
            advertise: Some(place.public).filter(|_| is_forwarded),
            patient: false,
            on_link: OnLink::new([true, false].map(|v4| {
                let (ip, len) = self.lan(v4);
                (1, ip, len)
            })),
            limits: Some(self.limits()),
        }
    }

    pub(crate) fn limits(&self) -> LimiterSettings {
        let (rates, bare_bytes) = (self.rates, self.bare_bytes);
        let mut exempt = LimiterSettings::default().exempt;
        if self.exempt {
            exempt.extend([true, false].map(|v4| {
                let base = match self.addr_of(Part::Stranger, 0, 0, v4).ip() {
                    IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() & !0xff).into()),
                    IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> 80 << 80).into()),
                };
                let prefix = format!("{base}/{}", if v4 { 24 } else { 48 });
                prefix.parse::<Prefix>().expect("it is one")
            }));
        }
        LimiterSettings { rates, bare_bytes, exempt, places: 1 << 14 }
    }

    /// Gives a server another address, or the first one again.
    pub(crate) fn move_away(&mut self, n: usize) {
        let v4 = self.places[n].addr.is_ipv4();
        let homes = [Part::Server, Part::Moved].map(|part| self.addr_of(part, n, 3001, v4));
        let place = &mut self.places[n];
        place.addr = if place.addr == homes[0] { homes[1] } else { homes[0] };
        place.public = place.addr;
    }

    /// The most nodes that a server may have.
    pub(crate) fn most_nodes(&self, n: usize) -> usize {
        let site = self.site(n);
        let join = site.trust.join.map_or(0, |join| join.max_nodes);
        join.max(site.nodes.len())
    }

    pub(crate) fn joiners(&self) -> usize {
        self.places.iter().filter(|place| place.joins).count()
    }

    /// A host of the network that all servers are in, and its prefix.
    pub(crate) fn lan(&self, v4: bool) -> (IpAddr, u8) {
        (self.addr_of(Part::Lan, 0, 0, v4).ip(), if v4 { 30 } else { 64 })
    }

    /// The networks of a client.
    pub(crate) fn on_link(client: IpAddr) -> OnLink {
        OnLink::new([(1, client, HOME[usize::from(client.is_ipv6())])])
    }

    /// The TURN servers beside those who do not lie.
    pub(crate) fn turns(&self) -> BTreeSet<SocketAddr> {
        let honest = self.places.iter().filter(|place| place.who != Who::Rogue);
        let all = honest.flat_map(|place| place.turn_nodes.iter().chain(&place.turn));
        // For a moment it may be taken for one.
        let impostors = self.places.iter().filter_map(|place| place.impostor);
        all.copied().chain(impostors).collect()
    }

    pub(crate) fn has(&self, who: Who) -> bool {
        self.places.iter().any(|place| place.who == who)
    }

    pub(crate) fn has_loops(&self) -> bool {
        self.places.iter().any(|place| place.loops_to.is_some())
    }

    pub(crate) fn addr(&self, part: Part, n: usize, port: u16, rng: &mut Rng) -> SocketAddr {
        let v4 = match self.families {
            Families::V4 => true,
            Families::V6 => false,
            Families::Both => rng.random(),
        };
        self.addr_of(part, n, port, v4)
    }

    pub(crate) fn addr_of(&self, part: Part, n: usize, port: u16, v4: bool) -> SocketAddr {
        let (high, low) = ((n / 250) as u8, (n % 250) as u8 + 1);
        let ip: IpAddr = match (v4, self.private, part) {
            (true, true, _) => Ipv4Addr::new(10, part as u8, high, low).into(),
            (true, false, Part::Server) => Ipv4Addr::new(203, 0, 113, low).into(),
            (true, false, Part::MadeUp) => Ipv4Addr::new(198, 51, 100, low % 100).into(),
            (true, false, Part::Client) => Ipv4Addr::new(192, 0, 2, low % 50).into(),
            (true, false, Part::Nat) => Ipv4Addr::new(198, 51, 100, 100 + low % 50).into(),
            (true, false, Part::Moved) => Ipv4Addr::new(198, 51, 100, 150 + low % 100).into(),
            (true, false, Part::Lan) => Ipv4Addr::new(198, 51, 100, 252 + low % 4).into(),
            (true, false, Part::Stranger) => Ipv4Addr::new(192, 0, 2, 50 + low % 200).into(),
            (false, private, _) => {
                let first = if private { [0xfd00, 0] } else { [0x2001, 0xdb8] };
                let (part, n) = (part as u16, n as u16);
                Ipv6Addr::from([first[0], first[1], part, n + 1, 0, 0, 0, 1]).into()
            }
        };
        SocketAddr::new(ip, port)
    }
}

/// What each third server is not labelled with: few sets, that clash where they meet.
fn labels(n: usize) -> Labels {
    let text = if n.is_multiple_of(3) { String::new() } else { format!("region=r{},n={n}", n % 3) };
    text.parse().unwrap_or_default()
}
