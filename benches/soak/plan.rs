//! What happens when: one seed, one plan. Much goes on at once, but never so much that no way to a TURN server is
//! left, unless both roots are cut off, which is said.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;

use crate::files::WRONG;
use crate::place::{LEVELS, Place, SERVERS};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// By SIGKILL.
    Kill(Place),
    /// By SIGTERM: it drains first.
    Stop(Place),
    /// What was killed or stopped.
    Start(Place),
    /// By SIGUSR1.
    Drain(Place),
    /// By SIGUSR2.
    Undrain(Place),
    /// The TURN server beside a leaf.
    KillTurn(Place),
    StartTurn(Place),
    /// Another number in the file, and SIGHUP.
    Reload(Place),
    /// A file that is wrong in this of the ways that there are, and SIGHUP.
    ReloadWrong(Place, usize),
    /// So much of what comes there or goes out is lost, in hundredths.
    Lose(Place, u32),
    LoseNothing(Place),
    /// All that comes to the roots or goes out.
    CutRoots,
    MendRoots,
    /// The next step of changing the key, of three.
    Key(Place),
}

impl Act {
    /// What it is called where events are counted.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Kill(_) => "killed",
            Self::Stop(_) => "stopped",
            Self::Start(_) => "started",
            Self::Drain(_) => "drained",
            Self::Undrain(_) => "back",
            Self::KillTurn(_) => "TURN killed",
            Self::StartTurn(_) => "TURN started",
            Self::Reload(_) => "reloaded",
            Self::ReloadWrong(..) => "reloaded wrong",
            Self::Lose(..) => "loss",
            Self::LoseNothing(_) => "no loss",
            Self::CutRoots => "roots cut off",
            Self::MendRoots => "roots back",
            Self::Key(_) => "key changed",
        }
    }
}

/// How much may be away of each level at a time: at least half of all ways are left.
const AWAY: [usize; 4] = [1, 1, 2, 9];

/// So often the key is changed, and both roots are cut off, once each.
const PERIOD: Duration = Duration::from_secs(600);

/// What was away counts as away for so long after it has come back: longer than any recovery takes.
const GRACE: Duration = Duration::from_secs(30);

struct Planner {
    rng: Rng,
    /// As long as the plan.
    time: Duration,
    due: Vec<(Duration, Act)>,
    /// Until when something happens to each.
    busy: [Duration; SERVERS],
    /// Until when each of a level is away.
    away: Vec<(usize, Duration)>,
    /// While it is near, nothing else happens to the roots.
    cuts: Vec<(Duration, Duration)>,
    grace: Duration,
}

/// Everything that happens within this time, in its order.
pub(crate) fn plan(seed: u64, time: Duration) -> Vec<(Duration, Act)> {
    let mut planner = Planner {
        rng: Rng::seed_from_u64(seed),
        time,
        due: Vec::new(),
        busy: [Duration::ZERO; SERVERS],
        away: Vec::new(),
        cuts: Vec::new(),
        grace: GRACE.min(time / 10),
    };
    let (period, mut from) = (PERIOD.min(time), Duration::ZERO);
    while from + period <= time {
        planner.change_key(from + period / 5, period / 2);
        planner.cut_roots(from + period * 4 / 5, period);
        from += period;
    }
    let mut now = planner.grace / 2;
    while now + planner.grace < time {
        // What cannot happen now may not be all that ever is tried.
        let _ = (0..8).any(|_| planner.happen(now));
        now += Duration::from_millis(planner.rng.random_range(500..2500));
    }
    planner.due.sort_by_key(|(at, _)| *at);
    planner.due
}

impl Planner {
    /// One server after the other takes each step, in any order.
    fn change_key(&mut self, from: Duration, time: Duration) {
        let step = time / 3;
        for n in 0..3 {
            let mut places: Vec<_> = Place::all().collect();
            for left in (1..places.len()).rev() {
                places.swap(left, self.rng.random_range(0..=left));
            }
            // The others have time to take what has changed.
            let pause = step * 4 / 5 / SERVERS as u32;
            for (at, place) in (0..).zip(places) {
                self.due.push((from + step * n + pause * at, Act::Key(place)));
            }
        }
    }

    fn cut_roots(&mut self, from: Duration, period: Duration) {
        let len = self.a_while(period / 10);
        self.due.push((from, Act::CutRoots));
        self.due.push((from + len, Act::MendRoots));
        self.cuts.push((from.saturating_sub(self.grace * 2), from + len + self.grace * 2));
    }

    /// Mostly short, sometimes for longer than anybody is remembered.
    fn a_while(&mut self, most: Duration) -> Duration {
        let most = most.max(Duration::from_secs(1));
        let millis = match self.rng.random_range(0..8) {
            0..4 => self.rng.random_range(100..3_000),
            4..7 => self.rng.random_range(5_000..25_000),
            _ => self.rng.random_range(50_000..90_000),
        };
        Duration::from_millis(millis).min(most)
    }

    /// Something that may happen now.
    fn happen(&mut self, now: Duration) -> bool {
        let place = Place(self.rng.random_range(0..SERVERS));
        let leaf = Place(SERVERS - 1 - self.rng.random_range(0..LEVELS[3]));
        match self.rng.random_range(0..24) {
            0..5 => !place.stays() && self.away(now, place, Act::Kill(place), Act::Start(place)),
            5..10 => !place.stays() && self.away(now, place, Act::Stop(place), Act::Start(place)),
            10..12 => self.away(now, place, Act::Drain(place), Act::Undrain(place)),
            12..16 => self.away(now, leaf, Act::KillTurn(leaf), Act::StartTurn(leaf)),
            16..18 => self.reload(now, place, Act::Reload(place)),
            18..20 => {
                let way = self.rng.random_range(0..WRONG);
                self.reload(now, place, Act::ReloadWrong(place, way))
            }
            _ => {
                let lost = self.rng.random_range(5..30);
                self.away(now, place, Act::Lose(place, lost), Act::LoseNothing(place))
            }
        }
    }

    fn reload(&mut self, now: Duration, place: Place, act: Act) -> bool {
        let free = self.busy[place.0] <= now;
        if free {
            self.due.push((now, act));
        }
        free
    }

    /// Takes one away for a while, if there is enough left.
    fn away(&mut self, now: Duration, place: Place, begin: Act, end: Act) -> bool {
        let level = place.level();
        let until = now + self.a_while(self.time / 6);
        self.away.retain(|(_, until)| *until > now);
        let gone = self.away.iter().filter(|(of, _)| *of == level).count();
        let cut = level == 0 && self.cuts.iter().any(|(from, to)| now < *to && until > *from);
        if self.busy[place.0] > now || gone >= AWAY[level] || cut || until > self.time {
            return false;
        }
        self.busy[place.0] = until + self.grace;
        self.away.push((level, until + self.grace));
        self.due.extend([(now, begin), (until, end)]);
        true
    }
}
