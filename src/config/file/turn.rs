use std::net::SocketAddr;

use toml::de::DeTable;

use super::reader::Reader;
use super::turn_server::{FIELDS, turn_server};
use super::value::{self, Value};
use crate::config::check::place::{Place, TurnOf};
use crate::config::model::Turn;

/// `[turn]`
pub(super) fn turn(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Turn {
    reader.fields(table, &[&["bind", "check"], &FIELDS[..]].concat());
    let bind = table.get("bind").map(|value| addrs(reader, value, Place::Turn));
    let check = table.get("check").map(|value| addrs(reader, value, Place::TurnCheck));
    let server = turn_server(reader, table, TurnOf::Leaf);
    if let Some((_, false)) = bind {
        // What it was to be the rest may fit.
        (0..server.urls.len()).for_each(|i| reader.forget(Place::Url(TurnOf::Leaf, i)));
        let checks = check.iter().flat_map(|(addrs, _)| 0..addrs.len());
        checks.for_each(|i| reader.forget(Place::TurnCheck(i)));
        reader.forget(Place::Health(TurnOf::Leaf));
    }
    Turn { bind: bind.unwrap_or_default().0, check: check.unwrap_or_default().0, server }
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
