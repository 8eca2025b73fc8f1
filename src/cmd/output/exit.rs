use std::process::ExitCode;

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

    /// What `main` returns. An interrupted process dies of the signal itself, so that a shell
    /// loop around it stops too.
    pub(crate) fn leave(self) -> ExitCode {
        if self == Self::Interrupted {
            default_signals();
            raise(libc::SIGINT);
        }
        ExitCode::from(self.code())
    }
}

/// Lets SIGINT and SIGTERM kill the process at once, as if nobody had ever listened for them.
#[expect(unsafe_code, reason = "there is no other way to reset a signal")]
pub(crate) fn default_signals() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the default handler is no code of this process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

#[expect(unsafe_code, reason = "there is no other way to raise a signal")]
fn raise(signal: libc::c_int) {
    // SAFETY: takes a number, and this thread holds nothing that a handler could need.
    unsafe { libc::raise(signal) };
}
