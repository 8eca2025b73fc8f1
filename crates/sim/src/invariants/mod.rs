//! What must hold whatever comes: bodies that take any bytes. The fuzz targets and
//! tests/random.rs share them.

mod auth;
mod client;
mod config;
mod http;
mod input;
mod request;
mod response;
mod scope;
mod server;
mod servers;
mod stun;
mod turn;

/// Takes any bytes, and panics where something does not hold.
pub type Body = fn(&[u8]);

/// All of them, by name.
pub const ALL: [(&str, Body); 15] = [
    ("api_keys", http::api_keys),
    ("auth", auth::run),
    ("client", client::run),
    ("config", config::run),
    ("forwarded", http::forwarded),
    ("http_query", http::http_query),
    ("ice_body", http::ice_body),
    ("scope", scope::run),
    ("request", request::run),
    ("response", response::run),
    ("server", server::run),
    ("servers", servers::run),
    ("stun", stun::run),
    ("token", http::token),
    ("turn", turn::run),
];
