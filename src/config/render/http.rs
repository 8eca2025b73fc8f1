//! `[http]` as it is written down.

use super::toml_text::{list, one_or_many, optional, path, string};
use crate::config::file::written;
use crate::config::model::{Http, NodeSecret};

/// The section, without the end of its last line.
pub(super) fn section(http: &Http) -> String {
    let binds: Vec<_> = http.bind.iter().map(string).collect();
    let secrets: Vec<_> = http.turn_secrets.iter().map(node_secret).collect();
    let proxies: Vec<_> = http.trusted_proxies.iter().map(string).collect();
    [
        "[http]".to_owned(),
        optional(
            "bind",
            (!binds.is_empty()).then(|| one_or_many(binds)),
            "where web pages and back ends ask, nowhere if left out",
        ),
        optional("cert", http.cert.as_deref().map(path), "its certificate, plain HTTP if left out"),
        optional("key", http.key.as_deref().map(path), "the certificate's private key"),
        format!("plain = {}", http.plain),
        optional("api-keys", http.api_keys.as_deref().map(path), "who may have credentials"),
        optional(
            "token-secret",
            http.token_secret.as_deref().map(path),
            "the secret that tokens are made with",
        ),
        optional(
            "turn-secret",
            http.turn_secret.as_deref().map(path),
            "the secret that the TURN servers make passwords from",
        ),
        format!("turn-secrets = {}", list(&secrets)),
        format!("ttl = {}", string(written(http.ttl))),
        format!("origins = {}", list(&http.origins.iter().map(string).collect::<Vec<_>>())),
        format!("trusted-proxies = {}", list(&proxies)),
        format!("demo = {}", http.demo),
    ]
    .join("\n")
}

fn node_secret(secret: &NodeSecret) -> String {
    format!("{{ node = {}, file = {} }}", string(secret.node), path(&secret.file))
}
