//! A descent by UDP, by HTTPS, or by both: whichever way there is.

use std::time::Instant;
#[cfg(feature = "https")]
use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    sync::{Mutex, PoisonError},
};

#[cfg(feature = "https")]
use tokio::time::{sleep_until, timeout};
#[cfg(feature = "https")]
use tracing::debug;

#[cfg(feature = "https")]
use super::https;
use super::settings::Settings;
use super::udp;
use crate::error::Error;
use crate::net::engine::client::descent::{Descent, Failure, Options, Progress, Selection, Trace};
#[cfg(feature = "https")]
use crate::net::engine::client::streams::either::{HEAD_START, begins_https, yields_for};
#[cfg(feature = "https")]
use crate::net::io::interfaces::on_link;
#[cfg(feature = "https")]
use crate::types::{Unresolved, UnresolvedRoot};

/// What a caller wants of a descent.
pub(super) trait DescentOutcome: Sized {
    /// That of one by UDP, once it is over.
    fn of(descent: &Descent) -> Option<Self>;
    /// That of one by HTTPS.
    #[cfg(feature = "https")]
    fn by_https(trace: Trace) -> Self;
    /// Why it is none.
    fn failure(&mut self) -> Option<&mut Failure>;
    /// By UDP these roots could not be asked besides.
    #[cfg(feature = "https")]
    fn set_unresolved(&mut self, roots: Vec<UnresolvedRoot>);
}

impl DescentOutcome for Result<Selection, Failure> {
    fn of(descent: &Descent) -> Option<Self> {
        descent.selection()
    }

    #[cfg(feature = "https")]
    fn by_https(trace: Trace) -> Self {
        trace.outcome
    }

    fn failure(&mut self) -> Option<&mut Failure> {
        self.as_mut().err()
    }

    #[cfg(feature = "https")]
    fn set_unresolved(&mut self, roots: Vec<UnresolvedRoot>) {
        match self {
            Ok(selection) => selection.unresolved = roots,
            Err(failure) => failure.set_unresolved(roots),
        }
    }
}

impl DescentOutcome for Trace {
    fn of(descent: &Descent) -> Option<Self> {
        descent.trace()
    }

    #[cfg(feature = "https")]
    fn by_https(trace: Trace) -> Self {
        trace
    }

    fn failure(&mut self) -> Option<&mut Failure> {
        self.outcome.as_mut().err()
    }

    #[cfg(feature = "https")]
    fn set_unresolved(&mut self, roots: Vec<UnresolvedRoot>) {
        self.outcome.set_unresolved(roots.clone());
        self.unresolved = roots;
    }
}

/// Goes down by whatever the settings have roots for.
#[cfg(not(feature = "https"))]
pub(super) async fn descend<T: DescentOutcome + Send>(
    settings: &Settings,
    options: Options,
    progress: impl FnMut(Progress) + Send,
) -> Result<T, Error> {
    let roots = settings.roots.as_ref().ok_or(Error::NoRoots)?;
    udp::descend(settings, roots, options, Instant::now(), progress, T::of).await
}

/// Goes down by whatever the settings have roots for: by UDP, and by HTTPS where that does not get on.
#[cfg(feature = "https")]
pub(super) async fn descend<T: DescentOutcome + Send>(
    settings: &Settings,
    options: Options,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<T, Error> {
    let start = Instant::now();
    let (roots, web) = match (&settings.roots, &settings.https) {
        (Some(roots), Some(web)) => (roots, web),
        (Some(roots), None) => {
            return udp::descend(settings, roots, options, start, progress, T::of).await;
        }
        (None, Some(web)) => {
            let options = on_this_host(options);
            return Ok(T::by_https(https::descend(web, options, start, progress).await?));
        }
        (None, None) => return Err(Error::NoRoots),
    };
    let answered = AtomicBool::new(false);
    let told = Mutex::new(&mut progress);
    let tell = |now: Progress| told.lock().unwrap_or_else(PoisonError::into_inner)(now);
    let by_udp = |now: Progress| {
        answered.fetch_or(now.answered > 0, Ordering::Relaxed);
        tell(now);
    };
    let answered = || answered.load(Ordering::Relaxed);
    let mut udp = pin!(udp::descend(settings, roots, options.clone(), start, by_udp, T::of));
    let mut in_vain = tokio::select! {
        biased;
        ended = &mut udp => match found(ended) {
            Ok(found) => return Ok(found),
            Err(in_vain) => Some(in_vain),
        },
        () = sleep_until((start + HEAD_START).into()) => None,
    };
    // With the answer of a root UDP passes: it is left to end.
    if !begins_https(start.elapsed(), answered(), in_vain.is_some()) {
        match found(udp.as_mut().await) {
            Ok(found) => return Ok(found),
            Err(failed) => in_vain = Some(failed),
        }
    }
    let by_https = https::descend(web, on_this_host(options), start, tell);
    let mut by_https = pin!(by_https);
    let (by_https, in_vain) = match in_vain {
        Some(in_vain) => (by_https.await?, in_vain),
        None => tokio::select! {
            biased;
            ended = &mut udp => match found(ended) {
                Ok(found) => return Ok(found),
                Err(in_vain) => (by_https.await?, in_vain),
            },
            trace = &mut by_https => {
                let trace = trace?;
                let ended = match &trace.outcome {
                    // Media goes better by UDP, if that passes after all.
                    Ok(_) => timeout(yields_for(answered()), udp.as_mut()).await.ok(),
                    Err(_) => Some(udp.as_mut().await),
                };
                match ended.map(found) {
                    Some(Ok(found)) => return Ok(found),
                    Some(Err(in_vain)) => (trace, in_vain),
                    None => return Ok(T::by_https(trace)),
                }
            }
        },
    };
    let mut outcome = T::by_https(by_https);
    outcome.set_unresolved(in_vain.unresolved());
    match (outcome.failure(), in_vain) {
        (Some(failure), InVain::Ended(udp)) => failure.set_udp(udp),
        (_, InVain::Ended(_)) => {}
        (_, InVain::Unable(error)) => debug!(%error, "cannot ask by UDP"),
    }
    Ok(outcome)
}

/// What came of UDP where that is no TURN server.
#[cfg(feature = "https")]
enum InVain {
    /// It ended so.
    Ended(Failure),
    /// It could not ask.
    Unable(Error),
}

#[cfg(feature = "https")]
impl InVain {
    /// The roots that could not be asked.
    fn unresolved(&self) -> Vec<UnresolvedRoot> {
        match self {
            Self::Ended(failure) => failure.unresolved().to_vec(),
            Self::Unable(Error::Resolve { host, source, others }) => {
                let failed = Unresolved::Failed(source.to_string());
                let first = UnresolvedRoot::new(host, failed);
                std::iter::once(first).chain(others.iter().cloned()).collect()
            }
            Self::Unable(Error::NoAddress { host, family }) => {
                vec![UnresolvedRoot::new(host, Unresolved::NoAddress(*family))]
            }
            Self::Unable(_) => Vec::new(),
        }
    }
}

#[cfg(feature = "https")]
fn found<T: DescentOutcome>(ended: Result<T, Error>) -> Result<T, InVain> {
    let mut outcome = ended.map_err(InVain::Unable)?;
    match outcome.failure() {
        None => Ok(outcome),
        Some(failure) => Err(InVain::Ended(failure.clone())),
    }
}

/// Lists lead no nearer to this host than its own networks allow.
#[cfg(feature = "https")]
fn on_this_host(options: Options) -> Options {
    Options { on_link: on_link(), ..options }
}
