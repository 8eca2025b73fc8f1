use std::fmt;
use std::io;

use super::diagnostic::Diagnostic;
use crate::types::escaped;

/// Why a configuration cannot be used: the file cannot be read, or everything that is wrong with it
/// at once.
///
/// Its `Display` is one line for each diagnostic, `origin:line:column: message`.
///
/// ```
/// use turn_balance::Config;
///
/// let error = Config::parse("[log]\nlevel = 'WARN'", "balance.toml").unwrap_err();
/// let diagnostic = &error.diagnostics()[0];
/// assert_eq!(diagnostic.hint(), Some("did you mean `warn`?"));
/// assert_eq!(error.line_col(diagnostic), Some((2, 9)));
/// ```
#[derive(Debug)]
pub struct ConfigError {
    origin: String,
    text: String,
    diagnostics: Vec<Diagnostic>,
    unreadable: Option<io::Error>,
}

impl ConfigError {
    /// What the file is called, as given; empty for a configuration made by a program.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The whole text; empty where there is none.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong, in the order of the text; empty where that cannot be read.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Why the file cannot be read; `None`: it can, and has errors.
    pub fn unreadable(&self) -> Option<&io::Error> {
        self.unreadable.as_ref()
    }

    /// The line and the column where a diagnostic's offender starts, both counted from 1, the
    /// column in characters.
    pub fn line_col(&self, diagnostic: &Diagnostic) -> Option<(usize, usize)> {
        let before = self.text.get(..diagnostic.start())?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        Some((line, column))
    }

    /// A text that has errors.
    pub(super) fn in_text(origin: &str, text: &str, diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, text: text.to_owned(), ..Self::empty(origin) }
    }

    /// A configuration made by a program, which has no text.
    pub(super) fn in_program(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, ..Self::empty("") }
    }

    /// A file that cannot be read.
    pub(super) fn in_reading(origin: &str, error: io::Error) -> Self {
        Self { unreadable: Some(error), ..Self::empty(origin) }
    }

    fn empty(origin: &str) -> Self {
        let (text, diagnostics) = Default::default();
        Self { origin: origin.to_owned(), text, diagnostics, unreadable: None }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = escaped(&self.origin);
        if self.unreadable.is_some() {
            return write!(f, "cannot read `{origin}`");
        }
        for (i, diagnostic) in self.diagnostics.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            if !origin.is_empty() {
                write!(f, "{origin}:")?;
                if let Some((line, column)) = self.line_col(diagnostic) {
                    write!(f, "{line}:{column}:")?;
                }
                f.write_str(" ")?;
            }
            f.write_str(diagnostic.message())?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.unreadable().map(|error| error as _)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    #[test]
    fn positions_count_from_one_and_in_characters() {
        let text = "é = 1\r\nbé = 2\n";
        let end = text.len();
        let spans: [Range<usize>; 6] = [0..2, 5..6, 8..9, 11..12, end..end, end + 1..end + 1];
        let bad = spans.map(|span| Diagnostic::at(span, "bad"));
        let bad = ConfigError::in_text("f", text, bad.into());
        let lines: Vec<_> = bad.to_string().lines().map(str::to_owned).collect();
        let expected =
            ["f:1:1: bad", "f:1:5: bad", "f:2:1: bad", "f:2:3: bad", "f:3:1: bad", "f: bad"];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_program_has_no_file_to_name() {
        let bad = ConfigError::in_program(vec![Diagnostic::new("bad"); 2]);
        assert_eq!(bad.to_string(), "bad\nbad");
    }

    #[test]
    fn a_file_that_cannot_be_read() {
        let bad = ConfigError::in_reading("f", io::Error::other("why"));
        assert_eq!(bad.to_string(), "cannot read `f`");
        let source = std::error::Error::source(&bad).unwrap();
        assert_eq!(source.to_string(), "why");
        assert!(source.is::<io::Error>());
    }
}
