//! Roots by name.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::Unresolved;
use turn_balance::internals::engine::client::descent::{Descent, Options};

use crate::world::World;

/// A name that is looked up from the start of a descent.
#[derive(Debug, Clone)]
pub struct LookUp {
    pub host: &'static str,
    /// Whether its SRV records are looked up, not its addresses.
    pub srv: bool,
    /// How long that takes.
    pub takes: Duration,
    /// What it comes to: servers of each priority.
    pub found: Result<Vec<Vec<SocketAddr>>, Unresolved>,
}

impl World<'_> {
    /// Runs one descent to its end while names are looked up.
    pub fn descend_looking_up(
        &mut self,
        from: SocketAddr,
        options: Options,
        roots: &[SocketAddr],
        look_ups: &[LookUp],
    ) -> Descent {
        let (start, end) = (self.now, self.now + options.timeout);
        self.start_descent(from, options, roots);
        for look_up in look_ups {
            let (descent, host) = (self.client_at(from).unwrap(), look_up.host.to_owned());
            if look_up.srv { descent.await_srv(host) } else { descent.await_root(host) }
        }
        let mut answers: Vec<_> = look_ups.iter().filter(|one| start + one.takes < end).collect();
        answers.sort_by_key(|look_up| look_up.takes);
        for LookUp { host, srv, takes, found } in answers {
            let at = start + *takes;
            while !self.client_at(from).unwrap().is_finished() && self.step(at) {}
            let descent = self.client_at(from).unwrap();
            if !descent.is_finished() {
                match srv {
                    true => descent.handle_srv(at, host, found.clone()),
                    false => {
                        descent.handle_root(at, host, found.clone().map(|groups| groups.concat()));
                    }
                }
                self.now = at;
                self.wake(from);
            }
        }
        loop {
            if let Some(descent) = self.take_finished(from) {
                return descent;
            }
            assert!(self.step(end), "the descent outlives its timeout");
        }
    }
}
