//! What is answered.

use serde_json::Value;
use turn_balance::ServerState;
use turn_balance_lab::http::{Answer, ask, get};
use turn_balance_lab::patience::{until, until_some};

use crate::world::{World, admin, tcp};

/// The value of a metric with these labels, as they are written.
pub(crate) fn metric(answer: &Answer, row: &str) -> f64 {
    let line = answer.body.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {row} in {}", answer.body)).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_whether_it_is_of_use() {
    let world = World::new(admin()).await;
    let alive = get(world.addr(), "/healthz");
    assert_eq!((alive.status, alive.body.as_str()), (200, "ok\n"));
    world.until_online();
    let drained = ask(world.addr(), "POST", "/api/v1/drain", &[]);
    assert_eq!((drained.status, &drained.json()["state"]), (200, &Value::from("draining")));
    assert_eq!(world.root.status().state, ServerState::Draining);
    let not_ready = get(world.addr(), "/readyz");
    assert_eq!((not_ready.status, not_ready.detail().as_str()), (503, "its state is draining"));
    assert_eq!(get(world.addr(), "/healthz").status, 200);
    let back = ask(world.addr(), "DELETE", "/api/v1/drain", &[]);
    assert_eq!((back.status, &back.json()["state"]), (200, &Value::from("offering")));
    assert_eq!(get(world.addr(), "/readyz").status, 200);

    let World { root, admin, .. } = world;
    let addr = tcp(&admin);
    root.stop().await;
    for path in
        ["/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/topology", "/api/v1/events"]
    {
        assert_eq!(get(addr, path).status, 503, "{path}");
    }
    assert_eq!(ask(addr, "POST", "/api/v1/drain", &[]).status, 503);
    admin.stop().await;
    assert!(std::net::TcpStream::connect(addr).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_says_who_is_there_and_why_not() {
    let world = World::new(admin()).await;
    world.until_online();
    let status = get(world.addr(), "/api/v1/status");
    assert_eq!(status.header("content-type"), Some("application/json"));
    let status = status.json();
    assert_eq!((&status["schema"], &status["name"]), (&"tb.status/1".into(), &"root".into()));
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    let [leaf, nobody] = &status["nodes"].as_array().unwrap()[..] else { panic!("{status}") };
    assert_eq!((&leaf["kind"], &leaf["state"]), (&"leaf".into(), &"online".into()));
    assert_eq!(leaf["turn"], world.net.turn(2).to_string());
    assert!(leaf["rtt_ms"].as_f64().unwrap() > 0.0 && leaf["fault"].is_null());
    assert_eq!((&nobody["state"], &nobody["fault"]), (&"offline".into(), &"silent".into()));
    assert_eq!((&nobody["why"], &nobody["rtt_ms"]), (&"does not answer".into(), &Value::Null));
    assert!(status["rtts"]["count"].as_u64() >= Some(1));

    let topology = get(world.addr(), "/api/v1/topology").json();
    assert_eq!(topology["schema"], "tb.topology/1");
    assert_eq!(topology["nodes"][0]["addr"], world.net.server(2).to_string());
    assert_eq!(topology["nodes"][1]["state"], "offline");

    // The other side of it, by the library.
    until("it is checked", || world.leaf.status().superiors[0].checked.is_some());
    let leaf = world.leaf.status();
    assert_eq!(leaf.superiors[0].addr, world.net.server(1));
    assert!(leaf.superiors[0].told.is_some() && leaf.turn.len() == 1);
    let addr = world.addr();
    world.leaf.stop().await;
    let gone = until_some("the leaf is gone", || {
        let node = get(addr, "/api/v1/status").json()["nodes"][0].take();
        (node["state"] == "offline").then_some(node)
    });
    let known = (&gone["name"], &gone["kind"]);
    assert_eq!(known, (&"leaf".into(), &"leaf".into()), "it is still known as what it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happens() {
    let world = World::new(admin()).await;
    world.until_online();
    let found = turn_balance::Balance::new(world.net.server(1)).await.unwrap().select().await;
    assert_eq!(found.unwrap().turn, world.net.turn(2));
    // It is counted once it has left.
    until("an answer", || metric(&get(world.addr(), "/metrics"), "tb_answers_total") >= 1.0);
    let metrics = get(world.addr(), "/metrics");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(metrics.header("content-type"), Some(kind));
    assert!(metrics.body.ends_with("# EOF\n"));
    assert!(metric(&metrics, "tb_check_rtt_seconds_bucket{le=\"+Inf\"}") >= 1.0);
    let (count, inf) = ("tb_check_rtt_seconds_count", "tb_check_rtt_seconds_bucket{le=\"+Inf\"}");
    assert_eq!(metric(&metrics, count), metric(&metrics, inf));
    for (row, value) in [
        ("tb_state{state=\"offering\"}", 1.0),
        ("tb_state{state=\"nothing\"}", 0.0),
        ("tb_nodes{kind=\"leaf\",state=\"online\"}", 1.0),
        ("tb_nodes{kind=\"balance\",state=\"offline\"}", 1.0),
        ("tb_listed_nodes{view=\"direct\"}", 1.0),
        ("tb_kernel_drops_total", 0.0),
        ("tb_dropped_total{reason=\"limited\"}", 0.0),
    ] {
        assert_eq!(metric(&metrics, row), value, "{row}");
    }
    let leaf = format!("tb_node_state{{node=\"{}\",name=\"leaf\"", world.net.server(2));
    assert_eq!(metric(&metrics, &format!("{leaf},state=\"online\"}}")), 1.0);
    assert_eq!(metric(&metrics, &format!("{leaf},state=\"full\"}}")), 0.0);

    let plain = ask(world.addr(), "GET", "/metrics", &["Accept: text/plain"]);
    assert_eq!(plain.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(plain.body.contains("# TYPE tb_answers_total counter"), "{}", plain.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_go_out_from_here() {
    let world = World::new(admin()).await;
    world.until_online();
    let probe = |query: &str| get(world.addr(), &format!("/probe?{query}"));
    let found = probe(&format!("target={}", world.net.server(1)));
    assert_eq!(metric(&found, "probe_success"), 1.0);
    assert!(metric(&found, "probe_duration_seconds") > 0.0);
    assert!(found.body.contains(&format!("turn=\"{}\"", world.net.turn(2))), "{}", found.body);
    let turn = probe(&format!("target=stun:{}", world.net.turn(2)));
    assert_eq!(metric(&turn, "probe_success"), 1.0);
    assert!(metric(&turn, "tb_probe_step_seconds{step=\"binding\"}") > 0.0);
    let nobody = probe(&format!("target={}&timeout=50ms", world.net.server(3)));
    assert_eq!((nobody.status, metric(&nobody, "probe_success")), (200, 0.0));
    for (query, detail) in [
        ("", "name a target"),
        ("target=", "expected"),
        ("target=a&target=b", "not asked for here once"),
        ("target=a&timeout=x", "`x` is not a length of time"),
        ("target=a&more=1", "`more` is not asked for here once"),
        ("target=turn://a", "turn"),
    ] {
        let refused = probe(query);
        assert_eq!(refused.status, 400, "{query}");
        let said = refused.detail();
        assert!(
            said.contains(detail) || detail == "expected" && !said.is_empty(),
            "{query}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_and_methods_are_problems() {
    let world = World::new(admin()).await;
    for (method, path, status) in [
        ("GET", "/page", 404),
        ("POST", "/", 405),
        ("GET", "/api/v1/status/", 404),
        ("POST", "/api/v1/status", 405),
        ("GET", "/api/v1/drain", 405),
        ("DELETE", "/metrics", 405),
    ] {
        let answer = ask(world.addr(), method, path, &[]);
        assert_eq!(answer.status, status, "{method} {path}");
        answer.detail();
    }
    assert_ne!(world.root.status().state, ServerState::Draining);
}
