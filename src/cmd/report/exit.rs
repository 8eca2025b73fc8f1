/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Asked, and the answer is no.
    No = 1,
    /// Could not ask.
    Unable = 2,
    /// A bug.
    Bug = 101,
    /// Ctrl-C before the answer.
    Interrupted = 130,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}
