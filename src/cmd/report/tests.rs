//! What documents look like.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use turn_balance::{Balance, Server, Strategy, Trace, TurnHealth, Verify, View};
use turn_balance_lab::loopback::{Net, config};

use super::*;

fn json(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap()
}

#[test]
fn an_answer() {
    let expected = concat!(
        r#"{"schema":"tb.probe/1","turn":"203.0.113.52:3478","listed":null,"#,
        r#""name":"fra-b","rtt_ms":11.97,"#,
        r#""verified":true,"drawn":null,"load":null,"labels":{},"transport":"udp","urls":null,"elapsed_ms":38.2,"strategy":"best","path":[{"level":0,"addr":"198.51.100.7:3001","listed":null,"#,
        r#""name":"root","rtt_ms":7.81,"says":null},{"level":1,"addr":"203.0.113.52:3001","listed":null,"name":"fra-b","#,
        r#""rtt_ms":12.06,"says":null}],"runners_up":[{"turn":"203.0.113.61:3478","listed":null,"name":"ams-a","#,
        r#""rtt_ms":14.2,"verified":false,"load":null,"labels":{},"urls":null,"why":"slower"}],"candidates":41,"silent":1,"unasked":0,"unlisted":0,"ruled_out":0,"datagrams":96,"connections":0,"unresolved":[],"error":null}"#,
    );
    let document = Document::whole(ProbeReport::SCHEMA, examples::probe());
    assert_eq!(json(&document), expected);
}

#[test]
fn no_answer_is_null_and_never_0() {
    let problem = Problem::usage("nobody");
    let expected = concat!(
        r#"{"schema":"tb.probe/1","turn":null,"listed":null,"name":null,"rtt_ms":null,"verified":null,"drawn":null,"load":null,"labels":{},"transport":null,"urls":null,"#,
        r#""elapsed_ms":null,"strategy":"first","path":[],"runners_up":[],"candidates":0,"#,
        r#""silent":0,"unasked":0,"unlisted":0,"ruled_out":0,"datagrams":0,"connections":0,"unresolved":[],"#,
        r#""error":{"kind":"usage","message":"nobody"}}"#,
    );
    let probe = ProbeReport::new(None, Some(&problem), Strategy::First);
    assert_eq!(json(&Document::whole(ProbeReport::SCHEMA, probe)), expected);
}

#[test]
fn a_whole_trace() {
    let mut trace = examples::trace();
    trace.candidates = trace.candidates.drain(3..5).collect();
    let expected = concat!(
        r#"{"schema":"tb.trace/1","turn":"203.0.113.52:3478","listed":null,"#,
        r#""name":"fra-b","rtt_ms":11.97,"#,
        r#""elapsed_ms":43.68,"strategy":"best","transport":"udp","view":"subordinates","levels":3,"#,
        r#""datagrams":30,"connections":0,"unresolved":[],"error":null,"candidates":[{"level":1,"addr":"203.0.113.30:3001","listed":null,"#,
        r#""name":"nyc","via":"198.51.100.7:3001","turn":null,"rtt_ms":88.07,"#,
        r#""total_ms":null,"load":null,"labels":{},"sent":3,"state":"lost","says":null,"fault":null,"answered_from":null,"unasked":null,"unlisted":0},{"level":1,"addr":"203.0.113.40:3001","listed":null,"#,
        r#""name":"sgp","via":"198.51.100.7:3001","turn":null,"rtt_ms":null,"#,
        r#""total_ms":null,"load":null,"labels":{},"sent":3,"state":"silent","says":null,"fault":null,"answered_from":null,"unasked":null,"unlisted":0}]}"#,
    );
    let document = Document::whole(TraceReport::SCHEMA, trace);
    assert_eq!(json(&document), expected);
}

