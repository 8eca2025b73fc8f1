//! Network namespaces without names.
#![expect(unsafe_code, reason = "to enter a namespace is a system call")]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread;

/// A network namespace, which is there as long as this or something in it is.
pub(crate) struct Namespace(File);

impl Namespace {
    pub(crate) fn new() -> io::Result<Self> {
        let made = thread::spawn(|| {
            // SAFETY: numbers; it moves this thread alone, which then ends.
            check(unsafe { libc::unshare(libc::CLONE_NEWNET) })?;
            File::open("/proc/thread-self/ns/net")
        });
        made.join().expect("it does not panic").map(Self)
    }

    /// Where other programs find it.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// A command that runs in it, and ends with the thread that starts it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let (fd, mut command) = (self.0.as_raw_fd(), Command::new(program));
        let enter = move || {
            enter(fd)?;
            // SAFETY: numbers.
            check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })
        };
        // SAFETY: between fork and exec only two system calls are made.
        unsafe { command.pre_exec(enter) };
        command
    }

    /// Does something in it.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            enter(self.0.as_raw_fd()).expect("a namespace to enter");
            work()
        };
        let done = thread::scope(|scope| scope.spawn(inside).join());
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Moves this thread.
fn enter(fd: RawFd) -> io::Result<()> {
    // SAFETY: numbers.
    check(unsafe { libc::setns(fd, libc::CLONE_NEWNET) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
