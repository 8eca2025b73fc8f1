use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::check::Problem;

/// Why a configuration cannot be used: everything that is wrong with it at once.
///
/// Its `Display` is one line for each diagnostic, `origin:line:column: message`.
#[derive(Debug, Clone)]
pub struct ConfigError {
    /// What the file is called, as given; empty for a configuration made by a program.
    pub origin: String,
    /// The whole text; empty where there is none.
    pub text: String,
    /// What is wrong, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// Why the file could not be read; then there are no diagnostics.
    pub source: Option<Arc<io::Error>>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// One lower-case sentence.
    pub message: String,
    /// The offending text and others that explain it; the first is the offender.
    pub labels: Vec<Label>,
    /// What to do.
    pub hint: Option<String>,
}

/// A piece of the text and what to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What to say of it, may be empty.
    pub note: String,
}

impl ConfigError {
    /// The line and the column where a diagnostic's offender starts, both counted from 1, the
    /// column in characters.
    pub fn line_col(&self, diagnostic: &Diagnostic) -> Option<(usize, usize)> {
        let start = diagnostic.labels.first()?.span.start;
        let before = self.text.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        Some((line, column))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.is_some() {
            return write!(f, "cannot read `{}`", self.origin);
        }
        for (i, diagnostic) in self.diagnostics.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            if !self.origin.is_empty() {
                write!(f, "{}:", self.origin)?;
                if let Some((line, column)) = self.line_col(diagnostic) {
                    write!(f, "{line}:{column}:")?;
                }
                f.write_str(" ")?;
            }
            f.write_str(&diagnostic.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl Diagnostic {
    /// A diagnostic that points at nothing.
    pub(super) fn new(message: impl ToString) -> Self {
        Self { message: message.to_string(), labels: Vec::new(), hint: None }
    }

    /// A diagnostic that points at one piece of the text.
    pub(super) fn at(span: Range<usize>, message: impl ToString) -> Self {
        let mut diagnostic = Self::new(message);
        diagnostic.labels.push(Label::new(span, ""));
        diagnostic
    }

    /// The same with advice.
    pub(super) fn hint(mut self, hint: impl ToString) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Where in the text the offender starts.
    pub(super) fn start(&self) -> usize {
        self.labels.first().map_or(usize::MAX, |label| label.span.start)
    }
}

impl From<Problem> for Diagnostic {
    fn from(problem: Problem) -> Self {
        Self { message: problem.message, labels: Vec::new(), hint: problem.hint.map(str::to_owned) }
    }
}

impl Label {
    pub(super) fn new(span: Range<usize>, note: &str) -> Self {
        let note = note.to_owned();
        Self { span, note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(origin: &str, text: &str, spans: &[Range<usize>]) -> ConfigError {
        ConfigError {
            origin: origin.into(),
            text: text.into(),
            diagnostics: (spans.iter()).map(|span| Diagnostic::at(span.clone(), "bad")).collect(),
            source: None,
        }
    }

    #[test]
    fn positions_count_from_one_and_in_characters() {
        let text = "é = 1\r\nbé = 2\n";
        let end = text.len();
        let bad = error("f", text, &[0..2, 5..6, 8..9, 11..12, end..end, end + 1..end + 1]);
        let lines: Vec<_> = bad.to_string().lines().map(str::to_owned).collect();
        let expected =
            ["f:1:1: bad", "f:1:5: bad", "f:2:1: bad", "f:2:3: bad", "f:3:1: bad", "f: bad"];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_program_has_no_file_to_name() {
        let mut bad = error("", "", &[0..0, 0..0]);
        for diagnostic in &mut bad.diagnostics {
            diagnostic.labels.clear();
        }
        assert_eq!(bad.to_string(), "bad\nbad");
    }

    #[test]
    fn a_file_that_cannot_be_read() {
        let mut bad = error("f", "", &[]);
        bad.source = Some(Arc::new(io::Error::other("why")));
        assert_eq!(bad.to_string(), "cannot read `f`");
        let source = std::error::Error::source(&bad).unwrap();
        assert_eq!(source.to_string(), "why");
    }
}
