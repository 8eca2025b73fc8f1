use toml::de::DeTable;

use super::reader::Reader;
use super::value;
use crate::config::model::{Log, LogFormat, LogLevel};

/// `[log]`
pub(super) fn log(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Log {
    reader.fields(table, &["level", "format"]);
    let mut log = Log::default();
    if let Some(value) = table.get("level") {
        let level = value::choice(value, "level", &LogLevel::ALL, LogLevel::as_str);
        log.level = reader.keep(level).unwrap_or_default();
    }
    if let Some(value) = table.get("format") {
        let format = value::choice(value, "format", &LogFormat::ALL, LogFormat::as_str);
        log.format = reader.keep(format).unwrap_or_default();
    }
    log
}
