use proptest::prelude::*;

use super::arbitrary::config;
use crate::config::model::Config;

#[test]
fn defaults() {
    let expected = r#"[net]
bind = "127.0.0.1:3001"
# name: what traces show
# labels: what clients choose by
workers = 1
# drain: how long it says that it ends before it does, 5s with a superior if left out

[cluster]
superiors = []
nodes = []
# check-bind: the port that checks are sent from, any if left out
# advertise: where superiors are to find it that do not list it, where it sends from if left out
keys = []
require-auth = false
join = false
max-nodes = 10000
join-prefixes = []
# state: the file that nodes which have joined are written to, none if left out

[turn]
# bind: the address of the TURN server beside this server, none if left out
# check: where it is checked, at `bind` if left out
health = "binding"
# user: who a check is
# password-file: the user's password
# secret-file: the secret that the TURN server makes passwords from
# ca-file: certificates to trust, the system's if left out
urls = []
# capacity: how many it can serve
# weight: how much it can serve beside others, `capacity` if left out
# load: where stands how many it serves

[http]
# bind: where web pages and back ends ask, nowhere if left out
# cert: its certificate, plain HTTP if left out
# key: the certificate's private key
plain = false
# api-keys: who may have credentials
# token-secret: the secret that tokens are made with
# turn-secret: the secret that the TURN servers make passwords from
turn-secrets = []
ttl = "3600s"
origins = []
trusted-proxies = []
demo = false

[admin]
# bind: where operators and monitoring ask, nowhere if left out
allow = []
# token-file: what they have to show

[limits]
exempt = [
    "127.0.0.0/8",
    "::1/128",
]
bare-answers = "sample"
bare-bytes = 1000000
ipv4-32 = 20
ipv4-24 = 640
ipv6-64 = 20
ipv6-56 = 60
ipv6-48 = 200

[log]
level = "info"
format = "text"
"#;
    assert_eq!(Config::default().to_toml(), expected);
}

#[test]
fn every_key() {
    let text = r#"[net]
bind = [
    "127.0.0.1:3001",
    "[::1]:3001",
]
name = "fra-b"
labels = { "a.b" = "1", region = "eu" }
workers = 4
drain = "1.5s"

[cluster]
superiors = "root.example:3001"
nodes = [
    "203.0.113.12:3001",
    { addr = "198.51.100.107:3001", public = "203.0.113.7:3001", name = "fra-c" },
    { turn = "nyc.example:3478", health = "none" },
    { turn = "203.0.113.9:3478", public = "203.0.113.10:3478", name = "nyc", labels = { tier = "gold" }, health = "relay", user = "probe", password-file = "nyc.password", ca-file = "ca.pem", urls = ["turns:nyc.turn.example:443?transport=tcp", "turn:nyc.turn.example"] },
]
check-bind = 3002
advertise = "203.0.113.70:3001"
keys = [
    { id = 2, file = "/etc/turn-balance/new.key" },
    { id = 1, file = "old.key" },
]
require-auth = true
join = true
max-nodes = 500
join-prefixes = [
    "203.0.113.0/24",
    "2001:db8::/32",
]
state = "/var/lib/turn-balance/joined"

[turn]
bind = [
    "203.0.113.52:3478",
    "[2001:db8::52]:3478",
]
check = "127.0.0.1:3478"
health = "allocate"
user = "probe"
# password-file: the user's password
secret-file = "/etc/turn-balance/turn.secret"
ca-file = "/etc/ssl/turn.pem"
urls = [
    "turns:fra.turn.example:5349?transport=tcp",
]
capacity = 400
weight = 2
load = { url = "http://127.0.0.1:9641/metrics", metric = "turn_total_allocations" }

[http]
bind = [
    "0.0.0.0:8443",
    "[::1]:8443",
]
cert = "/etc/turn-balance/fullchain.pem"
key = "privkey.pem"
plain = false
api-keys = "api-keys"
token-secret = "token.secret"
turn-secret = "turn.secret"
turn-secrets = [
    { node = "203.0.113.9:3478", file = "nyc.secret" },
]
ttl = "600s"
origins = [
    "https://app.example",
]
trusted-proxies = [
    "127.0.0.1/32",
]
demo = true

[admin]
bind = "203.0.113.7:9301"
allow = [
    "203.0.113.0/24",
]
token-file = "admin.token"

[limits]
exempt = []
bare-answers = "full"
bare-bytes = 500000
ipv4-32 = 1
ipv4-24 = 2
ipv6-64 = 3
ipv6-56 = 4
ipv6-48 = 0

[log]
level = "warn"
format = "json"
"#;
    let config = Config::parse(text, "").unwrap();
    assert_eq!(config.to_toml(), text);
}

#[test]
fn a_load_in_a_file() {
    for load in ["{ file = \"/run/turn\" }", "{ file = \"/run/turn\", metric = \"a:b\" }"] {
        let text = format!("turn = {{ bind = '192.0.2.1:1', capacity = 1, load = {load} }}");
        let written = Config::parse(&text, "").unwrap().to_toml();
        assert!(written.contains(&format!("load = {load}\n")), "{written}");
    }
}

proptest! {
    #[test]
    fn what_is_written_loads_again(config in config()) {
        prop_assume!(config.validate().is_ok());
        let text = config.to_toml();
        let again = Config::parse(&text, "").map_err(|error| error.to_string());
        prop_assert_eq!(again, Ok(config), "{}", text);
    }
}
