use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::keys::unusable;
use super::reader::Reader;
use super::turn_server::file;
use super::value::{self, Value};
use crate::config::check::place::Place;
use crate::config::diagnostic::Diagnostic;
use crate::config::key_file::{
    KeyError, SecretKind, check_pem, read_api_keys, read_token_secret, secret_line,
};
use crate::config::model::{Http, NodeSecret};
use crate::types::ListenAddr;

const FIELDS: [&str; 12] = [
    "bind",
    "cert",
    "key",
    "plain",
    "api-keys",
    "token-secret",
    "turn-secret",
    "turn-secrets",
    "ttl",
    "origins",
    "trusted-proxies",
    "demo",
];

/// The port that the examples have.
const HTTP_PORT: u16 = 8443;

/// `[http]`
pub(super) fn http(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Http {
    reader.fields(table, &FIELDS);
    let mut http = Http::default();
    if let Some(value) = table.get("bind") {
        http.bind = binds(reader, value);
    }
    http.cert = read(reader, table, "cert", Place::Cert, |file| {
        check_pem(file, SecretKind::CertificateChain)
    });
    http.key = read(reader, table, "key", Place::PrivateKey, |file| {
        check_pem(file, SecretKind::PrivateKey)
    });
    http.api_keys =
        read(reader, table, "api-keys", Place::ApiKeys, |file| read_api_keys(file).map(drop));
    http.token_secret = read(reader, table, "token-secret", Place::TokenSecret, |file| {
        read_token_secret(file).map(drop)
    });
    http.turn_secret = read(reader, table, "turn-secret", Place::MintSecret, turn_secret);
    if let Some(value) = table.get("turn-secrets") {
        http.turn_secrets = node_secrets(reader, value);
    }
    if let Some(value) = table.get("ttl") {
        let ttl = reader.keep_at(Place::Ttl, value, value::duration(value));
        http.ttl = ttl.unwrap_or(http.ttl);
    }
    if let Some(value) = table.get("origins") {
        http.origins = origins(reader, value);
    }
    if let Some(value) = table.get("trusted-proxies") {
        http.trusted_proxies = reader.prefixes(value);
        reader.mark(Place::Proxies, value);
    }
    for (key, place, flag) in
        [("plain", Place::Plain, &mut http.plain), ("demo", Place::Demo, &mut http.demo)]
    {
        let value = table.get(key);
        let said = value.and_then(|value| reader.keep_at(place, value, value::boolean(value)));
        *flag = said.unwrap_or_default();
    }
    forget_what_depends_on_the_unread(reader, table, &http);
    http
}

/// What a value that cannot be read was to be, the others may fit.
fn forget_what_depends_on_the_unread(reader: &mut Reader<'_>, table: &DeTable<'_>, http: &Http) {
    let read = [
        ("bind", !http.bind.is_empty()),
        ("cert", http.cert.is_some()),
        ("key", http.key.is_some()),
        ("plain", reader.has(Place::Plain)),
        ("api-keys", http.api_keys.is_some()),
        ("token-secret", http.token_secret.is_some()),
        ("turn-secret", http.turn_secret.is_some()),
        ("turn-secrets", !http.turn_secrets.is_empty()),
    ];
    if read.iter().any(|(key, read)| table.contains_key(*key) && !read) {
        let all = [
            Place::Cert,
            Place::PrivateKey,
            Place::Plain,
            Place::ApiKeys,
            Place::TokenSecret,
            Place::MintSecret,
            Place::Proxies,
            Place::Demo,
            Place::HttpBind(0),
            Place::Origin(0),
            Place::NodeSecret(0),
        ];
        all.into_iter().for_each(|place| reader.forget(place));
    }
}

fn binds(reader: &mut Reader<'_>, value: &Value<'_>) -> Vec<ListenAddr> {
    let (items, expected) = value::one_or_many(value);
    let mut binds = Vec::new();
    for item in items {
        let place = Place::HttpBind(binds.len());
        binds.extend(reader.keep_at(place, item, value::listen_addr(item, expected, HTTP_PORT)));
    }
    binds
}

fn origins(reader: &mut Reader<'_>, value: &Value<'_>) -> Vec<String> {
    let (items, expected) = value::one_or_many(value);
    let mut origins = Vec::new();
    for item in items {
        let place = Place::Origin(origins.len());
        let text = value::string(item, expected).map(str::to_owned);
        origins.extend(reader.keep_at(place, item, text));
    }
    origins
}

/// A file that is named, read where there is a folder to look for it in.
fn read(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    key: &str,
    place: Place,
    check: impl Fn(&Path) -> Result<(), KeyError>,
) -> Option<PathBuf> {
    let file = file(reader, table, key, place)?;
    if let (Some(_), Some(value)) = (reader.folder(), table.get(key)) {
        reader.keep(check(&file).map_err(|error| unusable(value, &error)));
    }
    Some(file)
}

fn turn_secret(file: &Path) -> Result<(), KeyError> {
    secret_line(file, SecretKind::TurnSecret).map(drop)
}

fn node_secrets(reader: &mut Reader<'_>, value: &Value<'_>) -> Vec<NodeSecret> {
    let mut secrets = Vec::new();
    for item in reader.keep(value::list(value)).unwrap_or_default() {
        let table = reader.keep(value::table(item));
        let place = Place::NodeSecret(secrets.len());
        secrets.extend(table.and_then(|table| node_secret(reader, place, item, table)));
    }
    secrets
}

fn node_secret(
    reader: &mut Reader<'_>,
    place: Place,
    item: &Value<'_>,
    table: &DeTable<'_>,
) -> Option<NodeSecret> {
    reader.fields(table, &["node", "file"]);
    let missing = |field| Diagnostic::at(item.span(), format!("missing field `{field}`"));
    let node: Option<SocketAddr> = match table.get("node") {
        Some(value) => reader.keep_at(place, value, value::turn_addr(value, "a string")),
        None => reader.keep(Err(missing("node"))),
    };
    if !table.contains_key("file") {
        reader.keep::<()>(Err(missing("file")));
    }
    let file = read(reader, table, "file", Place::NodeSecretFile, turn_secret);
    Some(NodeSecret { node: node?, file: file? })
}
