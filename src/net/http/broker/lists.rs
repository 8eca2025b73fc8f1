//! What is listed, here and below, asked for as clients ask for it and kept for a moment, so that a crowd
//! of pages costs the servers one question.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tracing::debug;

use super::asked::KnownUrls;
use crate::error::Error;
use crate::net::engine::client::list::{ListedServer, ServerKind, ServerList};
use crate::net::io::client::Lister;

/// How long a list is as good as new.
const FRESH: Duration = Duration::from_secs(1);

/// How long one counts for what it names: a page measures what it was told for a second or two, and then
/// asks for credentials.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How long a server below is awaited.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many servers below are kept: strangers choose which of those that are listed.
const MOST: usize = 256;

/// How many questions are out at once.
const AT_ONCE: usize = 32;

/// Why there is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoList {
    /// Nothing that is listed has this address.
    Unlisted(SocketAddr),
    /// What is listed there has no list.
    NoBalance(SocketAddr),
    /// It does not answer.
    Silent(SocketAddr),
    /// Too much is asked.
    Busy,
}

type Outcome = Result<Arc<ServerList>, NoList>;

/// The lists of the server that the broker speaks for, and of those below.
pub(super) struct Lists {
    own: Lister,
    own_addr: SocketAddr,
    /// By the server; that of the own one is its own address.
    kept: Mutex<BTreeMap<SocketAddr, Kept>>,
    urls: KnownUrls,
    questions: Arc<Semaphore>,
}

#[derive(Default)]
struct Kept {
    /// Held by who asks; the others wait for what comes of it.
    flight: Arc<AsyncMutex<Option<(Instant, Outcome)>>>,
    /// The last list, and when it came.
    list: Option<(Instant, Arc<ServerList>)>,
}

impl Lists {
    /// Of the server at this address.
    ///
    /// # Errors
    /// None for an address in numbers.
    pub(super) async fn new(own_addr: SocketAddr) -> Result<Self, Error> {
        Ok(Self {
            own: lister(own_addr).await?,
            own_addr,
            kept: Mutex::default(),
            urls: KnownUrls::default(),
            questions: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// What the server lists.
    pub(super) async fn own(self: &Arc<Self>) -> Outcome {
        self.of(self.own_addr).await
    }

    /// What a server lists that is listed here or further below.
    pub(super) async fn below(self: &Arc<Self>, addr: SocketAddr) -> Outcome {
        self.own().await?;
        match self.find(addr).map(|server| server.kind) {
            Some(ServerKind::Balance) => self.of(addr).await,
            Some(ServerKind::Leaf | ServerKind::Turn) => Err(NoList::NoBalance(addr)),
            None => Err(NoList::Unlisted(addr)),
        }
    }

    /// What has this address, or a TURN server there, in a list of the last minute.
    pub(super) fn find(&self, addr: SocketAddr) -> Option<ListedServer> {
        let kept = self.kept();
        let known = |kept: &&Kept| kept.list.as_ref().is_some_and(|(at, _)| is_known(*at));
        let lists = kept.values().filter(known).filter_map(|kept| kept.list.as_ref());
        let all = lists.flat_map(|(_, list)| &list.servers);
        let all: Vec<_> = all.filter(|server| is_at(server, addr)).collect();
        // The TURN server of a leaf may stand beside it in another list: the leaf knows more.
        let by_addr = all.iter().find(|server| server.addr == addr);
        by_addr.or(all.first()).map(|server| (*server).clone())
    }

    /// A list that is as good as new.
    async fn of(self: &Arc<Self>, addr: SocketAddr) -> Outcome {
        let flight = {
            let mut kept = self.kept();
            if kept.len() >= MOST && !kept.contains_key(&addr) {
                kept.retain(|_, kept| kept.is_of_use());
                if kept.len() >= MOST {
                    return Err(NoList::Busy);
                }
            }
            kept.entry(addr).or_default().flight.clone()
        };
        let outcome = flight.lock_owned().await;
        if let Some((at, outcome)) = &*outcome
            && at.elapsed() < FRESH
        {
            return outcome.clone();
        }
        let Ok(permit) = self.questions.clone().try_acquire_owned() else {
            return Err(NoList::Busy);
        };
        // A task: whoever asked may go, and the next one must not ask again.
        let asked = tokio::spawn(self.clone().ask(addr, outcome, permit));
        asked.await.unwrap_or(Err(NoList::Silent(addr)))
    }

    async fn ask(
        self: Arc<Self>,
        addr: SocketAddr,
        mut slot: OwnedMutexGuard<Option<(Instant, Outcome)>>,
        _permit: OwnedSemaphorePermit,
    ) -> Outcome {
        let outcome = self.list(addr).await;
        let now = Instant::now();
        if let Ok(list) = &outcome {
            self.kept().entry(addr).or_default().list = Some((now, list.clone()));
        }
        *slot = Some((now, outcome.clone()));
        outcome
    }

    async fn list(&self, addr: SocketAddr) -> Outcome {
        let silent = |error: Error| {
            debug!(%error, server = %addr, "no list");
            NoList::Silent(addr)
        };
        let lister = match addr == self.own_addr {
            true => self.own.clone(),
            false => lister(addr).await.map_err(silent)?,
        };
        let mut list = lister.list().await.map_err(silent)?;
        if let Some(server) = self.find(addr).filter(|_| addr != self.own_addr) {
            for below in &mut list.servers {
                below.labels = below.labels.below(&server.labels);
            }
        }
        self.urls.fill(&lister, &mut list).await;
        Ok(Arc::new(list))
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Whether it is still of use to anybody.
    fn is_of_use(&self) -> bool {
        let known = self.list.as_ref().is_some_and(|(at, _)| is_known(*at));
        known || Arc::strong_count(&self.flight) > 1
    }
}

fn is_known(at: Instant) -> bool {
    at.elapsed() < REMEMBERED
}

fn is_at(server: &ListedServer, addr: SocketAddr) -> bool {
    server.addr == addr || server.turn == Some(addr)
}

async fn lister(addr: SocketAddr) -> Result<Lister, Error> {
    Lister::builder(addr).urls(false).timeout(PATIENCE).build().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_listed_counts_for_a_minute() {
        let own = SocketAddr::from(([192, 0, 2, 1], 3001));
        let lists = Lists::new(own).await.unwrap();
        let turn = |n| SocketAddr::from(([203, 0, 113, n], 3478));
        let listed = |n, seconds| {
            let (addr, name, rtt) = ((turn(n).ip(), 3001).into(), None, Duration::ZERO);
            let servers = vec![ListedServer::turn(turn(n))];
            let list = Arc::new(ServerList { addr, name, rtt, servers, total: 1 });
            let came = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
            lists.kept().entry(addr).or_default().list = Some((came, list));
        };
        [(1, 0), (2, 50), (3, 61)].into_iter().for_each(|(n, seconds)| listed(n, seconds));
        let known = [1, 2, 3, 4].map(|n| lists.find(turn(n)).map(|server| server.addr));
        assert_eq!(known, [Some(turn(1)), Some(turn(2)), None, None]);
    }
}
