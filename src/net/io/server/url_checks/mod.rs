//! The URLs of TURN servers: each is checked by its own transport and host name, again and again. Who asks
//! for them is told those that work.

mod one;
mod rounds;
mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{info, warn};

use self::one::{UrlFault, check};
use self::rounds::Rounds;
use self::subject::{Subject, subjects};
use super::shared::SharedState;
use crate::config::Config;
use crate::error::Error;
use crate::net::engine::server::answer::UrlsOf;
use crate::types::{ServerUrl, TurnHealth, escaped};

/// Between two times that workers are given what has changed: of thousands of URLs at a start each
/// would have all of them encoded.
const PAUSE: Duration = Duration::from_millis(500);

/// One URL, and what its last check came to; `None`: there was none yet.
struct CheckedUrl {
    subject: Arc<Subject>,
    url: ServerUrl,
    last: Option<Result<(), UrlFault>>,
}

/// Others, in the place of all that there are.
pub(super) struct NewUrls {
    pub(super) checks: UrlChecks,
    /// They are told, as far as they are known to work.
    pub(super) done: oneshot::Sender<()>,
}

/// All that are checked.
pub(super) struct UrlChecks {
    /// Those of one TURN server stand together.
    urls: Vec<CheckedUrl>,
    /// Those that are told as they are.
    unchecked: Vec<(UrlsOf, Vec<ServerUrl>)>,
}

impl UrlChecks {
    /// Those that a configuration names, with what its files hold.
    /// `first`: the number of its first entry of `cluster.nodes`.
    pub(super) fn new(config: &Config, first: usize) -> Result<Self, Error> {
        let mut checks = Self { urls: Vec::new(), unchecked: Vec::new() };
        for (subject, urls) in subjects(config, first)? {
            if subject.level == TurnHealth::None {
                checks.unchecked.push((subject.of, urls));
                continue;
            }
            let subject = Arc::new(subject);
            let checked = |url| CheckedUrl { subject: subject.clone(), url, last: None };
            checks.urls.extend(urls.into_iter().map(checked));
        }
        Ok(checks)
    }

    /// Tells what needs no check, and starts the checks. Returns where to replace them.
    pub(super) fn spawn(mut self, shared: &Arc<SharedState>) -> mpsc::Sender<NewUrls> {
        let unchecked = std::mem::take(&mut self.unchecked);
        if !unchecked.is_empty() {
            shared.engine().set_urls(unchecked);
            shared.publish();
        }
        let (reloads, reloaded) = mpsc::channel(1);
        shared.parts.spawn("checks of URLs", self.keep_checking(shared.clone(), reloaded));
        reloads
    }

    async fn keep_checking(
        mut self,
        shared: Arc<SharedState>,
        mut reloads: mpsc::Receiver<NewUrls>,
    ) {
        let mut rounds = Rounds::new(self.urls.len(), Instant::now());
        let mut running = JoinSet::new();
        let mut changed = BTreeSet::new();
        let mut told = Instant::now();
        loop {
            while let Some(index) = rounds.start(Instant::now()) {
                let CheckedUrl { subject, url, .. } = &self.urls[index];
                let (subject, url) = (subject.clone(), url.clone());
                running.spawn(async move { (index, check(&subject, &url).await) });
            }
            let publish = (!changed.is_empty()).then(|| told + PAUSE);
            let next = rounds.next().into_iter().chain(publish).min();
            tokio::select! {
                Some(ended) = running.join_next() => {
                    let Ok((index, result)) = ended else { return }; // it has panicked, which is told
                    rounds.end();
                    changed.extend(self.take(index, result));
                }
                Some(NewUrls { checks, done }) = reloads.recv() => {
                    // What is out would tell of others.
                    (running, changed) = (JoinSet::new(), BTreeSet::new());
                    self = checks.after(&self);
                    rounds = Rounds::new(self.urls.len(), Instant::now());
                    shared.engine().set_urls(self.told());
                    let _ = done.send(());
                }
                () = sleep_until(next) => {}
            }
            if !changed.is_empty() && told + PAUSE <= Instant::now() {
                let urls =
                    std::mem::take(&mut changed).into_iter().map(|of| (of, self.working(of)));
                shared.engine().set_urls(urls);
                shared.publish();
                told = Instant::now();
            }
        }
    }

    /// These, with what the last checks of others came to that are the same.
    fn after(mut self, before: &Self) -> Self {
        let known = |checked: &CheckedUrl| {
            let CheckedUrl { subject, url, .. } = checked;
            (subject.called.clone(), subject.level, url.to_string())
        };
        let last: BTreeMap<_, _> =
            before.urls.iter().map(|checked| (known(checked), &checked.last)).collect();
        for checked in &mut self.urls {
            checked.last = last.get(&known(checked)).and_then(|last| (*last).clone());
        }
        self
    }

    /// All that is told, of each TURN server that has URLs, and of the one beside the server in any case.
    fn told(&mut self) -> BTreeMap<UrlsOf, Vec<ServerUrl>> {
        let mut told = BTreeMap::from([(UrlsOf::Beside, Vec::new())]);
        for CheckedUrl { subject, url, last } in &self.urls {
            let urls = told.entry(subject.of).or_default();
            urls.extend((*last == Some(Ok(()))).then(|| url.clone()));
        }
        told.extend(std::mem::take(&mut self.unchecked));
        told
    }

    /// Takes what a check came to, and tells what is new. Returns whose URLs are others now.
    fn take(&mut self, index: usize, result: Result<(), UrlFault>) -> Option<UrlsOf> {
        let CheckedUrl { subject, url, last } = self.urls.get_mut(index)?;
        let before = last.replace(result.clone());
        if before.as_ref() == Some(&result) {
            return None;
        }
        let turn = escaped(&subject.called);
        match &result {
            Ok(()) => info!(%turn, %url, "URL works"),
            Err(fault) => {
                let reason = fault.as_str();
                warn!(%turn, %url, %reason, "URL left out: {fault}");
            }
        }
        let worked = matches!(before, Some(Ok(())));
        (worked != result.is_ok()).then_some(subject.of)
    }

    /// Those of a TURN server that work, in the order of the configuration.
    fn working(&self, of: UrlsOf) -> Vec<ServerUrl> {
        let first = self.urls.partition_point(|checked| checked.subject.of < of);
        let all = self.urls[first..].iter().take_while(|checked| checked.subject.of == of);
        let working = all.filter(|checked| checked.last == Some(Ok(())));
        working.map(|checked| checked.url.clone()).collect()
    }
}

/// Waits for a moment; for ever where there is none.
async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
