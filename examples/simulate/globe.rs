//! Plausible internets: hosts in clusters on a sphere, light in fibre on a path that is longer
//! than the great circle by a detour, and the delay of each host's access.

use rand::RngExt;
use rand_distr::Distribution;
use turn_balance::internals::engine::Rng;

use super::matrix::Matrix;
use super::tree::Tree;
use turn_balance_sim::lognormal;

const EARTH_KM: f64 = 6371.0;
const FIBRE_KM_PER_MS: f64 = 200.0;

/// What a path is longer than the great circle, by its share: median and sigma, lognormal.
const DETOUR: (f64, f64) = (0.6, 0.5);

/// What a host's access adds to each round trip, ms: median and sigma, lognormal.
const OWN: (f64, f64) = (1.0, 0.8);

/// A direction from the centre of the earth.
pub(crate) type Place = [f64; 3];

/// All round trips between some hosts.
pub(crate) fn sphere(hosts: usize, rng: &mut Rng) -> Matrix {
    let cities: Vec<_> = (0..hosts / 10 + 1).map(|_| point(rng)).collect();
    let places: Vec<_> = (0..hosts)
        .map(|_| {
            let city = cities[rng.random_range(0..cities.len())];
            near(city, 0.05, rng)
        })
        .collect();
    let access = lognormal(OWN.0, OWN.1);
    let own: Vec<f64> = (0..hosts).map(|_| access.sample(rng)).collect();
    let detour = lognormal(DETOUR.0, DETOUR.1);
    let mut rows = vec![vec![0.0; hosts]; hosts];
    for from in 0..hosts {
        for to in from + 1..hosts {
            let distance = arc(places[from], places[to]) * EARTH_KM;
            let path = 2.0 * distance / FIBRE_KM_PER_MS * (1.0 + detour.sample(rng));
            let rtt = path + own[from] + own[to];
            (rows[from][to], rows[to][from]) = (rtt, rtt);
        }
    }
    Matrix::placed(rows, places)
}

/// The angle between two places.
pub(crate) fn arc(from: Place, to: Place) -> f64 {
    let cosine: f64 = (0..3).map(|axis| from[axis] * to[axis]).sum();
    cosine.clamp(-1.0, 1.0).acos()
}

/// Hosts beyond counting, placed as their tree is: a round trip is worked out when it is asked
/// for.
pub(crate) struct Globe {
    places: Vec<Place>,
    own: Vec<f64>,
    seed: u64,
}

impl Globe {
    /// Servers in clusters, each around the one above it, and clients among the leaves.
    pub(crate) fn grow(
        leaves: usize,
        widths: &[usize],
        roots: usize,
        clients: usize,
        rng: &mut Rng,
    ) -> (Self, Tree, Vec<usize>) {
        let mut globe = Self { places: Vec::new(), own: Vec::new(), seed: rng.random() };
        let mut tree = Tree { wide: true, ..Tree::default() };
        for _ in 0..roots {
            let place = point(rng);
            tree.add_root(globe.add(place, rng));
        }
        let servers = globe.below(&mut tree, None, leaves, widths, rng);
        tree.put_below_roots(servers);
        // A client lives where some leaf does.
        let spread = spread(widths);
        let clients = (0..clients).map(|_| {
            let leaf = globe.places[rng.random_range(roots..globe.places.len())];
            let place = near(leaf, spread, rng);
            globe.add(place, rng)
        });
        let clients = clients.collect();
        (globe, tree, clients)
    }

    /// Grows servers around `above`: their place, and how far they stand from it.
    fn below(
        &mut self,
        tree: &mut Tree,
        above: Option<(Place, f64)>,
        leaves: usize,
        widths: &[usize],
        rng: &mut Rng,
    ) -> Vec<usize> {
        let (width, rest) = widths.split_first().map_or((leaves, None), |(w, r)| (*w, Some(r)));
        let grow = |one: usize| {
            let place = match above {
                Some((at, spread)) => near(at, spread, rng),
                None => point(rng),
            };
            let host = self.add(place, rng);
            let Some(rest) = rest else { return tree.add(host, Vec::new()) };
            let share = leaves * (one + 1) / width - leaves * one / width;
            let spread = above.map_or(2.0, |(_, spread)| spread) / (width as f64).sqrt();
            let children = self.below(tree, Some((place, spread)), share, rest, rng);
            tree.add(host, children)
        };
        (0..width).map(grow).collect()
    }

    fn add(&mut self, place: Place, rng: &mut Rng) -> usize {
        self.places.push(place);
        self.own.push(lognormal(OWN.0, OWN.1).sample(rng));
        self.places.len() - 1
    }

    pub(crate) fn rtt(&self, from: usize, to: usize) -> f64 {
        let detour = DETOUR.0 * (DETOUR.1 * self.noise(from, to)).exp();
        let distance = self.arc(from, to) * EARTH_KM;
        2.0 * distance / FIBRE_KM_PER_MS * (1.0 + detour) + self.own[from] + self.own[to]
    }

    /// How much of the great circle is between two hosts.
    pub(crate) fn arc(&self, from: usize, to: usize) -> f64 {
        arc(self.places[from], self.places[to])
    }

    /// No more than the round trip, and found sooner: through the earth, without a detour.
    pub(crate) fn at_least(&self, from: usize, to: usize) -> f64 {
        let (a, b) = (self.places[from], self.places[to]);
        let square: f64 = (0..3).map(|axis| (a[axis] - b[axis]) * (a[axis] - b[axis])).sum();
        2.0 * square.sqrt() * EARTH_KM / FIBRE_KM_PER_MS + self.own[from] + self.own[to]
    }

    /// A normal number that belongs to two hosts: Box and Muller's, from a hash.
    fn noise(&self, from: usize, to: usize) -> f64 {
        let (low, high) = (from.min(to) as u64, from.max(to) as u64);
        let bits = mix(mix(self.seed ^ low) ^ high);
        let uniform = |bits: u32| (f64::from(bits) + 0.5) / 2f64.powi(32);
        let (radius, turn) = (uniform((bits >> 32) as u32), uniform(bits as u32));
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
    }
}

/// How far leaves stand from the server above them: so many clusters cover the earth.
fn spread(widths: &[usize]) -> f64 {
    widths.iter().fold(2.0, |spread, width| spread / (*width as f64).sqrt())
}

/// A hash of a number (splitmix64's end).
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn near(place: Place, spread: f64, rng: &mut Rng) -> Place {
    let off = point(rng);
    let moved = [0, 1, 2].map(|axis| place[axis] + spread * off[axis]);
    let length = moved.iter().map(|x| x * x).sum::<f64>().sqrt();
    moved.map(|x| x / length)
}

fn point(rng: &mut Rng) -> Place {
    let z = rng.random_range(-1.0..=1.0f64);
    let turn = rng.random_range(0.0..std::f64::consts::TAU);
    let flat = (1.0 - z * z).sqrt();
    [flat * turn.cos(), flat * turn.sin(), z]
}
