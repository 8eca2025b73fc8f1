use std::path::Path;

use toml::de::DeTable;

use super::keys::unusable;
use super::reader::Reader;
use super::turn_server::file;
use super::value::{self, Value};
use crate::config::check::place::Place;
use crate::config::diagnostic::Diagnostic;
use crate::config::key_file::read_admin_token;
use crate::config::model::{Admin, AdminAddr};

/// The port that the examples have.
const ADMIN_PORT: u16 = 9301;

/// `[admin]`
pub(super) fn admin(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Admin {
    reader.fields(table, &["bind", "allow", "token-file"]);
    let mut admin = Admin::default();
    if let Some(value) = table.get("bind") {
        admin.bind = reader.keep_at(Place::AdminBind, value, bind(value));
    }
    if let Some(value) = table.get("allow") {
        admin.allow = reader.prefixes(value);
        reader.mark(Place::Allow, value);
    }
    admin.token_file = file(reader, table, "token-file", Place::AdminToken);
    if let (Some(_), Some(value), Some(file)) =
        (reader.folder(), table.get("token-file"), &admin.token_file)
    {
        let read = read_admin_token(Path::new(file));
        reader.keep(read.map_err(|error| unusable(value, &error)));
    }
    let unread = [
        ("bind", admin.bind.is_none()),
        ("allow", admin.allow.is_empty()),
        ("token-file", admin.token_file.is_none()),
    ];
    if unread.iter().any(|(key, unread)| table.contains_key(*key) && *unread && *key != "allow") {
        // What it was to be, the others may fit.
        let all = [Place::AdminBind, Place::Allow, Place::AdminToken];
        all.into_iter().for_each(|place| reader.forget(place));
    }
    admin
}

fn bind(value: &Value<'_>) -> Result<AdminAddr, Diagnostic> {
    let text = value::string(value, "a string")?;
    match text.strip_prefix(AdminAddr::UNIX) {
        Some(path) => Ok(AdminAddr::Unix(path.into())),
        None => value::listen_addr(value, "a string", ADMIN_PORT).map(AdminAddr::Tcp),
    }
}
