//! Who stands where: a cascade of four levels. Two roots, four servers below both, two regions below each of
//! these, and leaves below the regions, each beside a TURN server.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// How many there are of each level, the roots first.
pub(crate) const LEVELS: [usize; 4] = [2, 4, 8, 36];

/// How many that is.
pub(crate) const SERVERS: usize = 50;

/// A balance server, by its number; all of a level stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(pub(crate) usize);

impl Place {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..SERVERS).map(Self)
    }

    pub(crate) fn of_level(level: usize) -> impl Iterator<Item = Self> {
        let first: usize = LEVELS[..level].iter().sum();
        (first..first + LEVELS[level]).map(Self)
    }

    pub(crate) fn leaves() -> impl Iterator<Item = Self> {
        Self::of_level(LEVELS.len() - 1)
    }

    pub(crate) fn level(self) -> usize {
        self.in_level().0
    }

    pub(crate) fn is_leaf(self) -> bool {
        self.level() == LEVELS.len() - 1
    }

    /// Its level, and which of that it is.
    fn in_level(self) -> (usize, usize) {
        let mut rest = self.0;
        for (level, count) in LEVELS.into_iter().enumerate() {
            if rest < count {
                return (level, rest);
            }
            rest -= count;
        }
        unreachable!("there are {SERVERS}")
    }

    pub(crate) fn name(self) -> String {
        let (level, n) = self.in_level();
        format!("{}-{}", ["root", "part", "region", "leaf"][level], n + 1)
    }

    pub(crate) fn superiors(self) -> Vec<Self> {
        match self.in_level() {
            (0, _) => Vec::new(),
            (1, _) => Self::of_level(0).collect(),
            (2, n) => vec![Self(LEVELS[0] + n / 2)],
            (_, n) => vec![Self(LEVELS[0] + LEVELS[1] + n % LEVELS[2])],
        }
    }

    pub(crate) fn nodes(self) -> impl Iterator<Item = Self> {
        Self::all().filter(move |place| place.superiors().contains(&self))
    }

    /// Itself, and those by which it is in a root's list, but for the roots.
    pub(crate) fn way_up(self) -> Vec<Self> {
        let mut way = vec![self];
        while let [superior] = way[way.len() - 1].superiors()[..] {
            way.push(superior);
        }
        way
    }

    /// Whether its nodes join, and are not listed.
    pub(crate) fn lets_join(self) -> bool {
        self.level() == 2 && self.0 % 2 == 1
    }

    /// Whether its process runs for all the time, so that it can be said what becomes of its memory.
    pub(crate) fn stays(self) -> bool {
        self.0 % 2 == 1
    }

    /// Whether its TURN server is a coturn, and not a stand-in.
    pub(crate) fn has_coturn(self) -> bool {
        Self::leaves().take(4).any(|leaf| leaf == self)
    }

    pub(crate) fn ip(self) -> Ipv4Addr {
        Ipv4Addr::new(127, 0, 1, self.0 as u8 + 1)
    }

    pub(crate) fn server(self) -> SocketAddr {
        SocketAddrV4::new(self.ip(), 3001).into()
    }

    pub(crate) fn turn(self) -> SocketAddr {
        SocketAddrV4::new(self.ip(), 3478).into()
    }
}
