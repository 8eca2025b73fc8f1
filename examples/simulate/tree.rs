//! A cascade over random leaves, and what its servers answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;

use rand::RngExt;
use rand::seq::SliceRandom;
use turn_balance::net::engine::Rng;
use turn_balance::net::engine::balancer::{Listing, Offer, flatten};
use turn_balance::net::wire::{Kind, Node};

use super::matrix::Matrix;
use super::model::ms;

/// How many servers stand side by side on each level above the leaves.
#[derive(Debug, Clone)]
pub(crate) struct Shape(Vec<usize>);

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "flat" {
            return Ok(Self(Vec::new()));
        }
        let numbers: Result<Vec<usize>, _> = text.split('x').map(str::parse).collect();
        let mut numbers = numbers.map_err(|_| "`flat`, or numbers such as 8x8".to_owned())?;
        numbers.pop(); // the last is how many leaves each has, which follows
        Ok(Self(numbers))
    }
}

/// A server of the tree and where it stands.
pub(crate) struct Server {
    pub(crate) host: usize,
    children: Vec<usize>,
}

/// Roots first.
pub(crate) struct Tree {
    pub(crate) servers: Vec<Server>,
    pub(crate) roots: usize,
}

impl Tree {
    pub(crate) fn build(
        matrix: &Matrix,
        leaves: &[usize],
        shape: &Shape,
        roots: usize,
        rng: &mut Rng,
    ) -> Self {
        let medoids = k_medoids(matrix, leaves, roots, rng);
        let place = |root: usize| medoids.get(root).map_or(leaves[0], |(medoid, _)| *medoid);
        let root = |root| Server { host: place(root), children: Vec::new() };
        let mut tree = Self { servers: (0..roots).map(root).collect(), roots };
        let below = tree.grow(matrix, leaves, &shape.0, rng);
        for root in 0..roots {
            tree.servers[root].children.clone_from(&below);
        }
        tree
    }

    /// Adds servers for these leaves, and those above them. Returns the uppermost.
    fn grow(
        &mut self,
        matrix: &Matrix,
        leaves: &[usize],
        shape: &[usize],
        rng: &mut Rng,
    ) -> Vec<usize> {
        let Some((&width, rest)) = shape.split_first() else {
            return leaves.iter().map(|&host| self.add(host, Vec::new())).collect();
        };
        let mut uppermost = Vec::new();
        for (medoid, members) in k_medoids(matrix, leaves, width, rng) {
            let children = self.grow(matrix, &members, rest, rng);
            uppermost.push(self.add(medoid, children));
        }
        uppermost
    }

    fn add(&mut self, host: usize, children: Vec<usize>) -> usize {
        self.servers.push(Server { host, children });
        self.servers.len() - 1
    }

    pub(crate) fn is_leaf(&self, server: usize) -> bool {
        server >= self.roots && self.servers[server].children.is_empty()
    }

    pub(crate) fn leaves(&self) -> impl Iterator<Item = usize> {
        (0..self.servers.len()).filter(|&server| self.is_leaf(server))
    }

    /// What each server answers, by address.
    pub(crate) fn servers(
        &self,
        matrix: &Matrix,
        flat: bool,
        rng: &mut Rng,
    ) -> BTreeMap<SocketAddr, (usize, Offer)> {
        let mut lists: Vec<Vec<Node>> = vec![Vec::new(); self.servers.len()];
        let mut offers = BTreeMap::new();
        // Children stand after the roots and before their parents.
        let order = (self.roots..self.servers.len()).chain(0..self.roots);
        for server in order {
            let mut listing = Listing { version: 1, ..Listing::default() };
            if self.is_leaf(server) {
                listing.turn = Some(turn(server));
            }
            let here = self.servers[server].host;
            let node = |child: usize| Node {
                addr: addr(child),
                kind: if self.is_leaf(child) { Kind::Leaf } else { Kind::Balance },
                turn: self.is_leaf(child).then(|| turn(child)),
                name: None,
                hops: 0,
                rtt: Some(ms(matrix.rtt(here, self.servers[child].host))),
            };
            let children = &self.servers[server].children;
            listing.nodes = children.iter().map(|&child| node(child)).collect();
            listing.flat = listing.nodes.clone();
            if flat {
                listing.flat =
                    flatten(children.iter().map(|&child| (node(child), &lists[child][..])));
            }
            lists[server].clone_from(&listing.flat);
            offers.insert(addr(server), (server, Offer::new(&listing, rng)));
        }
        offers
    }
}

/// The balance server's address: IPv4 while the documentation ranges (RFC 5737) last.
pub(crate) fn addr(server: usize) -> SocketAddr {
    let ranges = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
    match ranges.get(server / 254) {
        Some([a, b, c]) => SocketAddr::from(([*a, *b, *c, (server % 254 + 1) as u8], 3001)),
        None => {
            let (high, low) = ((server >> 16) as u16, server as u16);
            SocketAddr::from(([0x2001, 0xdb8, high, low, 0, 0, 0, 1], 3001))
        }
    }
}

/// The TURN server's beside it.
pub(crate) fn turn(server: usize) -> SocketAddr {
    SocketAddr::new(addr(server).ip(), 3478)
}

/// Clusters of hosts, each with its medoid: Voronoi iteration from random medoids.
fn k_medoids(
    matrix: &Matrix,
    hosts: &[usize],
    k: usize,
    rng: &mut Rng,
) -> Vec<(usize, Vec<usize>)> {
    let mut medoids = hosts.to_vec();
    medoids.shuffle(rng);
    medoids.truncate(k.max(1));
    let _: u32 = rng.random();
    for _ in 0..20 {
        let clusters = assign(matrix, hosts, &medoids);
        let next: Vec<_> = clusters.iter().map(|cluster| medoid(matrix, cluster)).collect();
        if next == medoids {
            break;
        }
        medoids = next;
    }
    let clusters = assign(matrix, hosts, &medoids);
    medoids.into_iter().zip(clusters).filter(|(_, cluster)| !cluster.is_empty()).collect()
}

fn assign(matrix: &Matrix, hosts: &[usize], medoids: &[usize]) -> Vec<Vec<usize>> {
    let mut clusters = vec![Vec::new(); medoids.len()];
    for &host in hosts {
        let nearest = (0..medoids.len())
            .min_by(|&a, &b| {
                let rtt = |at: usize| matrix.rtt(host, medoids[at]);
                rtt(a).total_cmp(&rtt(b))
            })
            .unwrap_or(0);
        clusters[nearest].push(host);
    }
    // A medoid that stands where another does keeps itself.
    for (cluster, &medoid) in clusters.iter_mut().zip(medoids) {
        if cluster.is_empty() {
            cluster.push(medoid);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for cluster in &mut clusters {
        cluster.retain(|host| seen.insert(*host));
    }
    clusters
}

fn medoid(matrix: &Matrix, cluster: &[usize]) -> usize {
    let cost = |at: usize| cluster.iter().map(|&host| matrix.rtt(at, host)).sum::<f64>();
    let nearest = cluster.iter().copied().min_by(|&a, &b| cost(a).total_cmp(&cost(b)));
    nearest.unwrap_or(cluster.first().copied().unwrap_or(0))
}
