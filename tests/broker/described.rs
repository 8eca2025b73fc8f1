//! The description, and what is answered.

use turn_balance_lab::http::{ask, get};

use crate::world::{World, http};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_described_is_answered_and_nothing_else() {
    let mut http = http();
    http.demo = true;
    let world = World::new(http).await;
    let described = get(world.addr(), "/openapi.json").json();
    assert_eq!(described["openapi"], "3.1.0");
    let paths = described["paths"].as_object().unwrap();
    let routes = include_str!("../../src/net/http/broker/routes.rs");
    let routed: Vec<_> =
        routes.split("route(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut routed: Vec<_> = routed.into_iter().filter(|path| path.starts_with('/')).collect();
    routed.sort_unstable();
    let mut named: Vec<_> = paths.keys().map(String::as_str).collect();
    named.sort_unstable();
    assert_eq!(named, routed);
    for (path, operations) in paths {
        for method in METHODS {
            let has = operations.get(method.to_lowercase()).is_some();
            let status = ask(world.addr(), method, path, &[]).status;
            assert_eq!(status != 405, has, "{method} {path}: {status}");
            assert_ne!(status, 404, "{method} {path}");
            if let Some(operation) = operations.get(method.to_lowercase()) {
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.contains_key(&status.to_string()), "{method} {path}: {status}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_there_only_where_it_is_wanted() {
    let world = World::new(http()).await;
    assert_eq!(get(world.addr(), "/demo").status, 404);
    let mut http = http();
    http.demo = true;
    let world = World::new(http).await;
    let page = get(world.addr(), "/demo");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert!(page.body.contains("turn-balance.js"));
    let module = get(world.addr(), "/demo/turn-balance.js");
    assert_eq!(module.header("content-type"), Some("text/javascript; charset=utf-8"));
}
