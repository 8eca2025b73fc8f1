//! A hundred honest descents a second, each from the next of a hundred addresses.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use turn_balance::Balance;
use turn_balance::internals::wire::View;

use crate::stand::{HONEST, SERVER_V4, SERVER_V6, honest_v4, honest_v6};
use turn_balance_lab::host::request;

const INTERVAL: Duration = Duration::from_millis(10);

/// What came of them.
#[derive(Default)]
pub(crate) struct Honest {
    pub(crate) asked: usize,
    pub(crate) found: usize,
    /// Milliseconds of those that ended well, in order.
    times: Vec<f64>,
}

impl Honest {
    /// Descends for so long, on this host; where the server is an echo, asks it once each time.
    pub(crate) fn run(descend: bool, time: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let times = Arc::new(Mutex::new(Vec::new()));
        let mut honest = Self::default();
        runtime.expect("a runtime").block_on(async {
            let (start, mut ticks) = (Instant::now(), tokio::time::interval(INTERVAL));
            let mut tasks = Vec::new();
            while start.elapsed() < time {
                ticks.tick().await;
                let (from, to) = ends(honest.asked);
                honest.asked += 1;
                let times = times.clone();
                tasks.push(tokio::spawn(async move {
                    let start = Instant::now();
                    let found = match descend {
                        true => descent(from, to).await,
                        false => echo(from, to).await,
                    };
                    if found {
                        let time = start.elapsed().as_secs_f64() * 1e3;
                        times.lock().unwrap_or_else(PoisonError::into_inner).push(time);
                    }
                }));
            }
            for task in tasks {
                let _ = task.await;
            }
        });
        honest.times = std::mem::take(&mut times.lock().unwrap_or_else(PoisonError::into_inner));
        honest.times.sort_by(f64::total_cmp);
        honest.found = honest.times.len();
        honest
    }

    /// The time that this part of those that ended well took at most.
    pub(crate) fn latency(&self, part: f64) -> f64 {
        let last = self.times.len().saturating_sub(1);
        self.times.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

/// Who asks whom this time.
fn ends(turn: usize) -> (SocketAddr, SocketAddr) {
    let n = (turn / 2 % usize::from(HONEST)) as u8;
    let (from, to): (IpAddr, IpAddr) = match turn % 2 {
        0 => (honest_v4(n).into(), SERVER_V4.into()),
        _ => (honest_v6(n).into(), SERVER_V6.into()),
    };
    (SocketAddr::new(from, 0), SocketAddr::new(to, 3001))
}

/// A whole descent, as an application makes it. With a socket of its own, for its address.
async fn descent(from: SocketAddr, root: SocketAddr) -> bool {
    let Ok(socket) = UdpSocket::bind(from) else { return false };
    match Balance::builder().root(root).socket(socket).build().await {
        Ok(balance) => balance.select().await.is_ok_and(|found| found.turn.port() == 3478),
        Err(_) => false,
    }
}

/// One request. There is nobody to ask again, as a descent would.
async fn echo(from: SocketAddr, to: SocketAddr) -> bool {
    let Ok(socket) = tokio::net::UdpSocket::bind(from).await else { return false };
    let _ = socket.send_to(&request(1, View::Flat), to).await;
    let mut buffer = [0; 2048];
    let answer = tokio::time::timeout(Duration::from_secs(2), socket.recv_from(&mut buffer));
    matches!(answer.await, Ok(Ok(_)))
}
