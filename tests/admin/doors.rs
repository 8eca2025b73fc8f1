//! Who is let in.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;

use turn_balance::{AdminAddr, AdminListener, Error, Server, ServerState};
use turn_balance_lab::built;
use turn_balance_lab::http::{Answer, ask, get, get_unix};
use turn_balance_lab::loopback::{Net, config};

use crate::world::{World, admin, secret};

/// All that is answered but the page, and one path that is not.
const PATHS: [(&str, &str); 10] = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/topology"),
    ("GET", "/api/v1/events"),
    ("GET", "/api/v1/servers?below=127.0.0.1:1"),
    ("POST", "/api/v1/drain"),
    ("GET", "/probe?target=127.0.0.1:1"),
    ("GET", "/nowhere"),
];

fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(!answer.detail().is_empty() && answer.json()["refused"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_there_is_nothing() {
    let (mut admin, token) = (admin(), "0123456789abcdef");
    let file = secret(token);
    admin.token_file = Some(file.clone());
    let world = World::new(admin).await;
    let right = format!("Authorization: Bearer {token}");
    for (method, path) in PATHS {
        let none = ask(world.addr(), method, path, &[]);
        refused(&none, 401);
        assert_eq!(none.header("www-authenticate"), Some("Bearer"));
    }
    assert_ne!(world.root.status().state, ServerState::Draining);
    for wrong in ["Bearer 0123456789abcdeg", "Bearer", "Basic 0123456789abcdef"] {
        refused(&ask(world.addr(), "GET", "/metrics", &[&format!("Authorization: {wrong}")]), 401);
    }
    assert_eq!(ask(world.addr(), "GET", "/metrics", &[&right]).status, 200);
    // Who goes on trying is told only that; who has the token is let in all the while.
    let tries = (0..40).map(|_| get(world.addr(), "/metrics").status);
    assert!(tries.into_iter().any(|status| status == 403));
    assert_eq!(ask(world.addr(), "GET", "/metrics", &[&right]).status, 200);
    // A page that has it is none that may ask either.
    let page = [right.as_str(), "Origin: http://127.0.0.1:9301"];
    refused(&ask(world.addr(), "GET", "/metrics", &page), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_asks_here_and_no_name_leads_here() {
    let world = World::new(admin()).await;
    for (method, path) in PATHS {
        for host in ["Host: rebound.example", "Host: 127.0.0.1.example:9301", "Host:"] {
            refused(&ask(world.addr(), method, path, &[host]), 403);
        }
        for page in ["Origin: https://app.example", "Origin: null", "Sec-Fetch-Site: cross-site"] {
            refused(&ask(world.addr(), method, path, &[page]), 403);
        }
    }
    assert_ne!(world.root.status().state, ServerState::Draining);
    for host in ["Host: localhost", "Host: [::1]:1", "Host: 192.0.2.7"] {
        assert_eq!(ask(world.addr(), "GET", "/healthz", &[host]).status, 200, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_is_allowed_asks() {
    let mut elsewhere = admin();
    elsewhere.allow = vec!["10.0.0.0/8".parse().unwrap()];
    let world = World::new(elsewhere).await;
    for (method, path) in PATHS {
        refused(&ask(world.addr(), method, path, &[]), 403);
    }
    let mut here = admin();
    here.allow = vec!["127.0.0.1".parse().unwrap()];
    let world = World::new(here).await;
    assert_eq!(get(world.addr(), "/healthz").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_open_to_others_is_not_started() {
    let net = Net::new();
    let server = Server::start(config(net.server(1), "root", None, &[], None)).await.unwrap();
    let mut open = admin();
    open.bind = Some("0.0.0.0:0".parse().unwrap());
    for (allow, token) in [(false, false), (true, false), (false, true)] {
        open.allow = if allow { vec!["10.0.0.0/8".parse().unwrap()] } else { Vec::new() };
        open.token_file = token.then(|| secret("0123456789abcdef"));
        let error = AdminListener::start(open.clone(), &server).await.unwrap_err();
        assert!(matches!(error, Error::Config(_)), "{error}");
    }
    open.allow = vec!["10.0.0.0/8".parse().unwrap()];
    open.token_file = Some(secret("short"));
    assert!(matches!(AdminListener::start(open, &server).await, Err(Error::Key(_))));
    assert!(AdminListener::start(Default::default(), &server).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_in_the_file_system() {
    let net = Net::new();
    let server = Server::start(config(net.server(1), "root", None, &[], None)).await.unwrap();
    let path = built!().file("sock");
    let mut unix = admin();
    unix.bind = Some(AdminAddr::Unix(path.clone()));
    // What a server that was killed has left there goes.
    drop(UnixListener::bind(&path).unwrap());
    let first = AdminListener::start(unix.clone(), &server).await.unwrap().unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert_eq!(get_unix(&path, "/api/v1/status").json()["name"], "root");
    // One at which somebody listens stays.
    let taken = AdminListener::start(unix.clone(), &server).await.unwrap_err();
    assert!(matches!(taken, Error::ListenUnix { .. }), "{taken}");
    assert_eq!(get_unix(&path, "/healthz").status, 200);
    first.stop().await;
    assert!(!path.exists());
    // And so does what is no socket.
    fs::write(&path, "precious").unwrap();
    let error = AdminListener::start(unix.clone(), &server).await.unwrap_err();
    assert!(matches!(error, Error::ListenUnix { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    let target = built!().file("target");
    fs::write(&target, "precious").unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert!(AdminListener::start(unix, &server).await.is_err());
    assert!(!fs::metadata(&target).unwrap().file_type().is_socket());
    fs::remove_file(&path).unwrap();
}
