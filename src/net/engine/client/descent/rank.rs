//! Who is better, who can still win, and who is near enough to be asked: all that a descent decides
//! by comparing times; and who of those that are as near as one another, by a draw.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use siphasher::sip::SipHasher13;

use super::candidate_id::CandidateId;
use crate::net::engine::Rng;
use crate::types::Load;

/// How good a candidate is: of those that have the most of what is preferred the one with the least time is
/// the best, and of two the one that was listed first. Who asks not to be chosen is behind all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    /// Whether it asks not to be chosen.
    pub(super) reserve: bool,
    /// How much of what the caller prefers it has not; of a balance server, whoever is below it at least.
    pub(super) misses: u8,
    /// Its least round-trip time.
    pub(super) rtt: Duration,
    /// Whose it is.
    pub(super) id: CandidateId,
}

impl Score {
    /// Whether it is better than the best so far.
    pub(super) fn beats(self, best: Option<Self>) -> bool {
        best.is_none_or(|best| self < best)
    }

    /// Whether a leaf of this score is asked in the last round beside the `best`: within that, the
    /// noise of a home's access decides the order as much as the distance does.
    pub(super) fn is_finalist_beside(self, best: Self) -> bool {
        self.rtt <= best.rtt * 13 / 10 + Duration::from_millis(8)
    }

    /// Whether a balance server of this score is explored beside the fastest of its level: a leaf
    /// below it can be nearer to the client than it is, by more than anybody would wait for.
    pub(super) fn is_explored_beside(self, fastest: Duration) -> bool {
        self.rtt <= around(fastest)
    }
}

/// How far a descent looks around: farther away, by where the best is, is nobody that anybody would use.
pub(in crate::net::engine::client) fn around(fastest: Duration) -> Duration {
    fastest * 3 + Duration::from_millis(30)
}

/// What a TURN server has free, as far as it is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spare {
    /// How full it is; `None`: nobody tells.
    pub(crate) load: Option<Load>,
    /// How much it can serve beside others; 0 is as good as 1.
    pub(crate) weight: u32,
}

impl Spare {
    /// How much that is beside others.
    fn free(self) -> Option<f64> {
        // Whoever offers himself has something.
        let free = |load: Load| f64::from(100 - load.percent()).max(0.5);
        self.load.map(|load| free(load) * f64::from(self.weight.max(1)))
    }
}

/// The draws of one descent. Who was drawn before another stays so, whoever else there is: all that a
/// descent decides on the way holds at its end.
#[derive(Debug, Clone)]
pub(crate) struct Lots(u64, u64);

impl Lots {
    /// Those of a descent, from other numbers than it sends.
    pub(crate) fn new(rng: &Rng) -> Self {
        let mut own = Rng::from_seed(rng.get_seed());
        own.set_stream(1);
        Self(own.random(), own.random())
    }

    /// Puts some that are as near as one another, by time, into the order of a draw, by the address of each one's TURN
    /// server and what that has free: each stands before
    /// the others as often as it has of what is free (Efraimidis and Spirakis, "Weighted random sampling
    /// with a reservoir", Information Processing Letters 97, 2006). Who does not tell has no more than
    /// the least of those who do. Returns whether there was a draw: where nobody tells, there is none.
    pub(crate) fn draw<T>(&self, near: &mut [T], of: impl Fn(&T) -> (SocketAddr, Spare)) -> bool {
        let free = |one: &T| of(one).1.free();
        let Some(least) = near.iter().filter_map(free).min_by(f64::total_cmp) else {
            return false;
        };
        let lot = |one: &T| self.lot(of(one).0, free(one).unwrap_or(least));
        if near.len() > 1 {
            near.sort_by(|a, b| lot(a).total_cmp(&lot(b)));
        }
        near.len() > 1
    }

