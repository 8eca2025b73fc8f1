//! Round-trip times between all hosts.

use super::globe::{Place, arc};

/// Round-trip times in milliseconds; the diagonal is 0.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    rows: Vec<Vec<f64>>,
    /// Where the hosts are, if that is known.
    places: Vec<Place>,
}

impl Matrix {
    pub(crate) fn new(rows: Vec<Vec<f64>>) -> Self {
        Self { rows, places: Vec::new() }
    }

    /// Of hosts at these places.
    pub(crate) fn placed(rows: Vec<Vec<f64>>, places: Vec<Place>) -> Self {
        Self { rows, places }
    }

    /// How much of the great circle is between two hosts, if that is known.
    pub(crate) fn arc(&self, from: usize, to: usize) -> Option<f64> {
        Some(arc(*self.places.get(from)?, *self.places.get(to)?))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn rtt(&self, from: usize, to: usize) -> f64 {
        self.rows[from][to]
    }

    /// Snapshots of the same hosts, in which some times are missing. What is known the other way,
    /// or at another time, stands in; hosts that still lack one are left out of all.
    pub(crate) fn complete(mut snapshots: Vec<Vec<Vec<f64>>>) -> Vec<Self> {
        snapshots.iter_mut().for_each(|rows| mirror(rows));
        for at in 1..snapshots.len() {
            let (before, after) = snapshots.split_at_mut(at);
            fill(&mut after[0], &before[at - 1]);
        }
        for at in (1..snapshots.len()).rev() {
            let (before, after) = snapshots.split_at_mut(at);
            fill(&mut before[at - 1], &after[0]);
        }
        // Whatever is missing now is missing in all of them.
        while let Some(host) = worst(&snapshots[0]) {
            for rows in &mut snapshots {
                rows.remove(host);
                rows.iter_mut().for_each(|row| _ = row.remove(host));
            }
        }
        snapshots.into_iter().map(Self::new).collect()
    }
}

/// Clears the diagonal, and takes what is missing from the other way.
fn mirror(rows: &mut [Vec<f64>]) {
    let back = rows.to_vec();
    for (from, row) in rows.iter_mut().enumerate() {
        row[from] = 0.0;
        for (rtt, row) in row.iter_mut().zip(&back) {
            if rtt.is_nan() {
                *rtt = row[from];
            }
        }
    }
}

fn fill(rows: &mut [Vec<f64>], from: &[Vec<f64>]) {
    for (cell, known) in rows.iter_mut().flatten().zip(from.iter().flatten()) {
        if cell.is_nan() {
            *cell = *known;
        }
    }
}

/// The host that lacks most.
fn worst(rows: &[Vec<f64>]) -> Option<usize> {
    let gaps = |host: &usize| rows[*host].iter().filter(|rtt| rtt.is_nan()).count();
    (0..rows.len()).max_by_key(gaps).filter(|host| gaps(host) > 0)
}
