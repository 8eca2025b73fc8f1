//! Storms: from a seed a world of servers, clients and foes on the simulated internet, everything
//! that can go wrong with it, and a judge who sees every datagram.
//!
//! `plan` draws the world, `weather` the network's faults, `acts` what happens when, `foes` and
//! `old` how strangers behave; `judge` and what it consists of say what must not be (`rules`), and
//! `recovery` what must be once all faults have ended. `streams` is a client without UDP, and `staying`
//! one that stays, beside each of them.

mod acts;
mod bearers;
mod belief;
mod budgets;
mod foes;
mod hearsay;
mod judge;
mod known;
mod law;
mod old;
mod patient;
mod plan;
mod reached;
mod recovery;
mod rogue;
mod rules;
mod staying;
mod streams;
mod traveller;
mod turns;
mod usurper;
mod watched;
mod weather;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::members::NodeState;

use crate::{Datagram, Host, Note, Origin, World};

use acts::Act;
use foes::{Foes, Forged};
use judge::Judge;
use plan::Plan;
pub use rules::{Rule, Violation};
use weather::Weather;

/// What came of one seed.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub seed: u64,
    /// Of every datagram, its time and its way.
    pub trace: u64,
    pub servers: u64,
    pub datagrams: u64,
    /// How many of them somebody sent in another's name.
    pub forged: u64,
    pub simulated: Duration,
    pub restarts: u64,
    pub descents: u64,
    pub violations: Vec<Violation>,
}

/// Runs one storm. `tell`: prints everything that happens.
pub fn run(seed: u64, tell: bool) -> Report {
    let report = Rc::new(RefCell::new(Report { seed, ..Report::default() }));
    let storm = AssertUnwindSafe(|| {
        let mut storm = Storm::new(seed, tell, report.clone());
        storm.blow();
        let mut violations = storm.judge.violations;
        violations.extend(streams::violations(seed));
        violations.extend(staying::violations(seed));
        storm.report.borrow_mut().violations = violations;
    });
    if let Err(panic) = catch_unwind(storm) {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let what = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("of some kind");
        let at = report.borrow().simulated;
        let violation = Violation { rule: Rule::NoPanic, at, who: None, what: what.into() };
        report.borrow_mut().violations.push(violation);
    }
    report.take()
}

struct Storm {
    world: World<'static>,
    plan: Plan,
    weather: Rc<RefCell<Weather>>,
    foes: Foes,
    judge: Judge,
    /// What is to happen, and when.
    agenda: BTreeMap<(Instant, u64), Act>,
    acts: u64,
    start: Instant,
    /// Of everybody but the network, which has its own.
    rng: Rng,
    /// Whether the network changes bits.
    corrupts: bool,
    /// Whether one who has a key has taken the places of those who would join.
    crowded: bool,
    /// The last client that came back, and whether it found a TURN server.
    succeeded: Option<(SocketAddr, bool)>,
    tell: bool,
    report: Rc<RefCell<Report>>,
}

/// More than any storm needs.
const MOST_DATAGRAMS: u64 = 3_000_000;

impl Storm {
    fn new(seed: u64, tell: bool, report: Rc<RefCell<Report>>) -> Self {
        let mut rng = Rng::seed_from_u64(seed);
        let mut plan = Plan::draw(&mut rng);
        // Of dice of its own, so that the worlds stay what they were.
        plan.usurper = usurper::draw(&plan, &mut Rng::seed_from_u64(!seed));
        plan.draw_turns(&mut Rng::seed_from_u64(!seed ^ 0x7475_726e));
        plan.draw_urls(&mut Rng::seed_from_u64(!seed ^ 0x7572_6c73));
        let weather = Rc::new(RefCell::new(Weather::default()));
        let seen = weather.clone();
        let mut world = World::new(rng.random(), move |from, to| seen.borrow().path(from, to));
        world.diary = Some(Vec::new());
        let mut foes = Foes::draw(&plan, &mut rng);
        foes.usurps = plan.usurper.is_some();
        let mut judge = Judge::new(world.now, plan.private);
        let corrupts = rng.random_bool(0.4);
        if !corrupts && !plan.has(plan::Who::Rogue) {
            judge.honest = Some(plan.turns());
        }
        let start = world.now;
        report.borrow_mut().servers = plan.places.len() as u64;
        let (agenda, acts) = (BTreeMap::new(), 0);
        let (crowded, succeeded) = (foes.insider, None);
        Self {
            world,
            plan,
            weather,
            foes,
            judge,
            agenda,
            acts,
            start,
            rng,
            corrupts,
            crowded,
            succeeded,
            tell,
            report,
        }
    }

    /// All of it, from the first start to the last descent.
    fn blow(&mut self) {
        self.people();
        let long = if self.rng.random_bool(0.04) { 150 } else { 40 };
        let time = Duration::from_secs(self.rng.random_range(5..long));
        self.schedule_acts(time);
        self.run_for(time);
        if self.is_over() {
            return;
        }
        self.recover();
        self.seal();
    }

    /// Takes what all servers have come to into the trace.
    fn seal(&mut self) {
        let hosts: Vec<_> = self.ours().map(|(_, addr)| addr).collect();
        for addr in hosts {
            let Some(Host::Live(server)) = self.world.hosts.get(&addr) else { continue };
            for NodeState { addr, due, until, joined } in server.engine.members().states() {
                let since =
                    |at: Instant| at.saturating_duration_since(self.start).as_nanos() as u64;
                let until = until.map_or(0, since);
                self.mix([u64::from(addr.port()), since(due), until, u64::from(joined)]);
            }
        }
    }

