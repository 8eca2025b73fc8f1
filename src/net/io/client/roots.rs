//! Whom a client's descents begin at. Each descent looks all names up anew, at once.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::io;
use std::mem::take;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tracing::debug;

use crate::error::Error;
use crate::net::io::look_up::start;
use crate::net::io::resolve::Resolved;
use crate::types::{Endpoint, Family, Unresolved, UnresolvedRoot};

/// How many names a descent looks up at once: each takes a thread, for as long as the resolver is
/// silent. Few callers have so many.
const AT_ONCE: usize = 64;

/// For so long descents share a look-up that another has begun: a thousand at once are not to take a
/// thousand threads. Those who come later begin their own, for a request may have been lost.
const SHARED: Duration = Duration::from_millis(250);

/// The roots of a client, by address or by name.
#[derive(Debug)]
pub(super) struct Roots {
    roots: Vec<Root>,
    family: Option<Family>,
}

#[derive(Debug)]
struct Root {
    endpoint: Endpoint,
    newest: Mutex<Option<LookUp>>,
}

/// A look-up that has begun, and who waits for it; `None`: it has ended.
#[derive(Debug, Clone)]
struct LookUp {
    began: Instant,
    waiting: Arc<Mutex<Option<Vec<Waiter>>>>,
}

/// A descent that waits for the root of this index.
#[derive(Debug)]
struct Waiter {
    index: usize,
    answers: UnboundedSender<(usize, Answer)>,
}

type Answer = Result<Vec<SocketAddr>, Arc<io::Error>>;

impl Roots {
    /// # Errors
    /// [`Error::NoRoots`]; [`Error::Endpoint`]; [`Error::NoAddress`] where that is known without a
    /// look-up.
    pub(super) fn new(roots: Vec<Endpoint>, family: Option<Family>) -> Result<Self, Error> {
        roots.iter().try_for_each(Endpoint::check)?;
        let refused = |root: &Endpoint| root.judge(root.numeric()?, family).err();
        if let Some(errors) = roots.iter().map(refused).collect::<Option<Vec<_>>>() {
            return Err(errors.into_iter().next().unwrap_or(Error::NoRoots));
        }
        let root = |endpoint| Root { endpoint, newest: Mutex::default() };
        Ok(Self { roots: roots.into_iter().map(root).collect(), family })
    }

    /// Begins to look up the names, for one descent.
    pub(super) fn look_up(&self) -> LookUps<'_> {
        let (sender, answers) = mpsc::unbounded_channel();
        let mut look_ups = LookUps {
            roots: self,
            known: Vec::new(),
            hosts: Vec::new(),
            queue: VecDeque::new(),
            awaited: 0,
            sender,
            answers,
            found_any: false,
            failed: BTreeMap::new(),
        };
        for (index, Root { endpoint, .. }) in self.roots.iter().enumerate() {
            match endpoint.numeric().map(|found| endpoint.judge(found, self.family)) {
                Some(Ok(addrs)) => {
                    look_ups.known.extend(addrs);
                    look_ups.found_any = true;
                }
                _ => {
                    look_ups.hosts.push(endpoint.host());
                    look_ups.queue.push_back(index);
                }
            }
        }
        (0..AT_ONCE).for_each(|_| look_ups.start_next());
        look_ups
    }
}

/// What a look-up has come to.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) at: Instant,
    pub(super) host: String,
    pub(super) addrs: Result<Vec<SocketAddr>, Unresolved>,
}

/// What one descent has looked up.
#[derive(Debug)]
pub(super) struct LookUps<'a> {
    roots: &'a Roots,
    /// The addresses that need no look-up.
    pub(super) known: Vec<SocketAddr>,
    /// The roots that [`next`](Self::next) tells of.
    pub(super) hosts: Vec<String>,
    /// Those that have not begun.
    queue: VecDeque<usize>,
    /// How many have.
    awaited: usize,
    sender: UnboundedSender<(usize, Answer)>,
    answers: UnboundedReceiver<(usize, Answer)>,
    found_any: bool,
    failed: BTreeMap<usize, Error>,
}

