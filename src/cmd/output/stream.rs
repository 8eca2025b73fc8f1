//! The streams that are written to.

use std::io::{self, ErrorKind, Write};
use std::thread;
use std::time::Duration;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

/// How often a pipe that blocks nobody is tried again where it has no room.
const AGAIN: Duration = Duration::from_millis(5);

/// Writes a text to stdout, in one piece, so that what reads a line never sees half of it.
///
/// # Errors
/// Where it cannot be written, or stdout was closed from the start.
pub(super) fn stdout(text: &str) -> io::Result<()> {
    if closed::stdout() {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    let stdout = io::stdout();
    let color = AutoStream::choice(&stdout) != ColorChoice::Never;
    write(&mut stdout.lock(), &bytes(text, color))
}

/// Writes to stderr. That nobody reads it changes nothing about the answer.
pub(super) fn stderr(bytes: &[u8]) {
    let _ = write(&mut io::stderr().lock(), bytes);
}

/// A text as bytes, with its colour or without, and one newline at its end.
pub(super) fn bytes(text: &str, color: bool) -> Vec<u8> {
    (painted(text.trim_end_matches('\n'), color) + "\n").into_bytes()
}

/// A text with its colour or without.
pub(super) fn painted(text: &str, color: bool) -> String {
    if color { text.to_owned() } else { strip_str(text).to_string() }
}

/// Writes all of it. Whoever gave a pipe that blocks nobody has it waited for all the same: another
/// process that shares it may have made it so.
fn write(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) => wait(error)?,
        }
    }
    while let Err(error) = to.flush() {
        wait(error)?;
    }
    Ok(())
}

fn wait(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::WouldBlock => thread::sleep(AGAIN),
        ErrorKind::Interrupted => {}
        _ => return Err(error),
    }
    Ok(())
}

/// Whether stdout was closed before Rust opened /dev/null in its place, which takes every answer.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "nothing safe runs before Rust's own start")]
mod closed {
    use std::sync::atomic::{AtomicBool, Ordering};

    static CLOSED: AtomicBool = AtomicBool::new(false);

    // SAFETY: the loader calls what stands here, each once, before `main`; an entry takes no heed of
    // its arguments, and `look` needs nothing that Rust has to set up.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        // SAFETY: takes numbers, changes nothing.
        let closed = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } == -1;
        CLOSED.store(closed, Ordering::Relaxed);
    }

    pub(super) fn stdout() -> bool {
        CLOSED.load(Ordering::Relaxed)
    }
}

#[cfg(not(target_os = "linux"))]
mod closed {
    pub(super) fn stdout() -> bool {
        false
    }
}
