//! The processes, their files, and what is done to them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::UdpSocket;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{State, View};
use turn_balance_lab::Built;
use turn_balance_lab::host::{Host, ask};
use turn_balance_lab::process::{Answerer, Process, answer_bindings};

use crate::files::Files;
use crate::history::{Condition, History};
use crate::judge::Judge;
use crate::place::Place;
use crate::plan::Act;

/// Whatever is bound to come has come by then, also on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take until all of it is whole.
const WHOLE: Duration = Duration::from_secs(120);

/// How often it is looked whether it has.
const PAUSE: Duration = Duration::from_millis(10);

/// A TURN server, until it is dropped.
enum Turn {
    Coturn { _process: Process },
    StandIn { _answerer: Answerer },
}

pub(crate) struct Stand<'a> {
    built: Built,
    host: &'a Host,
    history: &'a History,
    judge: &'a Judge,
    files: Files,
    servers: BTreeMap<Place, Process>,
    turns: BTreeMap<Place, Turn>,
    lossy: BTreeMap<Place, u32>,
    eye: UdpSocket,
}

impl<'a> Stand<'a> {
    pub(crate) fn new(
        built: Built,
        host: &'a Host,
        history: &'a History,
        judge: &'a Judge,
        folder: &Path,
    ) -> io::Result<Self> {
        Ok(Self {
            built,
            host,
            history,
            judge,
            files: Files::new(folder),
            servers: BTreeMap::new(),
            turns: BTreeMap::new(),
            lossy: BTreeMap::new(),
            eye: UdpSocket::bind("127.0.0.1:0")?,
        })
    }

    /// Starts all that is not there.
    pub(crate) fn start_all(&mut self) -> io::Result<()> {
        for leaf in
            Place::leaves().filter(|leaf| !self.turns.contains_key(leaf)).collect::<Vec<_>>()
        {
            self.start_turn(leaf)?;
        }
        Place::all().try_for_each(|place| self.start(place))
    }

    pub(crate) fn act(&mut self, act: Act) -> io::Result<()> {
        match act {
            Act::Kill(place) => {
                self.now(place, Condition::Gone);
                self.end(place, Some(libc::SIGKILL));
            }
            Act::Stop(place) => {
                self.now(place, Condition::Gone);
                self.signal(place, libc::SIGTERM);
                if place.is_leaf() {
                    self.until_it_drains(place);
                }
            }
            Act::Start(place) => {
                self.end(place, None);
                self.start(place)?;
            }
            Act::Drain(place) => {
                self.now(place, Condition::Between);
                self.signal(place, libc::SIGUSR1);
                self.until_it_drains(place);
            }
            Act::Undrain(place) => {
                self.history.lock().draining.entry(place.turn()).or_default().end();
                self.signal(place, libc::SIGUSR2);
                self.now(place, Condition::Well);
            }
            Act::KillTurn(leaf) => {
                self.now(leaf, Condition::Gone);
                drop(self.turns.remove(&leaf));
                self.history.lock().alive.entry(leaf.turn()).or_default().end();
            }
            Act::StartTurn(leaf) => {
                self.start_turn(leaf)?;
                self.now(leaf, Condition::Well);
            }
            Act::Reload(place) => {
                self.files.edit();
                self.files.write(place, None)?;
                self.reload(place, "INFO reloaded config=");
            }
            Act::ReloadWrong(place, way) => {
                self.files.write(place, Some(way))?;
                self.reload(place, "ERROR cannot reload, nothing has changed");
                self.files.write(place, None)?;
            }
            Act::Key(place) => {
                self.files.next_key(place);
                self.files.write(place, None)?;
                self.reload(place, "INFO reloaded config=");
            }
            Act::Lose(place, hundredths) => {
                self.now(place, Condition::Between);
                self.lossy.insert(place, hundredths);
                self.weather();
            }
            Act::LoseNothing(place) => {
                self.lossy.remove(&place);
                self.weather();
                self.now(place, Condition::Well);
            }
            Act::CutRoots => {
                self.history.lock().cut.begin();
                for root in Place::of_level(0) {
                    self.now(root, Condition::Between);
                    self.lossy.insert(root, 100);
                }
                self.weather();
            }
            Act::MendRoots => self.mend_roots(),
        }
        Ok(())
    }

