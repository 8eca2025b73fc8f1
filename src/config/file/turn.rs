use std::net::SocketAddr;

use toml::de::DeTable;

use super::reader::Reader;
use super::turn_server::{FIELDS, file, turn_server};
use super::value::{self, Value};
use crate::config::check::place::{Place, TurnOf};
use crate::config::diagnostic::Diagnostic;
use crate::config::model::{LoadSource, Turn};

/// `[turn]`
pub(super) fn turn(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Turn {
    reader.fields(table, &[&["bind", "check", "capacity", "weight", "load"], &FIELDS[..]].concat());
    let bind = table.get("bind").map(|value| addrs(reader, value, Place::Turn));
    let check = table.get("check").map(|value| addrs(reader, value, Place::TurnCheck));
    let server = turn_server(reader, table, TurnOf::Leaf);
    let (capacity, weight) = (
        number(reader, table, "capacity", Place::Capacity),
        number(reader, table, "weight", Place::Weight),
    );
    let load = table.get("load").and_then(|value| load_source(reader, value));
    let read = [("capacity", capacity.is_some()), ("load", load.is_some())];
    if read.iter().any(|(key, read)| table.contains_key(*key) && !read) {
        // What it was to be the other may fit.
        [Place::Capacity, Place::Load].into_iter().for_each(|place| reader.forget(place));
    }
    if let Some((_, false)) = bind {
        // What it was to be the rest may fit.
        (0..server.urls.len()).for_each(|i| reader.forget(Place::Url(TurnOf::Leaf, i)));
        let checks = check.iter().flat_map(|(addrs, _)| 0..addrs.len());
        checks.for_each(|i| reader.forget(Place::TurnCheck(i)));
        let rest = [Place::Health(TurnOf::Leaf), Place::Weight, Place::Load];
        rest.into_iter().for_each(|place| reader.forget(place));
    }
    let (bind, check) = (bind.unwrap_or_default().0, check.unwrap_or_default().0);
    Turn { bind, check, server, capacity, weight, load }
}

/// A number of clients: more than any TURN server has, and few enough to be multiplied.
fn number(reader: &mut Reader<'_>, table: &DeTable<'_>, key: &str, place: Place) -> Option<u32> {
    let value = table.get(key)?;
    reader.keep_at(place, value, value::number(value, 1..=10_000_000))
}

/// `load`: a URL or a file, and what of it.
fn load_source(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<LoadSource> {
    let table = reader.keep(value::table(value))?;
    reader.fields(table, &["url", "file", "metric"]);
    let wrong = |message: &str| Diagnostic::at(value.span(), message);
    let metric = table.get("metric").map(|value| reader.keep(value::metric(value)));
    let source = match (table.get("url"), table.get("file"), metric) {
        (_, _, Some(None)) => return None, // that is said
        (Some(_), Some(_), _) => {
            let hint = "a number stands in one place";
            reader.keep(Err(wrong("`load` has a `url` and a `file`").with_hint(hint)))
        }
        (Some(url), None, Some(Some(metric))) => {
            let url = reader.keep(value::metrics_url(url))?;
            Some(LoadSource::Url { url, metric })
        }
        (Some(_), None, None) => {
            let hint = "such as `metric = \"turn_total_allocations\"`";
            reader.keep(Err(wrong("missing field `metric`").with_hint(hint)))
        }
        (None, Some(_), metric) => {
            let file = file(reader, table, "file", Place::LoadFile)?;
            Some(LoadSource::File { file, metric: metric.flatten() })
        }
        (None, None, _) => reader.keep(Err(wrong("missing field `url` or `file`"))),
    }?;
    reader.mark(Place::Load, value);
    Some(source)
}

/// The addresses, and whether all of them could be read.
fn addrs(
    reader: &mut Reader<'_>,
    value: &Value<'_>,
    place: fn(usize) -> Place,
) -> (Vec<SocketAddr>, bool) {
    let (items, expected) = value::one_or_many(value);
    let mut addrs = Vec::new();
    for item in items {
        let place = place(addrs.len());
        addrs.extend(reader.keep_at(place, item, value::turn_addr(item, expected)));
    }
    let all_read = addrs.len() == items.len();
    (addrs, all_read)
}
