use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

use super::value::{self, Value};
use crate::config::check::place::Place;
use crate::config::diagnostic::Diagnostic;
use crate::types::Prefix;

/// Where the values stand that a check may point at.
pub(super) type Spans = BTreeMap<Place, Range<usize>>;

/// Takes values out of the tree, and goes on after an error.
pub(super) struct Reader<'a> {
    path: Option<&'a Path>,
    spans: Spans,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    /// With the path of the file, key files are looked for in its folder, and read.
    pub(super) fn new(path: Option<&'a Path>) -> Self {
        Self { path, spans: Spans::new(), diagnostics: Vec::new() }
    }

    /// The file that is read.
    pub(super) fn path(&self) -> Option<&'a Path> {
        self.path
    }

    pub(super) fn folder(&self) -> Option<&'a Path> {
        self.path.and_then(Path::parent)
    }

    /// Where the values stand, and what is wrong with them.
    pub(super) fn finish(self) -> (Spans, Vec<Diagnostic>) {
        (self.spans, self.diagnostics)
    }

    /// Reads a section; one that is not there is the default.
    pub(super) fn section<T: Default>(
        &mut self,
        root: &DeTable<'_>,
        key: &str,
        read: fn(&mut Self, &DeTable<'_>) -> T,
    ) -> T {
        let table = root.get(key).map(value::table);
        let table = table.and_then(|table| self.keep(table));
        table.map(|table| read(self, table)).unwrap_or_default()
    }

    /// Complains of every key that is none of these.
    pub(super) fn fields(&mut self, table: &DeTable<'_>, fields: &[&str]) {
        let unknown = table.keys().filter(|key| !fields.contains(&key.get_ref().as_ref()));
        self.diagnostics
            .extend(unknown.map(|key| value::unknown(key.span(), "field", key.get_ref(), fields)));
    }

    /// The value, if it could be read; otherwise remembers why not.
    pub(super) fn keep<T>(&mut self, read: Result<T, Diagnostic>) -> Option<T> {
        read.map_err(|diagnostic| self.diagnostics.push(diagnostic)).ok()
    }

    /// [`Reader::keep`] for a value that a check may point at.
    pub(super) fn keep_at<T>(
        &mut self,
        place: Place,
        value: &Value<'_>,
        read: Result<T, Diagnostic>,
    ) -> Option<T> {
        if read.is_ok() {
            self.mark(place, value);
        }
        self.keep(read)
    }

    /// A list of prefixes.
    pub(super) fn prefixes(&mut self, value: &Value<'_>) -> Vec<Prefix> {
        let items = self.keep(value::list(value)).unwrap_or_default();
        items.iter().filter_map(|item| self.keep(value::prefix(item))).collect()
    }

    /// Remembers where a value stands.
    pub(super) fn mark(&mut self, place: Place, value: &Value<'_>) {
        self.spans.insert(place, value.span());
    }

    /// Whether a value stands there that could be read.
    pub(super) fn has(&self, place: Place) -> bool {
        self.spans.contains_key(&place)
    }

    /// Has no check point there: what is wrong with it is said already.
    pub(super) fn forget(&mut self, place: Place) {
        self.spans.remove(&place);
    }
}