    /// Waits until each root has all leaves in its list.
    pub(crate) fn until_whole(&self, interrupted: &AtomicBool) {
        let whole = |root: Place| {
            let list = ask(&self.eye, root.server(), View::Flat, Duration::from_millis(100));
            let listed: BTreeSet<_> =
                list.iter().flat_map(|it| &it.nodes).map(|it| it.addr).collect();
            Place::leaves().find(|leaf| !listed.contains(&leaf.server()))
        };
        let start = Instant::now();
        for root in Place::of_level(0) {
            while let Some(missing) = whole(root) {
                if interrupted.load(Ordering::Relaxed) {
                    return;
                }
                if start.elapsed() > WHOLE {
                    let (root, missing) = (root.name(), missing.name());
                    return self
                        .judge
                        .fail(format!("{root} does not list {missing} for {WHOLE:?}"));
                }
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Looks for who has ended by itself, says so, and starts it again. Returns what there is to be measured.
    pub(crate) fn look(&mut self) -> io::Result<Vec<(Place, u32)>> {
        let gone = self.history.lock();
        let wanted = |place: &Place| gone.settled(*place, Duration::ZERO) != Some(Condition::Gone);
        let places: Vec<_> = Place::all().filter(wanted).collect();
        drop(gone);
        for place in places {
            let Some(server) = self.servers.get_mut(&place) else { continue };
            if let Some(status) = server.ended() {
                let log = self.servers.remove(&place).map(|server| server.log());
                let log = log.unwrap_or_default();
                let said = log.lines().last().unwrap_or_default();
                self.judge.fail(format!("{} ended by itself, {status}: {said}", place.name()));
                self.keep(place, &log);
                self.start(place)?;
            }
        }
        Ok(self.servers.iter().map(|(place, server)| (*place, server.pid())).collect())
    }

    /// Ends all of it.
    pub(crate) fn end_all(&mut self) {
        self.servers
            .keys()
            .copied()
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|place| self.end(place, Some(libc::SIGINT)));
        self.turns.clear();
    }

    fn now(&self, place: Place, condition: Condition) {
        self.history.lock().set(place, condition);
    }

    fn start_turn(&mut self, leaf: Place) -> io::Result<()> {
        self.history.lock().alive.entry(leaf.turn()).or_default().begin();
        let turn = match leaf.has_coturn() {
            true => Turn::Coturn { _process: self.host.coturn(leaf.turn())? },
            false => Turn::StandIn { _answerer: self.host.answer(leaf.turn(), answer_bindings) },
        };
        self.turns.insert(leaf, turn);
        Ok(())
    }

    fn start(&mut self, place: Place) -> io::Result<()> {
        if !self.servers.contains_key(&place) {
            self.files.write(place, None)?;
            let mut command = self.host.command(self.built.tb);
            command.args(["serve", "-c"]).arg(self.files.of(place)).env("NO_COLOR", "1");
            // Ctrl-C at a terminal is for whoever ends all of it in turn.
            command.process_group(0);
            self.servers.insert(place, Process::start(self.built, &mut command)?);
            self.history.lock().draining.entry(place.turn()).or_default().end();
            self.now(place, Condition::Well);
        }
        Ok(())
    }

    /// Ends one by such a signal, or by what it was told before, if it is there, and judges how it ends and what it
    /// has logged.
    fn end(&mut self, place: Place, signal: Option<libc::c_int>) {
        let Some(mut server) = self.servers.remove(&place) else { return };
        signal.into_iter().for_each(|signal| server.signal(signal));
        let status = self.until(|| server.ended());
        let log = server.log();
        match status {
            None => self.judge.fail(format!("{} does not end", place.name())),
            Some(status) if signal != Some(libc::SIGKILL) && !status.success() => {
                self.judge.fail(format!("{} ended with {status}", place.name()));
            }
            Some(_) => {}
        }
        self.keep(place, &log);
    }

    /// Keeps what a process has logged, and judges that.
    fn keep(&self, place: Place, log: &str) {
        let bad = |line: &&str| {
            line.contains("panicked")
                || line.contains("ERROR") && !line.contains("cannot reload, nothing has changed")
        };
        if let Some(line) = log.lines().find(bad) {
            self.judge.fail(format!("{} logs: {line}", place.name()));
        }
        if let Err(error) = self.files.keep(place, log) {
            self.judge.fail(format!("cannot keep a log: {error}"));
        }
    }

    fn signal(&self, place: Place, signal: libc::c_int) {
        if let Some(server) = self.servers.get(&place) {
            server.signal(signal);
        }
    }

    /// Has a server read its file again, if it runs, and waits until it says this once more.
    fn reload(&self, place: Place, words: &str) {
        let condition = self.history.lock().settled(place, Duration::ZERO);
        let Some(server) = self.servers.get(&place) else { return };
        // One that was stopped may end before it has read anything; a leaf without its TURN server does not.
        let has_turn = self.turns.contains_key(&place) || !place.is_leaf();
        if condition == Some(Condition::Gone) && has_turn {
            return;
        }
        let times = || server.log().matches(words).count();
        let before = times();
        server.signal(libc::SIGHUP);
        if self.until(|| (times() > before).then_some(())).is_none() {
            let last = server.log().lines().last().unwrap_or_default().to_owned();
            self.judge.fail(format!("{} does not log `{words}`, but: {last}", place.name()));
        }
    }

    /// Waits until a server has said that it drains, or is gone.
    fn until_it_drains(&mut self, place: Place) {
        let Some(mut server) = self.servers.remove(&place) else { return };
        let (eye, wait) = (&self.eye, Duration::from_millis(100));
        let drains = self.until(|| {
            let reply = ask(eye, place.server(), View::Subordinates, wait);
            let said = reply.is_some_and(|reply| reply.state == State::Draining);
            if said { Some(true) } else { server.ended().map(|_| false) }
        });
        self.servers.insert(place, server);
        match drains {
            None => self.judge.fail(format!("{} does not drain", place.name())),
            Some(true) if place.is_leaf() => {
                self.history.lock().draining.entry(place.turn()).or_default().begin();
            }
            Some(_) => {}
        }
    }

    /// Clients have a way again as soon as a root has something to offer.
    fn mend_roots(&mut self) {
        self.lossy.retain(|place, _| place.level() > 0);
        self.weather();
        let (eye, wait) = (&self.eye, Duration::from_millis(100));
        let offers = || {
            let mut lists =
                Place::of_level(0).map(|root| ask(eye, root.server(), View::Flat, wait));
            lists.any(|list| list.is_some_and(|list| !list.nodes.is_empty())).then_some(())
        };
        if self.until(offers).is_none() {
            self.judge.fail("no root has anything to offer after both were cut off".into());
        }
        self.history.lock().cut.end();
        Place::of_level(0).for_each(|root| self.now(root, Condition::Well));
    }

    fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let start = Instant::now();
        loop {
            let seen = look();
            if seen.is_some() || start.elapsed() > PATIENCE {
                return seen;
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn weather(&self) {
        let rule = |(place, hundredths): (&Place, &u32)| {
            let ip = place.ip();
            let lost = match hundredths {
                100.. => "drop".to_owned(),
                _ => format!("numgen random mod 100 < {hundredths} drop"),
            };
            format!("ip saddr {ip} {lost}\nip daddr {ip} {lost}\n")
        };
        self.host.weather(&self.lossy.iter().map(rule).collect::<String>(), "");
    }
}