impl LookUps<'_> {
    /// Waits for what the next look-up comes to; for ever where there is none. Safe to drop and call
    /// again.
    pub(super) async fn next(&mut self) -> Found {
        let answer = if self.awaited > 0 { self.answers.recv().await } else { None };
        let Some((index, answer)) = answer else { return pending().await };
        self.awaited -= 1;
        self.start_next();
        let endpoint = &self.roots.roots[index].endpoint;
        let (at, host) = (Instant::now(), endpoint.host());
        let answer = answer.map_err(|error| io::Error::new(error.kind(), error));
        match endpoint.judge(answer, self.roots.family).map(Resolved::from) {
            Ok(Resolved { addrs, found }) => {
                if found > addrs.len() {
                    let used = addrs.len();
                    debug!(%host, found, used, "a name has more addresses than are used");
                }
                self.found_any = true;
                Found { at, host, addrs: Ok(addrs) }
            }
            Err(error) => {
                let UnresolvedRoot { reason, .. } = unresolved(&error);
                self.failed.insert(index, error);
                Found { at, host, addrs: Err(reason) }
            }
        }
    }

    /// Why not one root has an address, if the descent is over.
    pub(super) fn error(&mut self) -> Option<Error> {
        if self.found_any {
            return None;
        }
        let mut errors = take(&mut self.failed);
        for (index, Root { endpoint, .. }) in self.roots.roots.iter().enumerate() {
            errors.entry(index).or_insert_with(|| endpoint.late());
        }
        let first = errors.iter().find(|(_, error)| matches!(error, Error::Resolve { .. }));
        let first = first.or(errors.first_key_value()).map(|(index, _)| *index)?;
        let mut error = errors.remove(&first)?;
        if let Error::Resolve { others, .. } = &mut error {
            others.extend(errors.values().map(unresolved));
        }
        Some(error)
    }

    fn start_next(&mut self) {
        if let Some(index) = self.queue.pop_front() {
            self.awaited += 1;
            self.roots.roots[index].look_up(Waiter { index, answers: self.sender.clone() });
        }
    }
}

impl Root {
    /// Begins a look-up, or waits for one that has just begun.
    fn look_up(&self, waiter: Waiter) {
        if let Some(found) = self.endpoint.numeric() {
            return waiter.tell(found.map_err(Arc::new));
        }
        let mut newest = lock(&self.newest);
        let now = Instant::now();
        let young = newest.as_ref().filter(|newest| now < newest.began + SHARED);
        if let Some(waiters) = young.map(|young| lock(&young.waiting)).as_mut()
            && let Some(waiters) = waiters.as_mut()
        {
            return waiters.push(waiter);
        }
        let look_up = LookUp { began: now, waiting: Arc::new(Mutex::new(Some(vec![waiter]))) };
        let ended = look_up.clone();
        if let Err(error) =
            start(&self.endpoint.host(), self.endpoint.port(), move |found| ended.end(found))
        {
            return look_up.end(Err(error));
        }
        *newest = Some(look_up);
    }
}

impl LookUp {
    fn end(&self, found: io::Result<Vec<SocketAddr>>) {
        let waiting = lock(&self.waiting).take();
        let found = found.map_err(Arc::new);
        waiting.into_iter().flatten().for_each(|waiter| waiter.tell(found.clone()));
    }
}

impl Waiter {
    /// A descent that has ended does not hear it.
    fn tell(self, answer: Answer) {
        let _ = self.answers.send((self.index, answer));
    }
}

fn unresolved(error: &Error) -> UnresolvedRoot {
    let (host, reason) = match error {
        Error::NoAddress { host, family } => (host.as_str(), Unresolved::NoAddress(*family)),
        Error::Resolve { host, source, .. } if source.kind() == io::ErrorKind::TimedOut => {
            (host.as_str(), Unresolved::Late)
        }
        Error::Resolve { host, source, .. } => {
            (host.as_str(), Unresolved::Failed(source.to_string()))
        }
        error => ("", Unresolved::Failed(error.to_string())),
    };
    UnresolvedRoot::new(host, reason)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
