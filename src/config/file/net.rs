use toml::de::DeTable;

use super::labels::labels;
use super::reader::Reader;
use super::value::{self, Value};
use crate::config::check::place::Place;
use crate::config::model::Net;
use crate::types::{DEFAULT_PORT, ListenAddr};

/// `[net]`
pub(super) fn net(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Net {
    reader.fields(table, &["bind", "name", "labels", "workers", "drain"]);
    let mut net = Net::default();
    if let Some(value) = table.get("bind") {
        net.bind = binds(reader, value);
    }
    if let Some(value) = table.get("name") {
        net.name = reader.keep(value::name(value));
    }
    if let Some(value) = table.get("labels") {
        net.labels = labels(reader, value);
    }
    if let Some(value) = table.get("workers") {
        let workers = reader.keep_at(Place::Workers, value, value::workers(value));
        net.workers = workers.unwrap_or(net.workers);
    }
    if let Some(value) = table.get("drain") {
        net.drain = reader.keep_at(Place::Drain, value, value::duration(value));
    }
    net
}

fn binds(reader: &mut Reader<'_>, value: &Value<'_>) -> Vec<ListenAddr> {
    let (items, expected) = value::one_or_many(value);
    let mut binds = Vec::new();
    for item in items {
        let place = Place::Bind(binds.len());
        binds.extend(reader.keep_at(place, item, value::listen_addr(item, expected, DEFAULT_PORT)));
    }
    if binds.len() == items.len() {
        // Known to the checks only so: what a bad address was to be, nobody knows.
        reader.mark(Place::Binds, value);
    }
    binds
}
