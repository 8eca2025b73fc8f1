//! What a broker answers: a list (`tb.servers/1`), or a problem (RFC 9457).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::get::WebAnswer;
use crate::net::engine::client::list::{ListedServer, ServerKind, ServerList};
use crate::types::{HttpsFault, Labels, Load, ServerUrl};

/// As much of a problem is told as a line has room for.
const MAX_TITLE: usize = 200;

/// How many servers of one list are read, and how many URLs of each: whoever has more to say is no balance
/// server.
const MAX_SERVERS: usize = 1024;
const MAX_URLS: usize = 32;

/// The longest time that a server can be away.
const MAX_MS: f64 = 3_600_000.0;

#[derive(Deserialize)]
struct ServersDocument {
    #[serde(default)]
    schema: String,
    #[serde(default)]
    name: Option<String>,
    servers: Vec<ServerDocument>,
}

#[derive(Deserialize)]
struct ServerDocument {
    addr: SocketAddr,
    kind: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    turn: Option<SocketAddr>,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    rtt_ms: Option<f64>,
    #[serde(default)]
    load: Option<f64>,
    #[serde(default)]
    weight: Option<u32>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct ProblemDocument {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

/// The list in an answer of who is reached there.
pub(super) fn list(
    answer: &WebAnswer,
    from: SocketAddr,
    rtt: Duration,
) -> Result<ServerList, HttpsFault> {
    if answer.status != 200 {
        return Err(status(answer));
    }
    let read = serde_json::from_slice::<ServersDocument>(&answer.body);
    let document = read.map_err(|error| HttpsFault::NoList(error.to_string()))?;
    if document.schema != "tb.servers/1" {
        return Err(HttpsFault::NoList("its `schema` is not `tb.servers/1`".into()));
    }
    let total = document.servers.len();
    // What is not known is from the future.
    let servers = document.servers.into_iter().take(MAX_SERVERS).filter_map(listed);
    Ok(ServerList {
        addr: from,
        name: document.name.and_then(|name| name.parse().ok()),
        rtt,
        servers: servers.collect(),
        total,
    })
}

/// That it is none, by its status.
pub(super) fn status(answer: &WebAnswer) -> HttpsFault {
    HttpsFault::Status { code: answer.status, title: title(answer) }
}

fn listed(server: ServerDocument) -> Option<ListedServer> {
    let ServerDocument { addr, kind, name, turn, urls, rtt_ms, load, weight, labels } = server;
    let kinds = [ServerKind::Balance, ServerKind::Leaf, ServerKind::Turn];
    let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
    let is_somewhere = addr.port() != 0 && turn.is_none_or(|turn| turn.port() != 0);
    if !is_somewhere {
        return None;
    }
    let ms = rtt_ms.filter(|ms| ms.is_finite() && (0.0..=MAX_MS).contains(ms));
    let urls = urls.iter().take(MAX_URLS).filter_map(|url| url.parse::<ServerUrl>().ok());
    let turn = if kind == ServerKind::Turn { turn.or(Some(addr)) } else { turn };
    let mut listed = ListedServer::turn(addr);
    listed.kind = kind;
    listed.turn = turn;
    listed.name = name.and_then(|name| name.parse().ok());
    listed.urls = urls.collect();
    listed.rtt = ms.map(|ms| Duration::from_secs_f64(ms / 1e3));
    listed.load = load.and_then(|share| Load::new(share, 1));
    listed.weight = weight.unwrap_or(1).max(1);
    listed.labels = labels_of(labels).unwrap_or_default();
    Some(listed)
}

/// None, if any of them is no label.
fn labels_of(labels: BTreeMap<String, String>) -> Option<Labels> {
    let labels = labels.into_iter().map(|(key, value)| format!("{key}={value}").parse());
    Labels::new(labels.collect::<Result<Vec<_>, _>>().ok()?).ok()
}

/// What a problem says.
fn title(answer: &WebAnswer) -> Option<String> {
    let problem: ProblemDocument =
        serde_json::from_slice(&answer.body).ok().filter(|_| answer.is_problem)?;
    let said = [problem.title, problem.detail].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let said: String = said.chars().take(MAX_TITLE).collect();
    (!said.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, is_problem: bool, body: &str) -> Result<ServerList, HttpsFault> {
        let answer = WebAnswer { status, is_problem, body: body.as_bytes().to_vec() };
        list(&answer, ([203, 0, 113, 7], 443).into(), Duration::from_millis(8))
    }

    #[test]
    fn what_a_broker_lists() {
        let text = r#"{"schema":"tb.servers/1","name":"root","ice":{"pwd":"x"},"servers":[
            {"addr":"203.0.113.10:3001","kind":"balance","name":"fra","turn":null,"urls":[],"rtt_ms":8.1,"load":null,"labels":{}},
            {"addr":"203.0.113.52:3001","kind":"leaf","name":"fra-b","turn":"203.0.113.52:3478",
             "urls":["turns:fra.turn.example:443?transport=tcp","wss://new","https://fra.turn.example/"],"rtt_ms":null,"load":0.25,"weight":400},
            {"addr":"203.0.113.9:3478","kind":"turn","name":"not a name","rtt_ms":-1},
            {"addr":"203.0.113.9:1","kind":"of the future"}]}"#;
        let list = read(200, false, text).unwrap();
        assert_eq!(list.name.unwrap().as_str(), "root");
        let [region, leaf, turn] = list.servers.as_slice() else { panic!("{:?}", list.servers) };
        assert_eq!(
            (region.kind, region.rtt),
            (ServerKind::Balance, Some(Duration::from_micros(8100)))
        );
        assert_eq!(leaf.turn, Some(([203, 0, 113, 52], 3478).into()));
        let urls: Vec<_> = leaf.urls.iter().map(ToString::to_string).collect();
        assert_eq!(urls, ["turns:fra.turn.example:443?transport=tcp", "https://fra.turn.example/"]);
        assert_eq!((leaf.load, leaf.weight), (Load::new(1.0, 4), 400));
        assert_eq!((turn.load, turn.weight), (None, 1));
        assert_eq!((turn.turn, turn.rtt, &turn.name), (Some(turn.addr), None, &None));
    }

    #[test]
    fn what_is_no_list() {
        let fault =
            |status, is_problem, body| read(status, is_problem, body).unwrap_err().to_string();
        let page = fault(200, false, "<html>");
        assert!(page.starts_with("answers with no list of servers: expected value"), "{page}");
        let other = fault(200, false, r#"{"schema":"tb.servers/9","servers":[]}"#);
        assert!(other.ends_with("its `schema` is not `tb.servers/1`"), "{other}");
        assert_eq!(fault(404, false, r#"{"title":"x"}"#), "answers with status 404");
        let problem =
            r#"{"type":"about:blank","title":"Nothing to offer","detail":"no node is online"}"#;
        let said = "answers with status 503: Nothing to offer: no node is online";
        assert_eq!(fault(503, true, problem), said);
        assert!(fault(500, true, &format!("{{\"title\":\"{}\"}}", "a".repeat(9999))).len() < 300);
    }
}