    /// The least is drawn: exponentially distributed, the sooner the more is free.
    fn lot(&self, turn: SocketAddr, free: f64) -> f64 {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        turn.hash(&mut hasher);
        // Of 53 bits, as many as a number has, and never 0.
        let luck = ((hasher.finish() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        -luck.ln() / free
    }
}

/// How far one may be that is as near as the nearest, where servers tell what they have free: what a
/// call does not notice, and a home's access changes from one minute to the next.
pub(crate) fn as_near_as(best: Duration) -> Duration {
    planted!(FarDrawn => best * 4 + Duration::from_millis(100));
    best + (best / 10).max(Duration::from_millis(5))
}

/// How long the answer of a balance server is awaited beside the `fastest` of its level, and the
/// outlook up to which a candidate is promising beside that.
pub(super) fn window(fastest: Duration) -> Duration {
    fastest * 3 / 2 + Duration::from_millis(10)
}

/// How long an answer may take to win, of one that may have so much of what is preferred (`misses`) beside the
/// best: as long as a silent level has `patience` where it may have more, `limit` where both have as much.
/// `None`: it cannot win.
pub(super) fn limit_beside(
    best: Score,
    misses: u8,
    limit: Duration,
    patience: Duration,
) -> Option<Duration> {
    match misses.cmp(&best.misses) {
        Ordering::Less => Some(limit.max(patience)),
        Ordering::Equal => Some(limit),
        Ordering::Greater => None,
    }
}

/// The last moment at which the answer to a request that was sent then can still win: it must not
/// take longer than `limit`. Silence needs no timeout: it loses by itself.
pub(super) fn can_win_until(sent: Instant, limit: Duration) -> Instant {
    sent + limit
}

/// The less of two times, of which one may not be known.
pub(super) fn least(known: Option<Duration>, rtt: Duration) -> Duration {
    known.map_or(rtt, |known| known.min(rtt))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(rooms: &[(Option<f64>, u32)]) -> Vec<f64> {
        const DRAWS: u64 = 20_000;
        let ids = (0..).map_while(CandidateId::new).take(rooms.len());
        let scores: Vec<_> =
            ids.map(|id| Score { reserve: false, misses: 0, rtt: Duration::ZERO, id }).collect();
        let of = |score: &Score| {
            let (load, weight) = rooms[score.id.index()];
            let addr = SocketAddr::from(([192, 0, 2, score.id.index() as u8], 3478));
            (addr, Spare { load: load.and_then(|load| Load::new(load, 100)), weight })
        };
        let mut first = vec![0.0; rooms.len()];
        for seed in 0..DRAWS {
            let mut near = scores.clone();
            assert!(Lots::new(&Rng::seed_from_u64(seed)).draw(&mut near, of));
            first[near[0].id.index()] += 1.0 / DRAWS as f64;
        }
        first
    }

    fn assert_near(shares: &[f64], expected: &[f64]) {
        for (share, expected) in shares.iter().zip(expected) {
            // Five standard deviations of 20,000 draws.
            assert!((share - expected).abs() < 0.018, "{shares:?}");
        }
    }

    #[test]
    fn each_is_drawn_as_often_as_it_has_of_what_is_free() {
        let shares_of = |rooms: &[(Option<f64>, u32)]| shares(rooms);
        assert_near(&shares_of(&[(Some(50.0), 1), (Some(50.0), 1)]), &[0.5, 0.5]);
        assert_near(&shares_of(&[(Some(90.0), 0), (Some(10.0), 1)]), &[0.1, 0.9]);
        assert_near(&shares_of(&[(Some(50.0), 400), (Some(50.0), 100)]), &[0.8, 0.2]);
        let unknown = [(Some(60.0), 1), (Some(80.0), 1), (None, 0)];
        assert_near(&shares_of(&unknown), &[0.5, 0.25, 0.25]);
    }

    #[test]
    fn one_seed_is_one_draw_and_others_change_nothing_about_two() {
        let score = |n| Score {
            reserve: false,
            misses: 0,
            rtt: Duration::ZERO,
            id: CandidateId::new(n).unwrap(),
        };
        let of = |Score { id, .. }: &Score| {
            let room = Spare { load: Load::new(id.index() as f64, 10), weight: 1 };
            (SocketAddr::from(([192, 0, 2, id.index() as u8], 3478)), room)
        };
        for seed in 0..100 {
            let draw = |ids: &[usize]| {
                let mut near: Vec<_> = ids.iter().map(|id| score(*id)).collect();
                assert!(Lots::new(&Rng::seed_from_u64(seed)).draw(&mut near, of));
                near.iter().map(|score| score.id.index()).collect::<Vec<_>>()
            };
            let all = draw(&[0, 1, 2, 3, 4]);
            assert_eq!(all, draw(&[4, 3, 2, 1, 0]));
            let some: Vec<_> = all.iter().copied().filter(|id| [1, 3].contains(id)).collect();
            assert_eq!(draw(&[1, 3]), some);
        }
    }
}
