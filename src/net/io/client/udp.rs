//! Moves a descent by UDP.

use std::time::Instant;

use super::input::Input;
use super::nat64::Nat64Search;
use super::roots::{Found, Roots};
use super::settings::Settings;
use super::sockets::Sockets;
use crate::error::Error;
use crate::net::engine::client::descent::{Descent, Options, Progress};
use crate::net::io::interfaces::on_link;
use crate::net::io::random;
use crate::net::io::socket::asking::Datagram;
use crate::net::io::socket::unreachable::Unreachable;
use crate::net::io::source::Source;

/// Goes down by UDP from `start` until `result` has something to say, which it has once the descent is
/// finished.
pub(super) async fn descend<T>(
    settings: &Settings,
    roots: &Roots,
    mut options: Options,
    start: Instant,
    mut progress: impl FnMut(Progress) + Send,
    result: impl Fn(&Descent) -> Option<T> + Send,
) -> Result<T, Error> {
    options.on_link = on_link();
    let mut nat64 = Nat64Search::new(&settings.nat64, &options.on_link, options.timeout);
    let mut look_ups = roots.look_up();
    let mut sockets = match &settings.socket {
        Some(socket) => Sockets::shared(socket.clone()),
        None => Sockets::fresh(Source::default()),
    };
    // All that came before this moment was read.
    let mut known = start;
    let mut descent = Descent::new(options, &look_ups.known, start, random::rng()?);
    for (host, srv) in &look_ups.hosts {
        if *srv { descent.await_srv(host.clone()) } else { descent.await_root(host.clone()) }
    }
    let mut found: Option<Found> = None;
    let mut sent = false;
    let mut refusal = None;
    if nat64.is_closed() && nat64.begin() {
        descent.seek_nat64(true);
    }
    loop {
        while let Some(transmit) = descent.poll_transmit(Instant::now()) {
            match sockets.send(&transmit) {
                Ok(()) => sent = true,
                Err(error) => {
                    if nat64.may_help(transmit.to, &error) && nat64.begin() {
                        descent.seek_nat64(false);
                    }
                    descent.handle_unreachable(known, transmit.to);
                    refusal = Some(error);
                }
            }
        }
        if let Some(error) = refusal.take_if(|_| !sent && descent.is_finished()) {
            return Err(error); // not one datagram left this host
        }
        if descent.is_finished()
            && let Some(error) = look_ups.error()
        {
            return Err(error);
        }
        progress(descent.progress());
        if let Some(result) = result(&descent) {
            return Ok(result);
        }
        let until = descent.poll_timeout().into_iter().chain(found.as_ref().map(|one| one.at));
        let input = tokio::select! {
            one = look_ups.next(), if found.is_none() => {
                found = Some(one);
                continue;
            }
            nat64 = nat64.found() => {
                descent.handle_nat64(known, nat64);
                continue;
            }
            input = sockets.receive(until.min()) => input,
        };
        match input {
            Input::Datagram(Datagram { from, bytes, came }) => {
                known = known.max(came.moment());
                descent.handle_datagram(came.moment(), from, &bytes);
            }
            Input::Unreachable(at, Unreachable { to, obstacle, quoted }) => {
                known = at;
                descent.handle_icmp(at, to, obstacle, &quoted);
            }
            Input::Timeout(at) => {
                known = at;
                // It waits as a timer does: what has arrived before comes first.
                match found.take_if(|one| one.at <= at) {
                    Some(Found { host, srv: true, addrs, .. }) => {
                        descent.handle_srv(at, &host, addrs)
                    }
                    Some(Found { host, addrs, .. }) => {
                        descent.handle_root(at, &host, addrs.map(|groups| groups.concat()));
                    }
                    None => {}
                }
                descent.handle_timeout(at);
            }
        }
    }
}
