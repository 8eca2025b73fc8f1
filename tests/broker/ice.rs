//! Credentials: who gets some, for what.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use turn_balance::{Http, NodeSecret, TurnSecret};
use turn_balance_lab::http::{Answer, ask, get, post};

use crate::world::{World, http};

pub(crate) const API_KEY: &str = "0123456789abcdef0123";
pub(crate) const TOKEN_SECRET: &str = "a secret between broker and back end";

/// A file that nobody else may read, until the test ends.
pub(crate) fn file(name: &str, content: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tb-broker-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

pub(crate) fn minting() -> Http {
    let mut http = http();
    http.api_keys = Some(file("api-keys", &format!("# who may\nshop {API_KEY}\n")));
    http.token_secret = Some(file("token.secret", &format!("{TOKEN_SECRET}\n")));
    http.turn_secret = Some(file("turn.secret", "north-wind"));
    http.origins = vec!["https://app.example".into()];
    http
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// A token that is made with a secret.
pub(crate) fn token(secret: &str, expiry: u64, user: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let signed = format!("{expiry}.{user}");
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(&signed).finalize().into_bytes();
    let bit = |at: usize| mac.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let digit = |at: usize| (0..6).fold(0, |value, of| value << 1 | bit(at * 6 + of));
    let mac: String = (0..43).map(|at| char::from(DIGITS[usize::from(digit(at))])).collect();
    format!("{signed}.{mac}")
}

pub(crate) fn ice(addr: SocketAddr, bearer: &str, headers: &[&str], body: &Value) -> Answer {
    let bearer = format!("Authorization: Bearer {bearer}");
    let own = [&bearer, "Content-Type: application/json"];
    let headers: Vec<_> = own.iter().copied().chain(headers.iter().copied()).collect();
    post(addr, "/v1/ice", &headers, &body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_for_what_was_measured() {
    let world = World::new(minting()).await;
    world.until_listed(3);
    let (net, addr) = (&world.net, world.addr());
    let order = json!({"order": [net.server(4).to_string(), net.turn(5).to_string()]});
    let answer = ice(addr, API_KEY, &[], &order);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let configuration = answer.json();
    let servers = configuration["iceServers"].as_array().unwrap();
    let urls: Vec<_> = servers.iter().map(|server| server["urls"][0].clone()).collect();
    let udp = |n| json!(format!("turn:{}?transport=udp", net.turn(n)));
    assert_eq!(urls, [udp(4), udp(5)]);
    let username = servers[0]["username"].as_str().unwrap();
    let (expiry, name) = username.split_once(':').unwrap();
    let expiry: u64 = expiry.parse().unwrap();
    assert!(name == "shop" && (3500..=3600).contains(&(expiry - now())), "{username}");
    let minted = TurnSecret::new("north-wind").mint(expiry, "shop");
    assert_eq!(servers[0]["credential"], minted.password);

    let user = token(TOKEN_SECRET, now() + 60, "alice_1");
    let nearest = ice(addr, &user, &["Origin: https://app.example"], &json!({"count": 1}));
    assert_eq!(nearest.header("access-control-allow-origin"), Some("https://app.example"));
    let nearest = nearest.json();
    assert_eq!(nearest["iceServers"].as_array().unwrap().len(), 1);
    assert!(nearest["iceServers"][0]["username"].as_str().unwrap().ends_with(":alice_1"));
    let empty = post(addr, "/v1/ice", &[&format!("Authorization: Bearer {user}")], "");
    assert_eq!(empty.json()["iceServers"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_minted_for_nobody() {
    let world = World::new(minting()).await;
    world.until_listed(3);
    let (net, addr) = (&world.net, world.addr());
    let asked = json!({"order": [net.turn(2).to_string()]});
    let good = token(TOKEN_SECRET, now() + 60, "a");
    let mut forged = good.clone();
    forged.replace_range(forged.len() - 2..forged.len() - 1, "!");
    for (bearer, status, detail) in [
        ("guess", 401, "neither"),
        ("0123456789abcdef012", 401, "neither"),
        (&forged, 401, "neither"),
        (&token("another secret of another one", now() + 60, "a"), 401, "neither"),
        (&token(TOKEN_SECRET, now() + 60, "a:b"), 401, "neither"),
        (&token(TOKEN_SECRET, now() - 1, "a"), 401, "the token has expired"),
        (&token(TOKEN_SECRET, now() + 2 * 24 * 60 * 60, "a"), 401, "the token would be good"),
    ] {
        let answer = ice(addr, bearer, &[], &asked);
        assert_eq!(answer.status, status, "{bearer}: {answer:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert!(answer.detail().starts_with(detail), "{answer:?}");
        assert!(!answer.body.contains("credential"), "{answer:?}");
    }
    for origin in ["https://evil.example", "null", "https://app.example.evil.example"] {
        let answer = ice(addr, &good, &[&format!("Origin: {origin}")], &asked);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None));
        assert!(answer.detail().contains("origin"), "{answer:?}");
    }
    let answer = post(addr, "/v1/ice", &["Authorization: Basic YTpi"], "");
    assert_eq!(answer.status, 401);
    let preflight = ["Origin: https://app.example", "Access-Control-Request-Method: POST"];
    let answer = ask(addr, "OPTIONS", "/v1/ice", &preflight);
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-headers"), Some("authorization, content-type"));
    let answer = ask(addr, "OPTIONS", "/v1/ice", &["Origin: https://evil.example"]);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(ask(addr, "GET", "/v1/ice", &[]).status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_judged() {
    let world = World::new(minting()).await;
    world.until_listed(3);
    let (net, addr) = (&world.net, world.addr());
    let known = net.turn(2).to_string();
    for (body, status, detail) in [
        (json!({"order": ["192.0.2.1:3478", known]}), 422, "`192.0.2.1:3478` is not listed"),
        (json!({"order": ["turn.example:3478"]}), 422, "`turn.example:3478` is not an address"),
        (json!({"order": []}), 422, "`order` does not name"),
        (json!({"order": known}), 422, "invalid type"),
        (json!({"order": [known], "count": 0}), 422, "`count` is not"),
        (json!({"order": [known], "count": 9}), 422, "`count` is not"),
        (json!({"odrer": [known]}), 422, "unknown field `odrer`"),
        (json!([[known]]), 422, "the body is a list"),
        (json!("order"), 422, "invalid type"),
    ] {
        let answer = ice(addr, API_KEY, &[], &body);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(answer.detail().starts_with(detail), "{body}: {answer:?}");
    }
    let bearer = format!("Authorization: Bearer {API_KEY}");
    let json_type = "Content-Type: application/json; charset=utf-8";
    assert_eq!(post(addr, "/v1/ice", &[&bearer, json_type], "{").status, 400);
    assert_eq!(post(addr, "/v1/ice", &[&bearer], "{}").status, 415);
    let long = format!("{{\"order\":[\"{}\"]}}", "1".repeat(20_000));
    let answer = post(addr, "/v1/ice", &[&bearer, json_type], &long);
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(answer.detail(), "the body has more than 16 KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_turn_server_has_its_own_secret_if_it_has_one() {
    let net_secret = file("other.secret", "south-wind");
    let world = World::new_with(|net| {
        let mut http = minting();
        http.turn_secrets = vec![NodeSecret::new(net.server(4), net_secret)];
        http
    });
    let world = world.await;
    world.until_listed(3);
    let (net, addr) = (&world.net, world.addr());
    let order = json!({"order": [net.turn(2).to_string(), net.turn(4).to_string()]});
    let servers = ice(addr, API_KEY, &[], &order).json()["iceServers"].clone();
    for (server, secret) in [(&servers[0], "north-wind"), (&servers[1], "south-wind")] {
        let username = server["username"].as_str().unwrap();
        let expiry = username.split_once(':').unwrap().0.parse().unwrap();
        let minted = TurnSecret::new(secret).mint(expiry, "shop");
        assert_eq!(server["credential"], minted.password, "{servers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shape_that_others_read() {
    let world = World::new(minting()).await;
    world.until_listed(3);
    let addr = world.addr();
    let path = format!("/turn?service=turn&username=me&key={API_KEY}");
    let answer = get(addr, &path);
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!(told["ttl"], 3600);
    assert!(told["username"].as_str().unwrap().ends_with(":me"));
    assert!(told["uris"].as_array().unwrap().len() >= 2, "{told}");
    let form = format!("service=turn&api={API_KEY}&key={API_KEY}");
    let posted = post(addr, "/turn", &[], &form);
    assert!(posted.json()["username"].as_str().unwrap().ends_with(":shop"));
    for (path, status) in [
        ("/turn?service=turn&key=0123456789abcdef0124", 401),
        ("/turn?service=turn", 401),
        ("/turn?key=0123456789abcdef0123", 400),
        ("/turn?service=stun&key=0123456789abcdef0123", 400),
        ("/turn?service=turn&username=a%3Ab&key=0123456789abcdef0123", 400),
    ] {
        let answer = get(addr, path);
        assert_eq!(answer.status, status, "{path}");
        assert!(!answer.detail().is_empty() && !answer.body.contains("password"));
    }
    let bearer = format!("Authorization: Bearer {}", token(TOKEN_SECRET, now() + 60, "me"));
    for (query, status) in [("", 200), ("&username=me", 200), ("&username=you", 403)] {
        let answer = ask(addr, "GET", &format!("/turn?service=turn{query}"), &[&bearer]);
        assert_eq!(answer.status, status, "{query}");
        assert_eq!(answer.body.contains(":me\""), status == 200, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_waits() {
    let world = World::new(minting()).await;
    let user = token(TOKEN_SECRET, now() + 60, "hasty");
    let answers: Vec<_> =
        (0..40).map(|_| ice(world.addr(), &user, &[], &json!({"count": 1})).status).collect();
    assert!(answers.contains(&429) && answers[..20].iter().all(|status| *status != 429));
    let answer = ice(world.addr(), &user, &[], &json!({}));
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert_ne!(ice(world.addr(), API_KEY, &[], &json!({})).status, 429, "others are not meant");
    let guesses: Vec<_> =
        (0..40).map(|_| ice(world.addr(), "guess", &[], &json!({})).status).collect();
    assert!(guesses.contains(&429), "{guesses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_as_the_page_says() {
    let world = World::new(minting()).await;
    world.until_listed(3);
    let page = include_str!("../../docs/http.md");
    for (language, program, flag) in
        [("python", "python3", "-c"), ("javascript", "node", "-e"), ("sh", "sh", "-c")]
    {
        let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
        let (code, _) = rest.split_once("```").unwrap();
        let mut command = Command::new(program);
        let output = command.args([flag, code]).env("SECRET", TOKEN_SECRET).output();
        let Ok(output) = output else {
            turn_balance_lab::loopback::skipped(&format!("no {program} here"));
            continue;
        };
        let made = String::from_utf8(output.stdout).unwrap();
        let answer = ice(world.addr(), made.trim(), &[], &json!({"count": 1}));
        assert_eq!(answer.status, 200, "{language}: {made} {answer:?}");
        let username = answer.json()["iceServers"][0]["username"].as_str().unwrap().to_owned();
        assert!(username.ends_with(":alice"), "{language}: {username}");
    }
}
