//! Clients that never stop asking.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use turn_balance::{Balance, Builder, View};

use crate::place::Place;

/// From one descent to the next.
const INTERVAL: Duration = Duration::from_millis(250);

/// Longer than any descent while there is a way.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Addresses that ask as any on the internet, within what each may: of this host's own nobody counts how much.
const STRANGERS: u8 = 8;

/// A descent that has ended.
pub(crate) struct Probe {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    /// Which of the clients it was.
    pub(crate) what: &'static str,
    /// Whom it named, with the name of his leaf, and whether he has answered himself.
    pub(crate) result: Result<(SocketAddr, String, bool), String>,
}

#[derive(Default)]
pub(crate) struct Probes(Mutex<Vec<Probe>>);

impl Probes {
    fn add(&self, probe: Probe) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(probe);
    }

    /// Takes those that have ended so long ago.
    pub(crate) fn take(&self, ago: Duration) -> Vec<Probe> {
        let mut probes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, new) = probes.drain(..).partition(|probe| probe.end.elapsed() >= ago);
        *probes = new;
        old
    }
}

/// The address of a stranger.
pub(crate) fn stranger(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, n + 1)
}

pub(crate) fn strangers() -> impl Iterator<Item = Ipv4Addr> {
    (0..STRANGERS).map(stranger)
}

/// Descends all the time, until it is over; those that have begun end.
pub(crate) fn descend(probes: &Arc<Probes>, over: &AtomicBool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut clients = Vec::new();
        for ip in strangers() {
            let socket = UdpSocket::bind((ip, 0)).expect("an address on this host");
            clients.push(("a stranger", client().socket(socket).build().await.expect("a client")));
            clients.push(("a client", client().build().await.expect("a client")));
        }
        let stepwise = client().view(View::Subordinates).build().await.expect("a client");
        clients.push(("one who goes step by step", stepwise));
        let (mut ticks, mut tasks) = (tokio::time::interval(INTERVAL), tokio::task::JoinSet::new());
        for (what, balance) in clients.iter().cycle().cloned() {
            ticks.tick().await;
            while tasks.try_join_next().is_some() {}
            if over.load(Ordering::Relaxed) {
                break;
            }
            tasks.spawn(descent(what, balance, probes.clone()));
        }
        tasks.join_all().await;
    });
}

fn client() -> Builder {
    let builder = Balance::builder().timeout(TIMEOUT);
    Place::of_level(0).fold(builder, |builder, root| builder.root(root.server()))
}

async fn descent(what: &'static str, balance: Balance, probes: Arc<Probes>) {
    let start = Instant::now();
    let result = balance.select().await;
    let result = result.map_err(|error| error.to_string()).map(|found| {
        let name = found.name.map_or_else(|| "-".to_owned(), |name| name.to_string());
        (found.turn, name, found.verified)
    });
    probes.add(Probe { start, end: Instant::now(), what, result });
}
