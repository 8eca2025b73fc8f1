use super::reader::Spans;
use crate::config::check::mistake::Mistake;
use crate::config::diagnostic::Diagnostic;
use crate::config::model::Net;

/// A mistake with the text that it is about. `all_read`: whether every value of the text could be
/// read.
pub(super) fn locate(mistake: Mistake, spans: &Spans, all_read: bool) -> Option<Diagnostic> {
    // A place without text has no value because the one in the file is bad: said already.
    let span = spans.get(&mistake.place)?.clone();
    let related = mistake.related;
    let diagnostic = Diagnostic::from(mistake).with_label(span, "");
    let Some((place, note)) = related else { return Some(diagnostic) };
    match spans.get(&place) {
        Some(span) => Some(diagnostic.with_label(span.clone(), note)),
        None if all_read => Some(diagnostic.with_hint(default_bind())),
        // The default may stand for a key that was misspelt.
        None => None,
    }
}

/// The only value that a mistake can be related to while the file does not have it.
fn default_bind() -> String {
    let binds: Vec<_> = Net::default().bind.iter().map(|bind| format!("`{bind}`")).collect();
    format!("`net.bind` is {} where the file has none", binds.join(", "))
}
