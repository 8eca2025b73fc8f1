use serde::Serialize;

/// A document, or a line of a stream: those say what they are.
#[derive(Debug, Serialize)]
pub(crate) struct Document<T> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(flatten)]
    body: T,
}

impl<T> Document<T> {
    pub(crate) fn whole(schema: &'static str, body: T) -> Self {
        let kind = None;
        Self { schema, kind, body }
    }

    pub(crate) fn part(schema: &'static str, kind: &'static str, body: T) -> Self {
        let kind = Some(kind);
        Self { schema, kind, body }
    }
}
