//! What a descent by HTTPS and TCP can choose, in which order.

use super::contest::StreamRace;
use super::finals::TurnProof;
use super::ranking::{StreamRanking, StreamStanding};

/// What can be chosen, the best first.
#[derive(Debug)]
pub(super) struct Choices {
    pub(super) all: Vec<Choice>,
    /// Among how many of them it was drawn; 0: the least time comes first.
    pub(super) drawn: usize,
}

/// One that can be chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) standing: StreamStanding,
    pub(super) proof: TurnProof,
    /// Whether it was among those.
    pub(super) drawn: bool,
}

impl StreamRace {
    /// TURN servers in the order to try, as far as they are not known to be in vain: these come last.
    pub(super) fn in_order(&self) -> StreamRanking {
        self.servers.in_order(&self.places, |one| self.finals.proof(one) == TurnProof::Failed)
    }

    /// TURN servers that can be chosen, best first: those that have answered themselves, those of which that is
    /// not known, and those that were in vain.
    pub(super) fn choices(&self) -> Choices {
        let StreamRanking { order, drawn } = self.in_order();
        let mut all: Vec<_> = order
            .into_iter()
            .enumerate()
            .map(|(place, one)| Choice {
                standing: one,
                proof: self.finals.proof(one.index),
                drawn: place < drawn,
            })
            .collect();
        all.sort_by_key(|one| match one.proof {
            TurnProof::Awaited => TurnProof::Unasked,
            proof => proof,
        });
        Choices { all, drawn }
    }
}
