//! k-medoids: Voronoi iteration from random medoids.

use std::collections::BTreeSet;

use rand::RngExt;
use rand::seq::SliceRandom;
use turn_balance::internals::engine::Rng;

use super::matrix::Matrix;

/// Clusters of hosts, each with its medoid.
pub(crate) fn k_medoids(
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
        let rtt = |at: usize| matrix.rtt(host, medoids[at]);
        let nearest = (0..medoids.len()).min_by(|&a, &b| rtt(a).total_cmp(&rtt(b)));
        clusters[nearest.unwrap_or(0)].push(host);
    }
    // A medoid that stands where another does keeps itself.
    for (cluster, &medoid) in clusters.iter_mut().zip(medoids) {
        if cluster.is_empty() {
            cluster.push(medoid);
        }
    }
    let mut seen = BTreeSet::new();
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
