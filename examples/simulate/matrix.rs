//! Round-trip times between hosts: measured ones from a file, or a plausible internet.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use rand::RngExt;
use rand_distr::{Distribution, LogNormal};
use turn_balance::net::engine::Rng;

use super::Error;

/// Round-trip times in milliseconds; the diagonal is 0.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    rows: Vec<Vec<f64>>,
}

impl Matrix {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn rtt(&self, from: usize, to: usize) -> f64 {
        self.rows[from][to]
    }

    /// Without the hosts that lack a measurement.
    fn complete(mut rows: Vec<Vec<f64>>) -> Self {
        loop {
            let gaps = |row: &Vec<f64>| row.iter().filter(|rtt| !rtt.is_finite()).count();
            let worst = (0..rows.len()).max_by_key(|&host| gaps(&rows[host]));
            let Some(worst) = worst.filter(|&host| gaps(&rows[host]) > 0) else { break };
            rows.remove(worst);
            for row in &mut rows {
                row.remove(worst);
            }
        }
        for (host, row) in rows.iter_mut().enumerate() {
            row[host] = 0.0;
        }
        Self { rows }
    }
}

/// Reads a matrix, with or without names of hosts, or a line of it for each of several snapshots.
pub(crate) fn load(path: &Path, snapshots: Option<(usize, f64)>) -> Result<Vec<Matrix>, Error> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        GzDecoder::new(file).read_to_string(&mut text)?;
    } else {
        { file }.read_to_string(&mut text)?;
    }
    let numbers = |line: &str| -> Vec<f64> {
        line.split(',').map(|cell| cell.trim().parse().unwrap_or(f64::NAN)).collect()
    };
    if let Some((hosts, unit)) = snapshots {
        let line = |line: &str| -> Result<Matrix, Error> {
            let cells: Vec<_> = numbers(line).iter().map(|rtt| rtt * unit).collect();
            if cells.len() != hosts * hosts {
                return Err(format!("a snapshot has {} values", cells.len()).into());
            }
            Ok(Matrix::complete(cells.chunks(hosts).map(<[f64]>::to_vec).collect()))
        };
        let matrices: Vec<_> = text.lines().map(line).collect::<Result<_, _>>()?;
        return Ok(matrices);
    }
    let mut rows: Vec<_> = text.lines().filter(|line| !line.is_empty()).map(numbers).collect();
    if rows.first().is_some_and(|row| row.iter().skip(1).all(|rtt| rtt.is_nan())) {
        rows.remove(0);
        for row in &mut rows {
            row.remove(0);
        }
    }
    let hosts = rows.len();
    for row in &mut rows {
        row.resize(hosts, f64::NAN);
    }
    // The host's own column may be empty.
    (0..hosts).for_each(|host| rows[host][host] = 0.0);
    match hosts {
        0 => Err(format!("{}: no numbers", path.display()).into()),
        _ => Ok(vec![Matrix::complete(rows)]),
    }
}

/// An internet of its own: hosts in clusters on a sphere, light in fibre (200 km/ms) on a path
/// that is longer than the great circle by a detour, and the delay of each host's access.
pub(crate) fn sphere(hosts: usize, rng: &mut Rng) -> Matrix {
    const EARTH_KM: f64 = 6371.0;
    const FIBRE_KM_PER_MS: f64 = 200.0;
    let cities: Vec<_> = (0..hosts / 10 + 1).map(|_| point(rng)).collect();
    let places: Vec<_> = (0..hosts)
        .map(|_| {
            let city = cities[rng.random_range(0..cities.len())];
            let off = point(rng);
            let near = [0, 1, 2].map(|axis| city[axis] + 0.05 * off[axis]);
            let length = near.iter().map(|x| x * x).sum::<f64>().sqrt();
            near.map(|x| x / length)
        })
        .collect();
    let access = lognormal(1.0, 0.8);
    let own: Vec<f64> = (0..hosts).map(|_| access.sample(rng)).collect();
    let detour = lognormal(0.6, 0.5);
    let mut rows = vec![vec![0.0; hosts]; hosts];
    for from in 0..hosts {
        for to in from + 1..hosts {
            let cosine: f64 = (0..3).map(|axis| places[from][axis] * places[to][axis]).sum();
            let distance = cosine.clamp(-1.0, 1.0).acos() * EARTH_KM;
            let path = 2.0 * distance / FIBRE_KM_PER_MS * (1.0 + detour.sample(rng));
            let rtt = path + own[from] + own[to];
            (rows[from][to], rows[to][from]) = (rtt, rtt);
        }
    }
    Matrix { rows }
}

/// A lognormal distribution by its median.
pub(crate) fn lognormal(median: f64, sigma: f64) -> LogNormal<f64> {
    LogNormal::new(median.ln(), sigma).expect("sigma is finite")
}

fn point(rng: &mut Rng) -> [f64; 3] {
    let z = rng.random_range(-1.0..=1.0f64);
    let turn = rng.random_range(0.0..std::f64::consts::TAU);
    let flat = (1.0 - z * z).sqrt();
    [flat * turn.cos(), flat * turn.sin(), z]
}
