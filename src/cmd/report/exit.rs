/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Asked, and the answer is no.
    No,
    /// Could not ask.
    Unable,
    /// A bug.
    Bug,
    /// By this signal, before the answer.
    Killed(i32),
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Unable => 2,
            Self::Bug => 101,
            // As a shell says it; there are 64 signals.
            Self::Killed(signal) => (128 + signal) as u8,
        }
    }
}
