use std::time::{Duration, Instant};

use super::{color, stream};

/// Fast enough to look alive.
pub(super) const FRAME: Duration = Duration::from_millis(80);

/// Rows of a terminal that tells none.
const ROWS: usize = 24;

/// Lines on a terminal, drawn over again and again, and erased at the end, also when dropped.
#[derive(Debug, Default)]
pub(crate) struct Drawing {
    /// How many stand there, the cursor behind the last.
    lines: usize,
    /// Since when.
    drawn: Option<Instant>,
}

impl Drawing {
    /// Whether what stands there has been seen, and may be drawn over.
    pub(crate) fn is_due(&self) -> bool {
        self.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME)
    }

    /// Draws a text over what stands there: as much of it as fits.
    pub(crate) fn draw(&mut self, text: &str) {
        let rows = terminal_size::terminal_size().map_or(ROWS, |(_, rows)| rows.0.into());
        let text = stream::painted(text, color::on_stderr());
        let lines: Vec<_> = text.lines().take(rows.max(2) - 1).collect();
        // A line that is too long is cut, not wrapped: it must be one.
        let text = lines.join("\x1b[K\n");
        stream::stderr(format!("{}\x1b[?7l{text}\x1b[K\x1b[J\x1b[?7h", self.to_start()).as_bytes());
        (self.lines, self.drawn) = (lines.len(), Some(Instant::now()));
    }

    /// Takes it away, with what a terminal has echoed behind it, such as `^C`.
    pub(crate) fn erase(&mut self) {
        if self.lines > 0 {
            stream::stderr(format!("{}\x1b[J", self.to_start()).as_bytes());
            (self.lines, self.drawn) = (0, None);
        }
    }

    fn to_start(&self) -> String {
        match self.lines {
            0 | 1 => "\r".to_owned(),
            lines => format!("\r\x1b[{}A", lines - 1),
        }
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        self.erase();
    }
}
