use std::path::{PathBuf, absolute};

use toml::de::DeTable;

use super::keys::unusable;
use super::reader::Reader;
use super::value::{self, Value};
use crate::config::check::place::{Place, TurnOf};
use crate::config::key_file::{check_certificates, read_login};
use crate::config::model::TurnServer;
use crate::types::{ServerUrl, TurnHealth};

/// What `[turn]` and a TURN server among the nodes have in common.
pub(super) const FIELDS: [&str; 6] =
    ["health", "user", "password-file", "secret-file", "ca-file", "urls"];

/// How a TURN server is checked, and its URLs.
pub(super) fn turn_server(reader: &mut Reader<'_>, table: &DeTable<'_>, of: TurnOf) -> TurnServer {
    let mut turn = TurnServer::default();
    if let Some(value) = table.get("health") {
        let health = value::choice(value, "health", &TurnHealth::ALL, TurnHealth::as_str);
        turn.health = reader.keep_at(Place::Health(of), value, health).unwrap_or_default();
    }
    if let Some(value) = table.get("user") {
        let user = value::string(value, "a string").map(str::to_owned);
        turn.user = reader.keep_at(Place::User(of), value, user);
    }
    turn.password_file = file(reader, table, "password-file", Place::PasswordFile(of));
    turn.secret_file = file(reader, table, "secret-file", Place::SecretFile(of));
    turn.ca_file = file(reader, table, "ca-file", Place::CaFile(of));
    let read = [
        ("user", turn.user.is_some()),
        ("password-file", turn.password_file.is_some()),
        ("secret-file", turn.secret_file.is_some()),
        ("health", reader.has(Place::Health(of))),
    ];
    if read.iter().any(|(key, read)| table.contains_key(*key) && !read) {
        // What it was to be the rest may fit.
        let rest = [Place::User, Place::PasswordFile, Place::SecretFile, Place::Health];
        rest.iter().for_each(|place| reader.forget(place(of)));
    }
    read_files(reader, table, &turn);
    if let Some(value) = table.get("urls") {
        turn.urls = urls(reader, value, of);
    }
    turn
}

/// A file; where it is relative, it is so to the folder of the configuration.
pub(super) fn file(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    key: &str,
    place: Place,
) -> Option<PathBuf> {
    let value = table.get(key)?;
    let file = reader.keep_at(place, value, value::string(value, "a string"))?;
    let Some(folder) = reader.folder() else { return Some(file.into()) };
    let file = folder.join(file);
    Some(absolute(&file).unwrap_or(file))
}

/// Reads the files that are named, so that what is wrong with them is told with all the rest.
fn read_files(reader: &mut Reader<'_>, table: &DeTable<'_>, turn: &TurnServer) {
    if reader.folder().is_none() {
        return;
    }
    let secret = if turn.secret_file.is_some() { "secret-file" } else { "password-file" };
    if let Some(value) = table.get(secret) {
        let login = read_login(turn);
        reader.keep(login.map_err(|error| unusable(value, &error)));
    }
    if let (Some(value), Some(file)) = (table.get("ca-file"), &turn.ca_file) {
        let read = check_certificates(file);
        reader.keep(read.map_err(|error| unusable(value, &error)));
    }
}

fn urls(reader: &mut Reader<'_>, value: &Value<'_>, of: TurnOf) -> Vec<ServerUrl> {
    let mut urls = Vec::new();
    for item in reader.keep(value::list(value)).unwrap_or_default() {
        let place = Place::Url(of, urls.len());
        urls.extend(reader.keep_at(place, item, value::server_url(item)));
    }
    urls
}
