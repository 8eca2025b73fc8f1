//! A day of clients that stay, on snapshots that follow one another: what it is worth to move when `tb probe
//! --watch` does, beside never and beside always.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use serde::Serialize;
use turn_balance::WatchReason;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::Options;
use turn_balance_sim::{Outages, Stayer};

use super::args::Args;
use super::internet::Internet;
use super::servers::Health;
use super::session::{CLIENT, Session, Stage};
use super::tree::Tree;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often it is looked who is used.
const LOOK: Duration = Duration::from_secs(5);

/// What came of the days.
#[derive(Debug, Default, Serialize)]
pub(crate) struct DayReport {
    clients: usize,
    /// Regret of each moment, ms.
    watch: Regret,
    never: Regret,
    always: Regret,
    /// Moves a client and day.
    watch_moves: f64,
    always_moves: f64,
    /// Moves because another was nearer, and how many of them were to one that was not, by 10 ms and a third, by
    /// the snapshots of the last half minute.
    for_time: usize,
    unfounded: usize,
    /// For each reason.
    silent: usize,
    lost: usize,
    descents: f64,
    datagrams_an_hour: f64,
    bytes_an_hour: f64,
}

/// How much is paid, over time.
#[derive(Debug, Default, Serialize)]
struct Regret {
    mean: f64,
    p99: f64,
    #[serde(skip)]
    all: Vec<f64>,
}

impl Regret {
    fn close(&mut self) {
        self.all.sort_unstable_by(f64::total_cmp);
        self.mean = self.all.iter().sum::<f64>() / self.all.len().max(1) as f64;
        let at = (self.all.len() as f64 * 0.99) as usize;
        self.p99 = self.all.get(at).or(self.all.last()).copied().unwrap_or_default();
    }
}

/// Runs the clients of all trees: `sessions` of each.
pub(crate) fn run(args: &Args, internet: &Internet) -> DayReport {
    let mut report = DayReport::default();
    let Internet::Measured(matrices) = internet else { return report };
    for tree in 0..args.trees {
        let seed = args.seed.wrapping_mul(1_000_003) + tree as u64;
        let mut rng = Rng::seed_from_u64(seed);
        let health = Health::new(args, seed);
        let (leaves, clients) = internet.split(args.leaves, &mut rng);
        let tree = Tree::build(&matrices[0], &leaves, &args.shape.0, args.roots, &mut rng);
        let mut stage = Stage::new(args, internet, &tree, health, &mut rng);
        for _ in 0..args.sessions {
            let client = clients[rng.random_range(0..clients.len())];
            let session = Session { snapshot: 0, client, seed: rng.random() };
            one(&mut stage, session, &mut report);
        }
    }
    for regret in [&mut report.watch, &mut report.never, &mut report.always] {
        regret.close();
    }
    let clients = report.clients.max(1) as f64;
    for sum in [&mut report.watch_moves, &mut report.always_moves, &mut report.descents] {
        *sum /= clients;
    }
    report.datagrams_an_hour /= 24.0 * clients;
    report.bytes_an_hour /= 24.0 * clients;
    report
}

/// One client's day.
fn one(stage: &mut Stage<'_>, session: Session, report: &mut DayReport) {
    let snapshots = stage.internet.snapshots();
    let long = DAY / snapshots as u32;
    let mut rng = Rng::seed_from_u64(session.seed);
    let client = stage.client(session, &mut rng);
    let snapshot = Rc::new(Cell::new(0));
    let seen = snapshot.clone();
    stage.tell(0);
    stage
        .world
        .begin(rng, Outages::default(), move |from, to| client.on(seen.get()).path(from, to));
    let roots = (0..stage.tree.roots).map(|root| stage.tree.addr(root)).collect();
    let options = Options { timeout: stage.args.timeout, ..Options::default() };
    let start = stage.world.now;
    let mut stayer = Stayer::start(&mut stage.world, CLIENT.into(), options, roots);
    let (mut watch, mut never, mut always) = (None, None, None);
    let mut descents = 0;
    report.clients += 1;
    for look in 1..=DAY.as_secs() / LOOK.as_secs() {
        let now = LOOK * look as u32;
        let day = ((now.as_secs_f64() / long.as_secs_f64()) as usize).min(snapshots - 1);
        if day != snapshot.get() {
            snapshot.set(day);
            stage.tell(day);
        }
        stayer.run_until(&mut stage.world, start + now);
        let at = |turn| stage.tree.at(turn);
        let times = |day: usize, leaf| client.on(day).true_rtt(leaf);
        for (moment, change) in std::mem::take(&mut stayer.changes) {
            let to = change.selection.as_ref().and_then(|selection| at(selection.turn));
            let left = change.left.as_ref().and_then(|left| at(left.turn));
            report.watch_moves += f64::from(u8::from(watch.is_some() && to.is_some()));
            match (change.reason, left, to) {
                (WatchReason::Slower { .. }, Some(left), Some(to)) => {
                    report.for_time += 1;
                    let began = moment.saturating_sub(Duration::from_secs(30));
                    let first = (began.as_secs_f64() / long.as_secs_f64()) as usize;
                    // What noise adds to a round trip, three times in a row.
                    let founded = (first..=day).any(|day| {
                        let (rtt, other) = (times(day, to), times(day, left));
                        rtt + 10.0 <= other && rtt * 3.0 <= other * 2.0
                    });
                    report.unfounded += usize::from(!founded);
                }
                (WatchReason::Silent { .. }, _, None) => report.lost += 1,
                (WatchReason::Silent { .. }, ..) => report.silent += 1,
                _ => {}
            }
            watch = to;
            never = never.or(to);
        }
        if stayer.descents.len() > descents
            && let Some(best) = stayer.found.first().and_then(|found| at(found.selection.turn))
        {
            descents = stayer.descents.len();
            report.always_moves += f64::from(u8::from(always.is_some_and(|now| now != best)));
            always = Some(best);
        }
        let best = client.on(day).best();
        let best = best.map_or(0.0, |leaf| times(day, leaf));
        for (regret, used) in
            [(&mut report.watch, watch), (&mut report.never, never), (&mut report.always, always)]
        {
            regret.all.extend(used.map(|leaf| times(day, leaf) - best));
        }
        // Of servers nobody asks anything but this client.
        let own = stage
            .world
            .log
            .iter()
            .filter(|sent| sent.from.ip() == std::net::IpAddr::from(CLIENT.0));
        for sent in own {
            report.datagrams_an_hour += 1.0;
            report.bytes_an_hour += sent.len as f64 + 28.0;
        }
        stage.world.log.clear();
        stage.world.heard.clear();
    }
    report.descents += stayer.descents.len() as f64;
}

impl DayReport {
    pub(crate) fn text(&self) -> String {
        let row = |name: &str, regret: &Regret, moves: f64| {
            format!("{name:8}{:>10.3} / {:<8.2}{moves:>8.1}\n", regret.mean, regret.p99)
        };
        let mut text = format!("{:8}{:>21}{:>8}\n", "", "regret mean/p99, ms", "moves");
        text += &row("watch", &self.watch, self.watch_moves);
        text += &row("never", &self.never, 0.0);
        text += &row("always", &self.always, self.always_moves);
        text += &format!(
            "{} clients for a day; {} moves to one that is nearer, {} of them to one that is not by 10 ms and \
             a third; {} left as silent, {} lost; a client: {:.0} descents, {:.0} datagrams and {:.0} bytes an hour\n",
            self.clients,
            self.for_time,
            self.unfounded,
            self.silent,
            self.lost,
            self.descents,
            self.datagrams_an_hour,
            self.bytes_an_hour,
        );
        text
    }
}
