//! Moves a descent by HTTPS and TCP.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::connect::{check, connect};
use super::root::ask;
use crate::error::Error;
use crate::net::engine::client::descent::{Options, Progress, Trace};
use crate::net::engine::client::streams::{CameList, ListId, PlaceId, StreamAction, StreamDescent};
use crate::net::io::look_up::look_up;
use crate::net::io::random;
use crate::net::io::turn::TlsRoots;
use crate::types::{Family, HttpsFault, HttpsUrl, TurnFault};

/// How long one check of a TURN server may take, unless the descent ends before.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every descent by HTTPS goes by.
#[derive(Debug)]
pub(in crate::net::io::client) struct HttpsSettings {
    pub(in crate::net::io::client) roots: Vec<HttpsUrl>,
    pub(in crate::net::io::client) family: Option<Family>,
    pub(in crate::net::io::client) ca_file: Option<PathBuf>,
}

/// What came of something that was begun.
enum Ended {
    List(ListId, Result<CameList, HttpsFault>),
    Found(String, Vec<IpAddr>),
    Connected(PlaceId, Result<Duration, TurnFault>),
    Checked(usize, Result<Result<(), TurnFault>, Error>),
}

/// Goes down, from `start` for as long as the options say. What is still under way at the end is dropped.
pub(in crate::net::io::client) async fn descend(
    settings: &HttpsSettings,
    options: Options,
    start: Instant,
    mut progress: impl FnMut(Progress),
) -> Result<Trace, Error> {
    let tls = match &settings.ca_file {
        Some(file) => TlsRoots::file(file),
        None => TlsRoots::system(),
    };
    let tls = tls.map_err(|source| Error::roots(settings.ca_file.as_ref(), source))?;
    let (end, rng) = (start + options.timeout, random::rng()?);
    let mut descent =
        StreamDescent::new(options, settings.roots.clone(), &rng, start, Instant::now());
    let mut running = JoinSet::new();
    loop {
        while let Some(action) = descent.poll_action(Instant::now()) {
            begin(&mut running, action, settings.family, end, &tls);
        }
        progress(descent.progress());
        if let Some(trace) = descent.trace() {
            return Ok(trace);
        }
        let Some(until) = descent.poll_timeout() else { continue };
        tokio::select! {
            biased;
            Some(ended) = running.join_next() => match ended {
                Ok(ended) => hear(&mut descent, ended)?,
                // It has panicked, which is told: it comes to nothing.
                Err(_) => descent.handle_timeout(Instant::now()),
            },
            () = sleep_until(until.into()) => descent.handle_timeout(Instant::now()),
        }
    }
}

fn hear(descent: &mut StreamDescent, ended: Ended) -> Result<(), Error> {
    let now = Instant::now();
    match ended {
        Ended::List(id, Ok(came)) => descent.handle_list(now, id, came),
        Ended::List(id, Err(fault)) => descent.handle_no_list(now, id, fault),
        Ended::Found(host, ips) => descent.handle_found(now, &host, ips),
        Ended::Connected(id, outcome) => descent.handle_connected(now, id, outcome),
        Ended::Checked(id, outcome) => descent.handle_checked(now, id, outcome?),
    }
    Ok(())
}

fn begin(
    running: &mut JoinSet<Ended>,
    action: StreamAction,
    family: Option<Family>,
    end: Instant,
    tls: &TlsRoots,
) {
    let tls = tls.clone();
    let left = end.saturating_duration_since(Instant::now());
    match action {
        StreamAction::List { id, root, below } => running.spawn(async move {
            let asked = timeout(left, ask(root, below, family, tls)).await;
            Ended::List(id, asked.unwrap_or(Err(HttpsFault::Late)))
        }),
        StreamAction::LookUp(host) => running.spawn(async move {
            let found = look_up(&host, 0).await.unwrap_or_default();
            let of_family =
                |addr: &SocketAddr| family.is_none_or(|family| Family::of(*addr) == family);
            let ips = found.iter().filter(|addr| of_family(addr)).map(SocketAddr::ip);
            Ended::Found(host, ips.collect())
        }),
        StreamAction::Connect(id, addr) => running.spawn(async move {
            let connected = timeout(left, connect(addr)).await;
            Ended::Connected(id, connected.unwrap_or(Err(TurnFault::Silent)))
        }),
        StreamAction::Check { id, addr, url } => running.spawn(async move {
            Ended::Checked(id, check(addr, url, PATIENCE.min(left), tls).await)
        }),
    };
}
