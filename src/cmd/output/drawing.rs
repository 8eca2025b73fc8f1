use std::io;
use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::{color, stream};

/// Fast enough to look alive.
pub(super) const FRAME: Duration = Duration::from_millis(80);

/// Rows of a terminal that tells none.
const ROWS: u16 = 24;

/// Lines on a terminal, drawn over again and again, and erased at the end, also when dropped.
pub(crate) struct Drawing {
    style: ProgressStyle,
    bar: Option<ProgressBar>,
    /// Since when what stands there does.
    drawn: Option<Instant>,
}

impl Default for Drawing {
    fn default() -> Self {
        Self::styled("{msg}", " ")
    }
}

impl Drawing {
    /// With a spinner before it, of these frames.
    pub(super) fn spinning(frames: &str) -> Self {
        Self::styled("{spinner} {msg}", frames)
    }

    fn styled(template: &str, frames: &str) -> Self {
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        // The last frame is that of the end, which nobody sees.
        Self { style: style.tick_chars(&format!("{frames} ")), bar: None, drawn: None }
    }

    /// Whether what stands there has been seen, and may be drawn over.
    pub(crate) fn is_due(&self) -> bool {
        self.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME)
    }

    /// Draws a text over what stands there: as much of it as fits.
    pub(crate) fn draw(&mut self, text: &str) {
        let screen = || ProgressDrawTarget::term_like(Box::new(Screen::default()));
        let bar = self.bar.get_or_insert_with(|| {
            ProgressBar::with_draw_target(None, screen()).with_style(self.style.clone())
        });
        bar.set_message(stream::painted(text.trim_end(), color::on_stderr()));
        bar.tick();
        self.drawn = Some(Instant::now());
    }

    /// Takes it away, with what a terminal has echoed behind it, such as `^C`.
    pub(crate) fn erase(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.drawn = None;
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        self.erase();
    }
}

/// A terminal whose lines are never filled up, so that what it echoes stands behind the last of them
/// and not below.
#[derive(Debug, Default)]
struct Screen(Mutex<Frame>);

/// What is written at once.
#[derive(Debug, Default)]
struct Frame {
    bytes: String,
    /// Whether a line has been written, and the next must begin another.
    ended: bool,
}

impl Screen {
    fn frame(&self) -> MutexGuard<'_, Frame> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go(&self, n: usize, direction: char) -> io::Result<()> {
        let mut frame = self.frame();
        frame.ended = false;
        if n > 0 {
            frame.bytes += &format!("\x1b[{n}{direction}");
        }
        Ok(())
    }
}

impl TermLike for Screen {
    /// No line is too long: it is cut, not wrapped.
    fn width(&self) -> u16 {
        u16::MAX
    }

    fn height(&self) -> u16 {
        let rows = terminal_size::terminal_size().map_or(ROWS, |(_, rows)| rows.0);
        rows.max(2) - 1
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.go(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.go(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.go(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.go(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.frame().ended = true;
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut frame = self.frame();
        // Blanks are what fills a line.
        if text.trim().is_empty() {
            frame.ended = true;
            return Ok(());
        }
        if take(&mut frame.ended) {
            frame.bytes.push('\n');
        }
        frame.bytes += &format!("\x1b[?7l{text}\x1b[K\x1b[?7h");
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        let mut frame = self.frame();
        frame.ended = false;
        frame.bytes += "\r\x1b[2K";
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut frame = self.frame();
        frame.ended = false;
        stream::stderr(take(&mut frame.bytes).as_bytes());
        Ok(())
    }
}
