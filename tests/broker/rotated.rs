//! Keys and secrets that are changed while the broker runs.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use turn_balance::TurnSecret;
use turn_balance_lab::Built;
use turn_balance_lab::http::Answer;
use turn_balance_lab::loopback::{Net, answer_bindings};
use turn_balance_lab::patience::until;
use turn_balance_lab::served::Served;

use crate::ice::{API_KEY, file, ice, minting, now, token};
use crate::world::World;

const NEW_KEY: &str = "3210fedcba9876543210";

/// How long files are looked at, where nothing is to change: more than twice as long as it takes until one
/// is read again.
const WHILE: Duration = Duration::from_millis(2100);

fn first(addr: SocketAddr, bearer: &str) -> Answer {
    ice(addr, bearer, &[], &json!({"count": 1}))
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_read_again_when_they_change() {
    let mut http = minting();
    let tokens = file("rotated.token", "one secret between them\n");
    let turns = file("rotated.turn", "north-wind");
    let one = file("rotated.node", "east-wind");
    (http.token_secret, http.turn_secret) = (Some(tokens.clone()), Some(turns.clone()));
    let world = World::new_with(|net| {
        http.turn_secrets = vec![turn_balance::NodeSecret::new(net.server(4), one.clone())];
        http
    });
    let world = world.await;
    world.until_listed(3);
    let addr = world.addr();
    let by = |secret: &str| token(secret, now() + 60, "alice");
    assert_eq!(first(addr, &by("one secret between them")).status, 200);
    fs::write(&tokens, "another secret between them\n").unwrap();
    until("a token of the new secret", || {
        first(addr, &by("another secret between them")).status == 200
    });
    assert_eq!(first(addr, &by("one secret between them")).status, 401, "the old one is gone");

    let minted = |n, secret: &str| {
        let order = json!({"order": [world.net.turn(n).to_string()]});
        let server = ice(addr, API_KEY, &[], &order).json()["iceServers"][0].clone();
        let username = server["username"].as_str().unwrap_or_default().to_owned();
        let (expiry, name) = username.split_once(':').unwrap();
        server["credential"] == TurnSecret::new(secret).mint(expiry.parse().unwrap(), name).password
    };
    assert!(minted(2, "north-wind") && minted(4, "east-wind"));
    fs::write(&turns, "south-wind").unwrap();
    until("credentials of the new secret", || minted(2, "south-wind"));
    assert!(minted(4, "east-wind"), "it has its own");
    fs::write(&one, "west-wind").unwrap();
    until("credentials of its new secret", || minted(4, "west-wind"));
    fs::remove_file(&turns).unwrap();
    let start = Instant::now();
    while start.elapsed() < WHILE {
        assert!(minted(2, "south-wind"), "the last good one counts");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_is_wrong_with_new_keys_is_told_once_and_the_old_ones_count() {
    let net = Net::new();
    answer_bindings(net.turn(1));
    let http = SocketAddr::new(net.ip(1), 8443);
    let keys = file("rotated.keys", &format!("shop {API_KEY}\n"));
    let secret = file("rotated.shared", "north-wind");
    let rest = format!(
        "turn = {{ bind = '{}', health = 'none' }}\n\
         http = {{ bind = '{http}', api-keys = {keys:?}, turn-secret = {secret:?} }}\n",
        net.turn(1)
    );
    let built = Built { tb: env!("CARGO_BIN_EXE_tb"), folder: env!("CARGO_TARGET_TMPDIR") };
    let served = Served::start(built, net.server(1), "info", &rest);
    until("the broker listens", || TcpStream::connect(http).is_ok());
    until("it mints", || first(http, API_KEY).status == 200);
    replace(&keys, &format!("# the new one\nshop {NEW_KEY}\n"));
    until("the new key", || first(http, NEW_KEY).status == 200);
    assert_eq!(first(http, API_KEY).status, 401, "the old one is gone");

    replace(&keys, &format!("shop {API_KEY}\nno key at all\n"));
    let start = Instant::now();
    while start.elapsed() < WHILE {
        assert_ne!(first(http, NEW_KEY).status, 401, "the last good ones count");
        std::thread::sleep(Duration::from_millis(50));
    }
    replace(&keys, &format!("shop {API_KEY}\n"));
    until("a good file", || first(http, API_KEY).status == 200);

    let log = served.end();
    let told: Vec<_> = log.lines().filter(|line| line.contains("the old one counts")).collect();
    let [told] = told.as_slice() else { panic!("not once: {log}") };
    assert!(told.contains(" WARN ") && told.contains("API key file"), "{told}");
    let shown = keys.display();
    assert!(told.contains(&format!("line 2 of API key file `{shown}` is not `NAME SECRET`")));
    assert_eq!(log.matches("API key file read again").count(), 2, "{log}");
    assert!(!log.contains(API_KEY) && !log.contains(NEW_KEY), "{log}");
}

/// As editors and Kubernetes do it: the file that is there is another one.
fn replace(old: &Path, content: &str) {
    let new = file("rotated.new", content);
    fs::rename(new, old).unwrap();
}
