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
#[cfg(not(feature = "dns"))]
use crate::net::io::resolve::without_dns;
use crate::net::io::resolve::{MOST_ADDRS, Resolved};
#[cfg(feature = "dns")]
use crate::net::io::srv;
use crate::types::{DEFAULT_PORT, Endpoint, Family, Unresolved, UnresolvedRoot};

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

/// One look-up of a root: a domain has two.
#[derive(Debug)]
struct Root {
    /// What the root is called.
    host: String,
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

/// Servers of each priority, the lowest first: of a host there is one.
type Answer = Result<Vec<Vec<SocketAddr>>, Arc<io::Error>>;

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
        Ok(Self { roots: roots.into_iter().flat_map(Root::of).collect(), family })
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
        for (index, Root { host, endpoint, .. }) in self.roots.iter().enumerate() {
            match endpoint.numeric().map(|found| endpoint.judge(found, self.family)) {
                Some(Ok(addrs)) => {
                    look_ups.known.extend(addrs);
                    look_ups.found_any = true;
                }
                _ => {
                    look_ups.hosts.push((host.clone(), is_srv(endpoint)));
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
    /// Whether it is that of SRV records.
    pub(super) srv: bool,
    /// Of each priority, the lowest first.
    pub(super) addrs: Result<Vec<Vec<SocketAddr>>, Unresolved>,
}

/// What one descent has looked up.
#[derive(Debug)]
pub(super) struct LookUps<'a> {
    roots: &'a Roots,
    /// The addresses that need no look-up.
    pub(super) known: Vec<SocketAddr>,
    /// The roots that [`next`](Self::next) tells of, each with whether that is of its SRV records.
    pub(super) hosts: Vec<(String, bool)>,
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
        let root = &self.roots.roots[index];
        let (at, host, srv) = (Instant::now(), root.host.clone(), is_srv(&root.endpoint));
        match root.judge(answer, self.roots.family) {
            Ok(addrs) => {
                self.found_any = true;
                Found { at, host, srv, addrs: Ok(addrs) }
            }
            Err(error) => {
                let UnresolvedRoot { reason, .. } = unresolved(&error);
                self.failed.insert(index, error);
                Found { at, host, srv, addrs: Err(reason) }
            }
        }
    }

    /// Why not one root has an address, if the descent is over.
    pub(super) fn error(&mut self) -> Option<Error> {
        if self.found_any {
            return None;
        }
        let mut errors = take(&mut self.failed);
        for (index, root) in self.roots.roots.iter().enumerate() {
            if root.is_beside() {
                errors.remove(&index); // that of the host is told
            } else {
                errors.entry(index).or_insert_with(|| root.endpoint.late());
            }
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
    /// The look-ups of a root. A domain is the host of that name and what SRV records below it name.
    fn of(root: Endpoint) -> Vec<Self> {
        let host = root.host();
        let endpoints = match root {
            Endpoint::Domain(name) => {
                let srv = Endpoint::Srv(format!("_tb._udp.{name}"));
                let addrs = Endpoint::Name(name, DEFAULT_PORT);
                if cfg!(feature = "dns") { vec![addrs, srv] } else { vec![addrs] }
            }
            root => vec![root],
        };
        let root = |endpoint| Self { host: host.clone(), endpoint, newest: Mutex::default() };
        endpoints.into_iter().map(root).collect()
    }

    /// Whether it is that of SRV records beside a host.
    fn is_beside(&self) -> bool {
        is_srv(&self.endpoint) && self.endpoint.host() != self.host
    }

    /// What an answer comes to: so many addresses at most as are used of a name.
    fn judge(&self, answer: Answer, family: Option<Family>) -> Result<Vec<Vec<SocketAddr>>, Error> {
        let groups = match answer {
            Ok(groups) => groups,
            Err(error) => {
                let error = io::Error::new(error.kind(), error);
                return self.endpoint.judge(Err(error), family).map(|addrs| vec![addrs]);
            }
        };
        let (mut judged, mut failed, mut room) = (Vec::new(), None, MOST_ADDRS);
        for group in groups {
            match self.endpoint.judge(Ok(group), family).map(Resolved::from) {
                Ok(Resolved { mut addrs, found }) => {
                    addrs.truncate(room);
                    let (host, used) = (&self.host, addrs.len());
                    if found > used {
                        debug!(%host, found, used, "a name has more addresses than are used");
                    }
                    room -= used;
                    judged.push(addrs);
                }
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if judged.is_empty() => Err(error),
            _ => Ok(judged),
        }
    }

    /// Begins a look-up, or waits for one that has just begun.
    fn look_up(&self, waiter: Waiter) {
        if let Some(found) = self.endpoint.numeric() {
            return waiter.tell(found.map(|addrs| vec![addrs]).map_err(Arc::new));
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
        let began = match &self.endpoint {
            #[cfg(feature = "dns")]
            Endpoint::Srv(name) => srv::start(name, move |found| ended.end(found)),
            #[cfg(not(feature = "dns"))]
            Endpoint::Srv(name) => Err(without_dns(name)),
            name => start(&name.host(), name.port(), move |found| {
                ended.end(found.map(|addrs| vec![addrs]));
            }),
        };
        if let Err(error) = began {
            return look_up.end(Err(error));
        }
        *newest = Some(look_up);
    }
}

impl LookUp {
    fn end(&self, found: io::Result<Vec<Vec<SocketAddr>>>) {
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

fn is_srv(endpoint: &Endpoint) -> bool {
    matches!(endpoint, Endpoint::Srv(_))
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
