//! Which hosts there are, and how far apart.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use turn_balance::internals::engine::Rng;

use super::args::Args;
use super::globe::{Globe, sphere};
use super::matrix::Matrix;
use super::tree::Tree;
use super::{Error, csv};

pub(crate) enum Internet {
    /// All round trips, at one time or several.
    Measured(Vec<Matrix>),
    /// More hosts than a matrix could hold.
    Globe(Globe),
}

/// Hosts of the internet that is made up, clients and all.
const HOSTS: usize = 500;

/// Clients around the leaves of a globe.
const CLIENTS: usize = 1000;

impl Internet {
    /// The hosts that all trees share; none where each tree comes with its own.
    pub(crate) fn load(args: &Args) -> Result<Option<Self>, Error> {
        let matrices = match &args.matrix {
            Some(file) => csv::load(file, args.snapshots)?,
            None if args.leaves >= HOSTS => return Ok(None),
            None => vec![sphere(HOSTS, &mut Rng::seed_from_u64(args.seed))],
        };
        let hosts = matrices[0].len();
        if args.leaves + 1 > hosts {
            return Err(format!("{} leaves want more than {hosts} hosts", args.leaves).into());
        }
        Ok(Some(Self::Measured(matrices)))
    }

    /// A tree on a globe of its own, and the clients there.
    pub(crate) fn grow(args: &Args, rng: &mut Rng) -> (Self, Tree, Vec<usize>) {
        let widths = &args.shape.0;
        let (globe, tree, clients) = Globe::grow(args.leaves, widths, args.roots, CLIENTS, rng);
        (Self::Globe(globe), tree, clients)
    }

    /// Random hosts as leaves, the others as clients.
    pub(crate) fn split(&self, leaves: usize, rng: &mut Rng) -> (Vec<usize>, Vec<usize>) {
        let hosts = match self {
            Self::Measured(matrices) => matrices[0].len(),
            Self::Globe(_) => 0,
        };
        let mut all: Vec<_> = (0..hosts).collect();
        all.shuffle(rng);
        let clients = all.split_off(leaves.min(hosts));
        (all, clients)
    }

    pub(crate) fn snapshots(&self) -> usize {
        match self {
            Self::Measured(matrices) => matrices.len(),
            Self::Globe(_) => 1,
        }
    }

    /// A round trip, ms.
    pub(crate) fn rtt(&self, snapshot: usize, from: usize, to: usize) -> f64 {
        match self {
            Self::Measured(matrices) => matrices[snapshot].rtt(from, to),
            Self::Globe(globe) => globe.rtt(from, to),
        }
    }

    /// How much of the great circle is between two hosts, if that is known.
    pub(crate) fn arc(&self, from: usize, to: usize) -> Option<f64> {
        match self {
            Self::Measured(matrices) => matrices[0].arc(from, to),
            Self::Globe(globe) => Some(globe.arc(from, to)),
        }
    }

    /// No more than that, and found sooner.
    pub(crate) fn at_least(&self, snapshot: usize, from: usize, to: usize) -> f64 {
        match self {
            Self::Measured(matrices) => matrices[snapshot].rtt(from, to),
            Self::Globe(globe) => globe.at_least(from, to),
        }
    }
}
