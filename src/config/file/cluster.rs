use std::path::{PathBuf, absolute};

use toml::de::{DeTable, DeValue};

use super::keys::{forget_what_needs_a_key, keys};
use super::labels::labels;
use super::reader::Reader;
use super::turn_server::{FIELDS as FIELDS_OF_TURN, file, turn_server};
use super::value::{self, Value};
use crate::config::check::place::{Place, TurnOf};
use crate::config::diagnostic::Diagnostic;
use crate::config::model::{Cluster, NodeEntry};
use crate::types::{Endpoint, quoted};

const FIELDS: [&str; 10] = [
    "superiors",
    "nodes",
    "check-bind",
    "advertise",
    "keys",
    "require-auth",
    "join",
    "max-nodes",
    "join-prefixes",
    "state",
];

/// `[cluster]`
pub(super) fn cluster(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Cluster {
    reader.fields(table, &FIELDS);
    let mut cluster = Cluster::default();
    if let Some(value) = table.get("superiors") {
        cluster.superiors = superiors(reader, value);
    }
    if let Some(value) = table.get("nodes") {
        cluster.nodes = nodes(reader, value);
    }
    if let Some(value) = table.get("check-bind") {
        cluster.check_bind = reader.keep_at(Place::CheckBind, value, value::port(value));
    }
    if let Some(value) = table.get("advertise") {
        let addr = value::balance_addr(value, "a string");
        cluster.advertise = reader.keep_at(Place::Advertise, value, addr);
    }
    if let Some(value) = table.get("keys") {
        cluster.keys = keys(reader, value);
    }
    cluster.require_auth = flag(reader, table, "require-auth", Place::RequireAuth);
    cluster.join = flag(reader, table, "join", Place::Join);
    if let Some(value) = table.get("max-nodes") {
        let most = reader.keep_at(Place::MaxNodes, value, value::number(value, 1..=u32::MAX));
        cluster.max_nodes = most.unwrap_or(1) as usize;
    }
    if let Some(value) = table.get("join-prefixes") {
        cluster.join_prefixes = reader.prefixes(value);
    }
    cluster.state = state(reader, table);
    if cluster.keys.is_empty() {
        forget_what_needs_a_key(reader, table);
    }
    cluster
}

fn superiors(reader: &mut Reader<'_>, value: &Value<'_>) -> Vec<Endpoint> {
    let (items, expected) = value::one_or_many(value);
    let mut superiors = Vec::new();
    for item in items {
        let place = Place::Superior(superiors.len());
        superiors.extend(match item.get_ref() {
            DeValue::Table(table) => match table.get("srv") {
                Some(value) => srv(reader, place, table, value),
                None => {
                    let missing = "missing field `srv`; a superior by its address is a string";
                    reader.keep(Err(Diagnostic::at(item.span(), missing)))
                }
            },
            _ => reader.keep_at(place, item, value::endpoint(item, expected)),
        });
    }
    superiors
}

fn nodes(reader: &mut Reader<'_>, value: &Value<'_>) -> Vec<NodeEntry> {
    let mut nodes = Vec::new();
    for item in reader.keep(value::list(value)).unwrap_or_default() {
        let index = nodes.len();
        nodes.extend(match item.get_ref() {
            DeValue::Table(table) => node(reader, index, item, table),
            _ => node_addr(reader, index, item, "a string or a table").map(NodeEntry::from),
        });
    }
    nodes
}

fn node(
    reader: &mut Reader<'_>,
    index: usize,
    item: &Value<'_>,
    table: &DeTable<'_>,
) -> Option<NodeEntry> {
    let place = Place::Node(index);
    if let Some(value) = table.get("srv") {
        return srv(reader, place, table, value).map(NodeEntry::from);
    }
    let turn = table.get("turn");
    if let (Some(turn), Some(addr)) = (turn, table.get("addr")) {
        let both = "a node is a balance server at `addr` or a TURN server at `turn`, not both";
        let both = Diagnostic::at(turn.span(), both);
        return reader.keep(Err(both.with_label(addr.span(), "it has this one too")));
    }
    match turn {
        Some(_) => reader
            .fields(table, &[&["turn", "public", "name", "labels"], &FIELDS_OF_TURN[..]].concat()),
        None => reader.fields(table, &["addr", "public", "name", "srv", "turn"]),
    }
    let addr = match (turn, table.get("addr")) {
        (Some(value), _) => reader.keep_at(place, value, value::turn_endpoint(value)),
        (None, Some(value)) => node_addr(reader, index, value, "a string"),
        (None, None) => {
            let missing = "missing field `addr`, `srv` for SRV records or `turn` for a TURN server";
            reader.keep(Err(Diagnostic::at(item.span(), missing)))
        }
    };
    let public = table.get("public").and_then(|value| {
        let addr = match turn {
            Some(_) => value::turn_addr(value, "a string"),
            None => value::balance_addr(value, "a string"),
        };
        reader.keep_at(Place::Public(index), value, addr)
    });
    let name = table.get("name").and_then(|value| reader.keep(value::name(value)));
    let of_turn = table.get("labels").filter(|_| turn.is_some());
    let labels = of_turn.map(|value| labels(reader, value)).unwrap_or_default();
    let turn = turn.map(|_| turn_server(reader, table, TurnOf::Node(index)));
    addr.map(|addr| NodeEntry { addr, public, name, labels, turn })
}

/// What SRV records name, of which nothing else is said.
fn srv(
    reader: &mut Reader<'_>,
    place: Place,
    table: &DeTable<'_>,
    value: &Value<'_>,
) -> Option<Endpoint> {
    reader.fields(table, &["srv"]);
    reader.keep_at(place, value, value::srv(value))
}

fn node_addr(
    reader: &mut Reader<'_>,
    index: usize,
    value: &Value<'_>,
    expected: &str,
) -> Option<Endpoint> {
    reader.keep_at(Place::Node(index), value, value::endpoint(value, expected))
}

/// The file of nodes that have joined. It need not be there yet.
fn state(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Option<PathBuf> {
    let file = file(reader, table, "state", Place::State)?;
    let Some(path) = reader.path() else { return Some(file) };
    let (what, hint) = if file.is_dir() {
        ("a folder", "name a file in it")
    } else if absolute(path).is_ok_and(|path| path == file) {
        ("this configuration, which would be written over", "name a file of its own")
    } else {
        return Some(file);
    };
    let value = table.get("state")?;
    let message = format!("{} is {what}", quoted(&file.to_string_lossy()));
    reader.keep(Err(Diagnostic::at(value.span(), message).with_hint(hint)))
}

fn flag(reader: &mut Reader<'_>, table: &DeTable<'_>, key: &str, place: Place) -> bool {
    let value = table.get(key);
    let flag = value.and_then(|value| reader.keep_at(place, value, value::boolean(value)));
    flag.unwrap_or_default()
}
