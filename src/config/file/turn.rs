use toml::de::DeTable;

use super::reader::Reader;
use super::value;
use crate::config::check::place::Place;
use crate::config::model::{Turn, TurnHealth};

/// `[turn]`
pub(super) fn turn(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Turn {
    reader.fields(table, &["bind", "health"]);
    let mut turn = Turn::default();
    if let Some(value) = table.get("bind") {
        turn.bind = reader.keep_at(Place::Turn, value, value::turn_addr(value));
    }
    if let Some(value) = table.get("health") {
        let health = value::choice(value, "health", &TurnHealth::ALL, TurnHealth::as_str);
        turn.health = reader.keep(health).unwrap_or_default();
    }
    turn
}
