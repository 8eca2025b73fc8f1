use std::process::ExitCode;

use super::log;
use crate::cmd::report::Exit;

/// What `main` returns. An interrupted process dies of the signal itself, so that a shell loop
/// around it stops too.
pub(crate) fn leave(exit: Exit) -> ExitCode {
    log::drain();
    if let Exit::Killed(signal) = exit {
        die_of(signal);
    }
    ExitCode::from(exit.code())
}

/// Has a signal end the process.
pub(crate) fn die_of(signal: libc::c_int) {
    default_signals();
    raise(signal);
}

/// Lets SIGINT, SIGTERM and SIGQUIT kill the process at once, as if nobody had ever listened for them.
#[expect(unsafe_code, reason = "there is no other way to reset a signal")]
pub(crate) fn default_signals() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGQUIT] {
        // SAFETY: the default handler is no code of this process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

#[expect(unsafe_code, reason = "there is no other way to raise a signal")]
fn raise(signal: libc::c_int) {
    // SAFETY: takes a number, and this thread holds nothing that a handler could need.
    unsafe { libc::raise(signal) };
}
