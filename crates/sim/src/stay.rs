//! A client that stays at what it has found: its engine, and the descents that it asks for.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use turn_balance::WatchChange;
use turn_balance::internals::engine::client::descent::{Contender, Options};

use crate::World;

/// Measures from one port, and goes down from the next.
#[derive(Debug)]
pub struct Stayer {
    pub addr: SocketAddr,
    descends_from: SocketAddr,
    options: Options,
    roots: Vec<SocketAddr>,
    /// When its descents began, since it set out.
    pub descents: Vec<Duration>,
    /// What the last descent found.
    pub found: Vec<Contender>,
    /// What it was told, and has not been taken.
    pub changes: Vec<(Duration, WatchChange)>,
    start: Instant,
}

impl Stayer {
    /// Sets out.
    pub fn start(
        world: &mut World,
        addr: SocketAddr,
        options: Options,
        roots: Vec<SocketAddr>,
    ) -> Self {
        world.start_watch(addr, &options);
        let descends_from = SocketAddr::new(addr.ip(), addr.port() + 1);
        let (descents, found, changes, start) = (Vec::new(), Vec::new(), Vec::new(), world.now);
        let mut stayer =
            Self { addr, descends_from, options, roots, descents, found, changes, start };
        stayer.settle(world);
        stayer
    }

    /// The next happening until `end`. Returns whether there was one.
    pub fn step(&mut self, world: &mut World, end: Instant) -> bool {
        let stepped = world.step(end);
        self.settle(world);
        stepped
    }

    /// Lets time pass.
    pub fn run_until(&mut self, world: &mut World, end: Instant) {
        while self.step(world, end) {}
        world.now = end;
    }

    /// The host of the client is in another network.
    pub fn change_network(&mut self, world: &mut World) {
        let now = world.now;
        if let Some(watch) = world.watch_at(self.addr) {
            watch.handle_network_change(now);
        }
        self.settle(world);
    }

    fn settle(&mut self, world: &mut World) {
        let now = world.now;
        if let Some(descent) = world.take_finished(self.descends_from) {
            self.found = descent.contenders().and_then(Result::ok).unwrap_or_default();
            let (found, out) = (self.found.clone(), descent.ruled_out().unwrap_or_default());
            if let Some(watch) = world.watch_at(self.addr) {
                watch.handle_descent(now, found, &out);
            }
        }
        let begins = world.watch_at(self.addr).is_some_and(|watch| watch.poll_descent(now));
        if begins {
            self.descents.push(now - self.start);
            world.abandon(self.descends_from);
            world.start_descent(self.descends_from, self.options.clone(), &self.roots);
        }
        while let Some(change) = world.watch_at(self.addr).and_then(|watch| watch.poll_event()) {
            self.changes.push((now - self.start, change));
        }
        world.wake(self.addr);
    }
}
