use std::error::Error as _;
use std::path::absolute;

use toml::de::DeTable;

use super::reader::Reader;
use super::value::{self, Value};
use crate::config::check::place::Place;
use crate::config::diagnostic::Diagnostic;
use crate::config::key_file::{KeyError, KeyFile, KeyReader};

/// `cluster.keys`
pub(super) fn keys(reader: &mut Reader<'_>, value: &Value<'_>) -> Vec<KeyFile> {
    let (mut keys, mut secrets) = (Vec::new(), KeyReader::default());
    for item in reader.keep(value::list(value)).unwrap_or_default() {
        let table = reader.keep(value::table(item));
        let place = Place::Key(keys.len());
        keys.extend(table.and_then(|table| key(reader, &mut secrets, place, item, table)));
    }
    keys
}

/// Of keys that cannot be read it is said already what is wrong: not so that there are none.
pub(super) fn forget_what_needs_a_key(reader: &mut Reader<'_>, cluster: &DeTable<'_>) {
    let is_none = |keys: &Value<'_>| keys.get_ref().as_array().is_some_and(|keys| keys.is_empty());
    if cluster.get("keys").is_some_and(|keys| !is_none(keys)) {
        reader.forget(Place::RequireAuth);
        reader.forget(Place::Join);
    }
}

fn key(
    reader: &mut Reader<'_>,
    secrets: &mut KeyReader,
    place: Place,
    item: &Value<'_>,
    table: &DeTable<'_>,
) -> Option<KeyFile> {
    reader.fields(table, &["id", "file"]);
    let missing = |field| Diagnostic::at(item.span(), format!("missing field `{field}`"));
    let id = match table.get("id") {
        Some(value) => reader.keep_at(place, value, value::number(value, 1..=u32::MAX)),
        None => reader.keep(Err(missing("id"))),
    };
    let file = match table.get("file") {
        Some(value) => reader.keep(value::string(value, "a string").map(|file| (value, file))),
        None => reader.keep(Err(missing("file"))),
    };
    let (id, (value, file)) = (id?, file?);
    let Some(folder) = reader.folder() else {
        return Some(KeyFile::new(id, file));
    };
    let file = folder.join(file);
    let key = KeyFile::new(id, absolute(&file).unwrap_or(file));
    let read = secrets.read(&key).map_err(|error| unusable(value, &error));
    reader.keep(read).map(|_| key)
}

/// Why the file that a value names cannot be used.
pub(super) fn unusable(value: &Value<'_>, error: &KeyError) -> Diagnostic {
    let cause = error.source().map(|cause| format!(": {cause}"));
    let message = format!("{error}{}", cause.unwrap_or_default());
    let diagnostic = Diagnostic::at(value.span(), message);
    match error.hint() {
        Some(hint) => diagnostic.with_hint(hint),
        None => diagnostic,
    }
}
