//! What a finished descent tells.

use super::contender::Contender;
use super::descent::Descent;
use super::failure::Failure;
use super::report::Selection;
use super::trace::Trace;

impl Descent {
    /// The result. `None`: it is not finished.
    pub fn selection(&self) -> Option<Result<Selection, Failure>> {
        self.ended().map(|(ending, choice)| ending.conclude(choice))
    }

    /// The result, and whom else it could have chosen, best first. `None`: it is not finished.
    pub fn contenders(&self) -> Option<Result<Vec<Contender>, Failure>> {
        self.ended().map(|(ending, choice)| ending.contenders(choice))
    }

    /// Everything it has seen. `None`: it is not finished.
    pub fn trace(&self) -> Option<Trace> {
        self.ended().map(|(ending, choice)| ending.trace(choice))
    }
}