    fn mix(&self, words: impl IntoIterator<Item = u64>) {
        let trace = &mut self.report.borrow_mut().trace;
        for word in words {
            *trace = (trace.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    /// Whether it is known how it ends.
    fn is_over(&self) -> bool {
        !self.judge.violations.is_empty()
    }

    /// Lets time pass, and what is on the agenda happen.
    fn run_for(&mut self, time: Duration) {
        let end = self.world.now + time;
        loop {
            let next = self.agenda.first_key_value().map(|(&(at, _), _)| at);
            let until = next.map_or(end, |next| next.min(end));
            while !self.is_over() && self.world.step(until) {
                self.observe();
            }
            if self.is_over() {
                return;
            }
            self.world.now = until;
            match self.agenda.first_entry().filter(|act| act.key().0 <= end) {
                Some(act) => {
                    let act = act.remove();
                    self.note(|| format!("-- {act:?}"));
                    self.perform(act);
                    self.observe();
                }
                None => break,
            }
        }
    }

    /// Tells the judge and the foes of what has happened since.
    fn observe(&mut self) {
        let now = self.world.now;
        let mut forged = Vec::new();
        let notes = self.world.diary.replace(Vec::new()).unwrap_or_default();
        for note in &notes {
            self.write_down(note);
            let judge = &mut self.judge;
            rules::soberly(|| judge.sees(now, note));
            if let Note::Sent(datagram, _) = note {
                let (plan, rng) = (&self.plan, &mut self.rng);
                forged.extend(rules::soberly(|| self.foes.see(datagram, plan, rng)));
            }
        }
        for note in notes {
            if let Note::Arrived(datagram) = note {
                self.inspect(&datagram);
            }
        }
        for (from, deadline) in self.judge.travellers() {
            if now > deadline {
                let what = "it goes on".into();
                self.judge.blame(Rule::Timeout, Some(from), what);
                self.world.abandon(from);
            }
            if let Some(descent) = self.world.take_finished(from) {
                let judge = &mut self.judge;
                rules::soberly(|| judge.comes_back(now, from, &descent));
                self.came_back(from, &descent);
            }
        }
        let mut report = self.report.borrow_mut();
        report.simulated = now - self.start;
        if report.datagrams > MOST_DATAGRAMS {
            self.judge.blame(Rule::Endless, None, format!("{} datagrams", report.datagrams));
        }
        drop(report);
        self.forge(forged);
    }

    /// Looks into a server to which something came that may have changed it.
    fn inspect(&mut self, datagram: &Datagram) {
        let inside = self.world.nat_forwards.get(&datagram.to).copied().unwrap_or(datagram.to);
        let at = crate::own_addr(inside);
        let Some(Host::Live(server)) = self.world.hosts.get_mut(&at) else { return };
        server.dropped.clear();
        if server.peer_messages.is_some() || inside.port() == 3002 {
            let (judge, members) = (&mut self.judge, server.engine.members());
            rules::soberly(|| judge.inspect(at, members));
            if server.encodes_too_often {
                let what = "it encodes its lists too often".into();
                judge.blame(Rule::Encoding, Some(at), what);
            }
            if server.tells_too_often {
                judge.blame(Rule::Log, Some(at), "it tells again too soon what is wrong".into());
            }
        }
    }

    /// Sends in others' names.
    fn forge(&mut self, forged: Vec<Forged>) {
        for (from, to, payload) in forged {
            self.world.put(Datagram { from, to, payload, origin: Origin::FORGED }, false);
        }
        if let Some(diary) = &mut self.world.diary {
            for note in std::mem::take(diary) {
                self.write_down(&note);
            }
        }
    }

    /// Takes a note into the trace.
    fn write_down(&mut self, note: &Note) {
        let at = self.world.now - self.start;
        let Note::Sent(datagram, _) = note else {
            if let Note::Arrived(Datagram { from, to, payload, .. }) = note {
                self.note(|| format!("   {from} arrived at {to}, {} bytes", payload.len()));
            }
            return;
        };
        let Datagram { from, to, payload, origin } = datagram;
        self.note(|| {
            format!(
                "{from} -> {to} {}{}",
                if origin.forged { "forged " } else { "" },
                rules::show(payload)
            )
        });
        let mut report = self.report.borrow_mut();
        report.datagrams += 1;
        report.forged += u64::from(*origin == Origin::FORGED);
        drop(report);
        let ip = |addr: &SocketAddr| match addr.ip() {
            IpAddr::V4(ip) => ip.to_bits().into(),
            IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64 ^ ip.to_bits() as u64,
        };
        let ways = [from, to].into_iter().flat_map(|addr| [ip(addr), addr.port().into()]);
        let bytes = payload.chunks(8).map(|bytes| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        });
        self.mix([at.as_nanos() as u64].into_iter().chain(ways).chain(bytes));
    }

    fn note(&self, text: impl FnOnce() -> String) {
        if self.tell {
            let at = self.world.now - self.start;
            println!("{:10.4} {}", at.as_secs_f64(), text());
        }
    }

    /// The addresses of all servers of ours.
    fn ours(&self) -> impl Iterator<Item = (usize, SocketAddr)> {
        let places = self.plan.places.iter().enumerate();
        places.filter(|(_, place)| place.who == plan::Who::Ours).map(|(n, place)| (n, place.addr))
    }
}
