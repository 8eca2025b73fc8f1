//! How full TURN servers are, as lists tell it.

use crate::net::wire::Node;
use crate::types::Load;

/// What is told of the TURN server beside a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnLoad {
    /// As it was last read.
    pub exact: Option<Load>,
    /// The same, as steady as a list wants it.
    steady: SteadyLoad,
    /// How much it can serve beside others; 0: that is not told.
    pub weight: u32,
}

/// How full one is, by the fourteenth: each change of that is news all the way up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SteadyLoad(Option<Load>);

impl OwnLoad {
    /// It was read to be so full.
    pub(super) fn note(&mut self, load: Option<Load>) {
        self.exact = load;
        self.steady.note(load);
    }

    /// Whether the server takes nobody any more.
    pub(super) fn is_full(&self) -> bool {
        planted!(FullOffered => false);
        self.steady.0.is_some_and(Load::is_full)
    }

    /// Whether another is news.
    pub(super) fn is_told_as(&self, other: &Self) -> bool {
        (self.steady, self.weight) == (other.steady, other.weight)
    }
}

impl SteadyLoad {
    /// So many hundredths beyond a step it is left: a third of one, as few clients come and go all the
    /// time. Who is full is so at once, and until that much is free again.
    const SLACK: u32 = 2;

    /// It is so full now. Returns whether lists tell another load.
    pub(super) fn note(&mut self, load: Option<Load>) -> bool {
        let before = self.0;
        self.0 = match (before, load) {
            (Some(shown), Some(load)) if !leaves(shown, load) => Some(shown),
            (_, load) => load.map(Node::load_on_wire),
        };
        self.0 != before
    }

    /// What lists tell.
    pub(super) fn shown(self) -> Option<Load> {
        self.0
    }
}

/// Whether a load has really left the step that is shown.
fn leaves(shown: Load, load: Load) -> bool {
    if load.is_full() {
        return !shown.is_full();
    }
    let percent = u32::from(load.percent());
    let back = match load > shown {
        true => percent.saturating_sub(SteadyLoad::SLACK),
        false => percent + SteadyLoad::SLACK,
    };
    Node::load_on_wire(Load::of_percent(back)) != shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(loads: impl IntoIterator<Item = u32>) -> Vec<u8> {
        let mut steady = SteadyLoad::default();
        for load in loads {
            steady.note(Some(Load::of_percent(load)));
        }
        steady.shown().map(Load::percent).into_iter().collect()
    }

    fn changes(loads: impl IntoIterator<Item = u32>) -> usize {
        let mut steady = SteadyLoad::default();
        let news = |load| steady.note(Some(Load::of_percent(load)));
        loads.into_iter().map(news).filter(|news| *news).count()
    }

    #[test]
    fn a_step_that_is_hardly_left_is_no_news() {
        assert_eq!(changes((0..100).map(|turn| 49 + turn % 3)), 1, "50 % is where a step begins");
        // The last step ends where it is full, before it is really come to.
        assert_eq!(changes(0..=100), 14, "a step is told once on the way up");
        assert_eq!(changes((0..=100).rev()), 14, "and on the way down");
        let both = (0..=100).chain((0..=100).rev());
        assert_eq!(changes(both), 27);
    }

    #[test]
    fn a_full_one_is_so_at_once_and_until_some_is_free() {
        assert_eq!(shown([94]), [94]);
        assert_eq!(shown([94, 95]), [100]);
        assert_eq!(shown([95, 94]), [100]);
        assert_eq!(shown([95, 93]), [100]);
        assert_eq!(shown([95, 92]), [89]);
    }

    #[test]
    fn what_is_not_known_is_told_at_once() {
        let mut steady = SteadyLoad::default();
        assert!(!steady.note(None));
        assert!(steady.note(Some(Load::of_percent(0))));
        assert!(steady.note(None));
        assert_eq!(steady.shown(), None);
    }
}
