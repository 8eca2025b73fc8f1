//! `tb status` and `tb healthcheck`, as an operator and a container run them.

use std::process::{Command, Output};

use turn_balance_lab::built;
use turn_balance_lab::loopback::Net;
use turn_balance_lab::patience::until;
use turn_balance_lab::served::Served;

use crate::world::{World, admin, secret};

fn tb(words: &[&str]) -> Output {
    let mut command = Command::new(built!().tb);
    command.env_clear().args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_a_table() {
    let mut with_token = admin();
    let token = secret("0123456789abcdef");
    with_token.token_file = Some(token.clone());
    let world = World::new(with_token).await;
    let at = format!("http://{}", world.addr());
    let token = token.to_str().unwrap();
    let status = || tb(&["status", &at, "--token-file", token]);
    until("the leaf is online", || text(&status().stdout).contains("online"));
    let output = status();
    let said = text(&output.stdout);
    let mut lines = said.lines();
    let head = lines.next().unwrap();
    assert!(head.starts_with(&format!("root  {}  up ", env!("CARGO_PKG_VERSION"))), "{head}");
    assert!(head.contains("  offering 1 of 2 nodes"), "{head}");
    let columns: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(columns, ["NODE", "NAME", "STATE", "SINCE", "RTT(ms)", "LOAD", "LISTS", "WHY"]);
    let leaf: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!((leaf[0], leaf[1]), (&*world.net.server(2).to_string(), "leaf"));
    assert_eq!((leaf[2], leaf[6], leaf[7]), ("online", "1", "-"));
    let nobody = lines.next().unwrap();
    assert!(nobody.contains("  offline  ") && nobody.ends_with("does not answer"), "{nobody}");
    assert_eq!((output.status.code(), lines.next()), (Some(0), None));

    let json = tb(&["status", "--json", &at, "--token-file", token]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&document["schema"], &document["name"]), (&"tb.status/1".into(), &"root".into()));

    let refused = tb(&["status", &at]);
    let said = text(&refused.stderr);
    assert!(said.contains("it refuses with 401") && said.contains("--token-file"), "{said}");
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
    let refused = tb(&["status", &at, "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!((refused.status.code(), &document["error"]["kind"]), (Some(1), &"refused".into()));

    let World { admin, .. } = world;
    admin.stop().await;
    let nobody = tb(&["status", &at]);
    assert!(text(&nobody.stderr).contains("nobody answers"), "{}", text(&nobody.stderr));
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(tb(&["status", "https://a"]).status.code(), Some(2));
}

#[test]
fn a_server_that_was_started_by_its_file_is_asked_at_its_socket() {
    let net = Net::new();
    let socket = built!().file("sock");
    let section = format!("[admin]\nbind = 'unix:{}'\n", socket.display());
    let mut served = Served::start(built!(), net.server(1), "info", &section);
    served.until_it_logs("admin interface listening");
    let at = format!("unix:{}", socket.display());
    let output = tb(&["status", &at]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("-  "), "it has no name");
    let named = Command::new(built!().tb).arg("status").env("TB_ADMIN", &at).output().unwrap();
    assert_eq!(named.status.code(), Some(0));
    let server = net.server(1).to_string();
    let well = tb(&["healthcheck", &server]);
    assert!(text(&well.stdout).starts_with(&format!("{server} answers in ")));
    assert_eq!(well.status.code(), Some(0));
    served.end();
    assert!(!socket.exists());
    let ill = tb(&["healthcheck", &server, "--timeout", "50ms"]);
    assert_eq!((ill.status.code(), ill.stdout.len()), (Some(1), 0));
    let said = text(&ill.stderr);
    assert!(said.contains(&format!("nothing listens at `{server}`")), "{said}");
    assert!(said.contains("an address of `net.bind`"), "{said}");
    assert_eq!(tb(&["healthcheck", "turn:127.0.0.1"]).status.code(), Some(2));
}
