use super::place::Place;
use crate::config::diagnostic::Diagnostic;

/// Something that is wrong with a configuration.
#[derive(Debug)]
pub(in crate::config) struct Mistake {
    /// One lower-case sentence.
    pub(in crate::config) message: String,
    /// The offender.
    pub(in crate::config) place: Place,
    /// Another place that explains it, and what to say there.
    pub(in crate::config) related: Option<(Place, &'static str)>,
    /// What to do.
    pub(in crate::config) hint: Option<&'static str>,
}

impl Mistake {
    pub(super) fn at(place: Place, message: String) -> Self {
        Self { message, place, related: None, hint: None }
    }
}

impl From<Mistake> for Diagnostic {
    /// Points at nothing yet.
    fn from(mistake: Mistake) -> Self {
        let diagnostic = Self::new(mistake.message);
        match mistake.hint {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        }
    }
}
