use std::fmt;

use crate::types::{Prefix, Rates};

/// `[limits]`: what strangers are allowed, who do not show that they are at their address.
///
/// Part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestLimits {
    /// Who is neither limited nor suspected.
    pub exempt: Vec<Prefix>,
    /// What a request of the first implementation gets.
    pub bare_answers: BareAnswers,
    /// With [`BareAnswers::Full`]: bytes a second that all answers together may take that are more
    /// than three times their requests. 1,232, the longest answer, or more.
    pub bare_bytes: u32,
    /// Requests a second.
    pub rates: Rates,
}

impl RequestLimits {
    /// The least [`RequestLimits::bare_bytes`]: the longest answer there is.
    pub(crate) const MIN_BARE_BYTES: u32 = 1232;
}

impl Default for RequestLimits {
    /// This host is exempt, and others get some of the nodes at the [default rates](Rates).
    fn default() -> Self {
        let (bare_answers, bare_bytes) = (BareAnswers::default(), 1_000_000);
        Self { exempt: Prefix::LOOPBACK.into(), bare_answers, bare_bytes, rates: Rates::default() }
    }
}

/// `limits.bare-answers`: what a request of the first implementation gets.
///
/// Named in [`RequestLimits`], part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BareAnswers {
    /// Some of the nodes: as many as fit into three times the request.
    #[default]
    Sample,
    /// All of them, within a budget.
    Full,
}

impl BareAnswers {
    /// Every kind.
    pub(crate) const ALL: [Self; 2] = [Self::Sample, Self::Full];

    /// The word for it in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for BareAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