#[test]
fn a_level_a_line() {
    let trace = examples::trace();
    let counts: Vec<(u8, usize)> =
        trace.levels().map(|level| (level.level, level.candidates.len())).collect();
    assert_eq!(counts, [(0, 1), (1, 4), (2, 3), (3, 1)]);
    let last = trace.levels().last();
    let expected = concat!(
        r#"{"schema":"tb.trace/1","kind":"level","level":3,"candidates":[{"level":3,"#,
        r#""addr":"203.0.113.52:3478","listed":null,"name":null,"via":"203.0.113.52:3001","turn":null,"#,
        r#""rtt_ms":11.97,"total_ms":43.68,"load":null,"labels":{},"sent":3,"state":"selected","says":null,"fault":null,"answered_from":null,"unasked":null,"unlisted":0}]}"#,
    );
    let document = Document::part(TraceReport::SCHEMA, "level", last.unwrap());
    assert_eq!(json(&document), expected);
}

#[test]
fn a_summary() {
    let expected = concat!(
        r#"{"schema":"tb.ping/1","kind":"summary","server":"fra.example","#,
        r#""addr":"203.0.113.10:3001","transmitted":4,"received":3,"duplicates":0,"#,
        r#""errors":0,"loss_percent":25.0,"#,
        r#""time_ms":3021.0,"min_ms":11.79,"avg_ms":12.04,"max_ms":12.41,"mdev_ms":0.267,"#,
        r#""p50_ms":11.92,"p90_ms":12.41,"p99_ms":12.41,"error":null}"#,
    );
    let document = Document::part(PingReport::SCHEMA, "summary", examples::ping());
    assert_eq!(json(&document), expected);
}

#[test]
fn a_lost_answer_is_null() {
    let lost = PingReply {
        seq: 2,
        bytes: None,
        rtt_ms: None,
        late: false,
        duplicate: false,
        unreachable: Some("port"),
        answered_from: None,
        timestamp: 1_795_778_101.5,
    };
    let document = Document::part(PingReport::SCHEMA, "reply", lost);
    let expected = concat!(
        r#"{"schema":"tb.ping/1","kind":"reply","seq":2,"bytes":null,"rtt_ms":null,"#,
        r#""late":false,"duplicate":false,"unreachable":"port","answered_from":null,"timestamp":1795778101.5}"#,
    );
    assert_eq!(json(&document), expected);
}

/// The trace of a root and what it lists: a leaf that answers and one that does not, or nobody.
async fn trace(net: &Net, nodes: &[SocketAddr]) -> Trace {
    let mut leaf = config(net.server(2), "leaf", None, &[], Some(net.turn(2)));
    leaf.turn.server.health = TurnHealth::None;
    let _leaf = Server::start(leaf).await.unwrap();
    let root = config(net.server(1), "root", None, nodes, None);
    let _root = Server::start(root).await.unwrap();
    let builder =
        Balance::builder().root(net.server(1)).view(View::Subordinates).verify(Verify::Off);
    let balance = builder.linger(Duration::ZERO).build().await.unwrap();
    let wanted = async {
        loop {
            let trace = balance.trace().await.unwrap();
            if trace.outcome.is_ok() != nodes.is_empty() {
                return trace;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wanted).await.unwrap()
}

#[tokio::test]
async fn the_library_writes_a_selection_and_a_trace_as_the_command_does() {
    let net = Net::new();
    let trace = trace(&net, &[net.server(2), net.server(3)]).await;
    let probe = ProbeReport::new(Some(&trace), None, trace.strategy);
    assert_eq!(json(trace.outcome.as_ref().unwrap()), json(&probe));
    let report = TraceReport::new(Some(&trace), None, trace.strategy, trace.view);
    assert_eq!(json(&trace), json(&report));
}

#[tokio::test]
async fn the_library_writes_a_failure_as_the_command_does_but_for_the_roots() {
    let trace = trace(&Net::new(), &[]).await;
    let problem = Problem::not_found(trace.outcome.as_ref().unwrap_err(), "root.example");
    let report = TraceReport::new(Some(&trace), Some(&problem), trace.strategy, trace.view);
    let roots = "no TURN server reached from `root.example`: ";
    assert_eq!(json(&trace), json(&report).replacen(roots, "", 1));
    assert_ne!(json(&trace), json(&report));
}
