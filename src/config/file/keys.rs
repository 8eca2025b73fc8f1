//! Keys, and what they are asked for.

use std::path::absolute;

use toml::de::DeTable;

use super::Reader;
use crate::config::check::Place;
use crate::config::value::{self, Value};
use crate::config::{Diagnostic, KeyFile};

impl Reader<'_> {
    pub(super) fn keys(&mut self, value: &Value<'_>) {
        for item in self.keep(value::list(value)).unwrap_or_default() {
            let table = self.keep(value::table(item));
            let key = table.and_then(|table| self.key(item, table));
            self.config.cluster.keys.extend(key);
        }
    }

    fn key(&mut self, item: &Value<'_>, table: &DeTable<'_>) -> Option<KeyFile> {
        self.fields(table, &["id", "file"]);
        let place = Place::Key(self.config.cluster.keys.len());
        let missing = |field| Diagnostic::at(item.span(), format!("missing field `{field}`"));
        let id = match table.get("id") {
            Some(value) => self.keep_at(place, value, value::number(value, 1..=u32::MAX)),
            None => self.keep(Err(missing("id"))),
        };
        let file = match table.get("file") {
            Some(value) => self.keep(value::string(value, "a string").map(|file| (value, file))),
            None => self.keep(Err(missing("file"))),
        };
        let (id, (value, file)) = (id?, file?);
        let Some(folder) = self.folder else {
            return Some(KeyFile { id, file: file.into() });
        };
        let file = folder.join(file);
        let key = KeyFile { id, file: absolute(&file).unwrap_or(file) };
        let read = key.read().map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let message = format!("{error}{}", cause.unwrap_or_default());
            Diagnostic::at(value.span(), message).hint(error.hint())
        });
        self.keep(read).map(|_| key)
    }

    /// Who must have a key, and who may join with one.
    pub(super) fn membership(&mut self, cluster: &DeTable<'_>) {
        let flag = |reader: &mut Self, key, place| {
            let value = cluster.get(key)?;
            reader.keep_at(place, value, value::boolean(value))
        };
        let require = flag(self, "require-auth", Place::RequireAuth);
        self.config.cluster.require_auth = require.unwrap_or_default();
        self.config.cluster.join = flag(self, "join", Place::Join).unwrap_or_default();
        if let Some(value) = cluster.get("max-nodes") {
            let most = self.keep_at(Place::MaxNodes, value, value::number(value, 1..=u32::MAX));
            self.config.cluster.max_nodes = most.unwrap_or(1) as usize;
        }
        if let Some(value) = cluster.get("join-prefixes") {
            for item in self.keep(value::list(value)).unwrap_or_default() {
                let prefix = self.keep(value::prefix(item));
                self.config.cluster.join_prefixes.extend(prefix);
            }
        }
        // Of keys that cannot be read it is said already what is wrong.
        let named = cluster
            .get("keys")
            .is_some_and(|keys| keys.get_ref().as_array().is_none_or(|keys| !keys.is_empty()));
        if named && self.config.cluster.keys.is_empty() {
            self.spans.remove(&Place::RequireAuth);
            self.spans.remove(&Place::Join);
        }
    }
}
