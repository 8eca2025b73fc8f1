use std::ops::Range;

/// One thing that is wrong with a configuration.
///
/// Found in a [`ConfigError`](crate::ConfigError), where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    message: String,
    labels: Vec<Label>,
    hint: Option<String>,
}

/// A piece of the text, and what to say of it.
///
/// Found in a [`Diagnostic`] of a [`ConfigError`](crate::ConfigError), where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    span: Range<usize>,
    note: String,
}

impl Diagnostic {
    /// What is wrong: one lower-case sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The offending text and others that explain it; the first is the offender. Empty where
    /// there is no text.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// What to do.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// A diagnostic that points at nothing.
    pub(super) fn new(message: impl ToString) -> Self {
        Self { message: message.to_string(), labels: Vec::new(), hint: None }
    }

    /// A diagnostic that points at one piece of the text.
    pub(super) fn at(span: Range<usize>, message: impl ToString) -> Self {
        Self::new(message).with_label(span, "")
    }

    /// Points at one more piece of the text.
    pub(super) fn with_label(mut self, span: Range<usize>, note: &str) -> Self {
        self.labels.push(Label { span, note: note.to_owned() });
        self
    }

    /// Adds advice.
    pub(super) fn with_hint(mut self, hint: impl ToString) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Where in the text the offender starts, in bytes; after all text where there is none.
    pub(super) fn start(&self) -> usize {
        self.labels.first().map_or(usize::MAX, |label| label.span.start)
    }
}

impl Label {
    /// Which bytes of the text.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What to say of them; may be empty.
    pub fn note(&self) -> &str {
        &self.note
    }
}
