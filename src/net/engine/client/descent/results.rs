//! What a finished descent tells.

use std::net::SocketAddr;

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

    /// Where those are listed whom the caller's policy leaves out. `None`: it is not finished.
    pub fn ruled_out(&self) -> Option<Vec<SocketAddr>> {
        self.ended().map(|(ending, _)| ending.ruled_out())
    }

    /// Everything it has seen. `None`: it is not finished.
    pub fn trace(&self) -> Option<Trace> {
        self.ended().map(|(ending, choice)| ending.trace(choice))
    }
}
