//! A cascade over leaves, and the addresses of its servers.

use std::net::SocketAddr;

use turn_balance::internals::engine::Rng;

use super::matrix::Matrix;
use super::medoids::k_medoids;

/// The documentation ranges of IPv4 (RFC 5737), and how many servers stand in each.
const RANGES: [[u8; 3]; 3] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
const HOSTS: usize = 254;

/// A server of the tree and where it stands.
pub(crate) struct Server {
    pub(crate) host: usize,
    pub(crate) children: Vec<usize>,
}

/// Roots first.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) servers: Vec<Server>,
    pub(crate) roots: usize,
    /// Whether all addresses are IPv6.
    pub(crate) wide: bool,
}

impl Tree {
    /// Recursive k-medoids over the leaves.
    pub(crate) fn build(
        matrix: &Matrix,
        leaves: &[usize],
        widths: &[usize],
        roots: usize,
        rng: &mut Rng,
    ) -> Self {
        let mut tree = Self::default();
        let medoids = k_medoids(matrix, leaves, roots, rng);
        for root in 0..roots {
            tree.add_root(medoids.get(root).map_or(leaves[0], |(medoid, _)| *medoid));
        }
        let below = tree.grow(matrix, leaves, widths, rng);
        tree.put_below_roots(below);
        tree
    }

    /// Adds servers for these leaves, and those above them. Returns the uppermost.
    fn grow(
        &mut self,
        matrix: &Matrix,
        leaves: &[usize],
        widths: &[usize],
        rng: &mut Rng,
    ) -> Vec<usize> {
        let Some((&width, rest)) = widths.split_first() else {
            return leaves.iter().map(|&host| self.add(host, Vec::new())).collect();
        };
        let mut uppermost = Vec::new();
        for (medoid, members) in k_medoids(matrix, leaves, width, rng) {
            let children = self.grow(matrix, &members, rest, rng);
            uppermost.push(self.add(medoid, children));
        }
        uppermost
    }

    pub(crate) fn add_root(&mut self, host: usize) {
        self.roots += 1;
        self.add(host, Vec::new());
    }

    pub(crate) fn put_below_roots(&mut self, children: Vec<usize>) {
        for root in 0..self.roots {
            self.servers[root].children.clone_from(&children);
        }
    }

    /// Adds a server over those that were added before. Returns its number.
    pub(crate) fn add(&mut self, host: usize, children: Vec<usize>) -> usize {
        self.servers.push(Server { host, children });
        self.servers.len() - 1
    }

    pub(crate) fn is_leaf(&self, server: usize) -> bool {
        server >= self.roots && self.servers[server].children.is_empty()
    }

    pub(crate) fn leaves(&self) -> impl Iterator<Item = usize> {
        (0..self.servers.len()).filter(|&server| self.is_leaf(server))
    }

    /// The balance server's address: IPv4 while the documentation ranges last.
    pub(crate) fn addr(&self, server: usize) -> SocketAddr {
        match RANGES.get(server / HOSTS).filter(|_| !self.wide) {
            Some([a, b, c]) => SocketAddr::from(([*a, *b, *c, (server % HOSTS + 1) as u8], 3001)),
            None => {
                let (high, low) = ((server >> 16) as u16, server as u16);
                SocketAddr::from(([0x2001, 0xdb8, high, low, 0, 0, 0, 1], 3001))
            }
        }
    }

    /// The TURN server's beside it.
    pub(crate) fn turn(&self, server: usize) -> SocketAddr {
        SocketAddr::new(self.addr(server).ip(), 3478)
    }

    /// The server, or the one beside the TURN server, at an address.
    pub(crate) fn at(&self, addr: SocketAddr) -> Option<usize> {
        let server = match addr {
            SocketAddr::V4(addr) => {
                let [a, b, c, host] = addr.ip().octets();
                let range = RANGES.iter().position(|range| *range == [a, b, c])?;
                range * HOSTS + usize::from(host).checked_sub(1)?
            }
            SocketAddr::V6(addr) => match addr.ip().segments() {
                [0x2001, 0xdb8, high, low, 0, 0, 0, 1] => {
                    usize::from(high) << 16 | usize::from(low)
                }
                _ => return None,
            },
        };
        Some(server).filter(|&server| server < self.servers.len())
    }
}
