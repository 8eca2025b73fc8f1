use super::reader::Reader;
use super::value::{self, Value};
use crate::config::diagnostic::Diagnostic;
use crate::types::Labels;

/// What one is labelled with: each mistake is one of its own.
pub(super) fn labels(reader: &mut Reader<'_>, value: &Value<'_>) -> Labels {
    let Some(table) = reader.keep(value::table(value)) else { return Labels::default() };
    if table.len() > Labels::MOST {
        let message = format!("{} labels, expected {} at most", table.len(), Labels::MOST);
        reader.keep::<()>(Err(Diagnostic::at(value.span(), message)));
    }
    let read = table.iter().filter_map(|(key, value)| reader.keep(value::label(key, value)));
    Labels::new(read).unwrap_or_default()
}
