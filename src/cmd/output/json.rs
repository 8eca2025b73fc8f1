use serde::Serialize;

/// A document as one line.
pub(crate) fn line(document: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(document)
}
