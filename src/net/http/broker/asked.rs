//! How TURN servers are reached, asked of those who know it and kept for a minute.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::net::engine::client::list::ServerList;
use crate::net::io::client::Lister;
use crate::types::ServerUrl;

/// How long URLs are as good as new: they change when an operator changes them, or one fails its check.
const FRESH: Duration = Duration::from_secs(60);

/// How long those of a server are that has just come: some of its URLs may not be checked yet.
const NEW: Duration = Duration::from_secs(2);

/// How long nobody is asked again who did not answer.
const SILENT: Duration = Duration::from_secs(10);

/// How long those are kept that are not asked for any more.
const REMEMBERED: Duration = Duration::from_secs(600);

/// How often it is looked for those where there is no room: that is work for each of them.
const SWEPT: Duration = Duration::from_secs(10);

/// How long a list waits for them: it is of use without them too.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many are asked at once, each from a socket of its own.
const AT_ONCE: usize = 16;

/// Room for all that lists may name at once.
const MOST: usize = 16_384;

/// The URLs of TURN servers, by the address that they are listed at.
#[derive(Debug, Default)]
pub(super) struct KnownUrls(Mutex<AllUrls>);

#[derive(Debug, Default)]
struct AllUrls {
    kept: BTreeMap<SocketAddr, KeptUrls>,
    /// When it was looked last who is not asked for any more.
    swept: Option<Instant>,
}

#[derive(Debug, Clone)]
struct KeptUrls {
    urls: Vec<ServerUrl>,
    /// When they are to be asked for again.
    again: Instant,
    /// When they came.
    came: Instant,
    /// Since when it is asked for them.
    since: Instant,
}

impl KnownUrls {
    /// Fills in those of a list, and asks for what is not known, or not any more.
    pub(super) async fn fill(&self, lister: &Lister, list: &mut ServerList) {
        let now = Instant::now();
        let due: Vec<_> = {
            let kept = self.kept();
            let is_due = |addr| kept.kept.get(addr).is_none_or(|kept| kept.again <= now);
            let wanted = list.servers.iter().filter(|server| server.turn.is_some());
            let wanted = wanted.filter(|server| server.urls.is_empty() && is_due(&server.addr));
            wanted.cloned().collect()
        };
        let (mut asked, mut due) = (JoinSet::new(), due.into_iter());
        let end = now + PATIENCE;
        loop {
            while asked.len() < AT_ONCE
                && let Some(server) = due.next()
            {
                let lister = lister.clone();
                asked.spawn(async move { (server.addr, lister.urls(&server).await.ok()) });
            }
            match timeout_at(end.into(), asked.join_next()).await {
                Ok(Some(Ok((addr, urls)))) => self.keep(addr, urls),
                Ok(Some(Err(_))) => {} // a panic, which is told by its hook
                Ok(None) | Err(_) => break,
            }
        }
        let kept = self.kept();
        for server in list.servers.iter_mut().filter(|server| server.urls.is_empty()) {
            server.urls =
                kept.kept.get(&server.addr).map(|kept| kept.urls.clone()).unwrap_or_default();
        }
    }

    /// Keeps what was told; `None`: nothing was, and what was told before counts.
    fn keep(&self, addr: SocketAddr, urls: Option<Vec<ServerUrl>>) {
        let (now, mut all) = (Instant::now(), self.kept());
        let AllUrls { kept, swept } = &mut *all;
        if kept.len() >= MOST && !kept.contains_key(&addr) {
            if swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEPT) {
                *swept = Some(now);
                kept.retain(|_, kept| kept.came.elapsed() < REMEMBERED);
            }
            if kept.len() >= MOST {
                return;
            }
        }
        let new = KeptUrls { urls: Vec::new(), again: now, came: now, since: now };
        let entry = kept.entry(addr).or_insert(new);
        match urls {
            Some(urls) => {
                // Twice as old each time, until they are good for all of it.
                let fresh = now.saturating_duration_since(entry.since).clamp(NEW, FRESH);
                *entry = KeptUrls { urls, again: now + fresh, came: now, since: entry.since };
            }
            None => entry.again = now + SILENT,
        }
    }

    fn kept(&self) -> MutexGuard<'_, AllUrls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
