//! What a root by HTTPS may be, and what is said where it is none.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};

use serde_json::Value;
use turn_balance_lab::certificates::Authority;
use turn_balance_lab::loopback::Net;
use turn_balance_lab::web;

use crate::{BUILT, LATER, list};

/// A root whose certificate is good, on host 9 of a network, and who signs.
fn root(
    net: &Net,
    answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> (String, Authority) {
    let authority = Authority::new(BUILT);
    let certificate = authority.sign(&format!("IP:{}", net.ip(9)), LATER);
    let listener = TcpListener::bind((net.ip(9), 0)).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    web::serve(listener, &certificate, answer);
    (url, authority)
}

fn tb(authority: &Authority, args: &[&str]) -> Output {
    let mut tb = Command::new(BUILT.tb);
    tb.args(args).arg("--ca-file").arg(authority.roots());
    tb.env("NO_COLOR", "1").env_remove("TB_SERVER").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)))
}

/// A listener whose connections nobody takes up, beside nobody: it is there, and no TURN server.
fn mute(addr: SocketAddr) -> TcpListener {
    TcpListener::bind(addr).unwrap()
}

#[test]
fn a_turn_server_is_found_without_one_datagram() {
    let net = Net::new();
    let [first, second] = [1, 2].map(|n| net.turn(n));
    web::plain_bindings(TcpListener::bind(first).unwrap());
    let _mute = mute(second);
    let tls = SocketAddr::new(first.ip(), 443);
    let urls = [
        format!("turn:{first}?transport=udp"),
        format!("turn:{first}?transport=tcp"),
        format!("turns:{tls}?transport=tcp"),
    ];
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let other = format!("turn:{second}?transport=tcp");
    let text = list(&[
        ("fra-a", &first.to_string(), &urls),
        ("fra-b", &second.to_string(), &[other.as_str()]),
        ("nyc", &net.turn(3).to_string(), &["turn:203.0.113.9:3478?transport=udp"]),
    ]);
    let (url, authority) = root(&net, move |target| match target {
        "/balance/v1/servers" => web::response("200 OK", "application/json", &text),
        _ => web::response("404 Not Found", "text/plain", ""),
    });
    let certificate = authority.sign(&format!("IP:{}", tls.ip()), LATER);
    web::bindings(TcpListener::bind(tls).unwrap(), &certificate);
    let url = format!("{url}/balance/");

    let output = tb(&authority, &["probe", "--json", &url]);
    let probe = json(&output);
    assert_eq!((&probe["turn"], &probe["name"]), (&first.to_string().into(), &"fra-a".into()));
    assert_eq!((&probe["transport"], &probe["verified"]), (&"https".into(), &true.into()));
    assert_eq!((&probe["datagrams"], &probe["unasked"]), (&0.into(), &1.into()));
    assert!(probe["connections"].as_u64() >= Some(3) && probe["rtt_ms"].as_f64() > Some(0.0));
    assert_eq!(probe["path"][0]["name"], "root");
    assert_eq!(probe["urls"].as_array().unwrap().len(), 3);

    let ice = json(&tb(&authority, &["probe", "--format", "ice", "--count", "0", &url]));
    let ordered = [urls[2], urls[1], urls[0]];
    assert_eq!(ice, serde_json::json!({"iceServers": [{"urls": ordered}]}), "TLS at 443 first");

    let output = tb(&authority, &["trace", &url]);
    let table = String::from_utf8(output.stdout.clone()).unwrap();
    let mut states: Vec<_> =
        table.lines().skip(1).map(|line| line.rsplit(' ').next().unwrap()).collect();
    states.sort_unstable();
    assert_eq!(states, ["lost", "path", "path", "selected", "unasked"], "{table}");
    assert!(said(&output).contains("5 candidates"), "{}", said(&output));
    assert!(said(&output).contains(", without UDP\n"), "{}", said(&output));

    let output = tb(&authority, &["probe", "-v", "--transport", "https", "192.0.2.1", &url]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("it has no URL by TCP"), "{}", said(&output));
}

#[test]
fn what_is_wrong_with_a_root_is_told() {
    let net = Net::new();
    let long = format!("{{\"schema\":\"{}\"}}", "a".repeat(600 * 1024));
    let (url, authority) = root(&net, move |target| {
        let problem = r#"{"title":"Nothing to offer","status":503}"#;
        match target.strip_suffix("/v1/servers").unwrap_or_default() {
            "/problem" => web::response("503 X", "application/problem+json", problem),
            "/page" => web::response("200 OK", "text/html", "<html>"),
            "/long" => web::response("200 OK", "application/json", &long),
            "/nobody" => web::response("200 OK", "application/json", &list(&[])),
            "/noise" => b"SSH-2.0-x\r\n\r\n".to_vec(),
            "/slow" => {
                std::thread::sleep(std::time::Duration::from_secs(30));
                Vec::new()
            }
            _ => web::response("404 Not Found", "text/plain", ""),
        }
    });
    let closed = net.ip(8);
    for (root, expected) in [
        (format!("{url}/problem"), "answers with status 503: Nothing to offer"),
        (format!("{url}/page"), "answers with no list of servers: expected value"),
        (format!("{url}/long"), "answers with more than any list has"),
        (format!("{url}/nobody"), "lists nobody"),
        (format!("{url}/noise"), "does not speak HTTP: "),
        (format!("{url}/slow"), "has not answered in time"),
        (format!("{url}/x"), "answers with status 404"),
        (format!("https://{closed}:1"), "does not listen at its port"),
        ("https://nobody.invalid".to_owned(), "cannot be looked up: "),
    ] {
        let output = tb(&authority, &["probe", "--timeout", "2", &root]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{root}");
        let said = said(&output);
        let cause = format!("  Caused by: by HTTPS: `{root}` {expected}");
        assert!(said.contains(&cause), "{cause}\n{said}");
        assert!(
            said.starts_with(&format!("error: no TURN server reached from `{root}`\n")),
            "{said}"
        );
    }
    let stranger = Authority::new(BUILT);
    let output = tb(&stranger, &["probe", "--json", &url]);
    let document = json(&output);
    assert_eq!((&document["turn"], &document["transport"]), (&Value::Null, &"https".into()));
    assert_eq!(document["error"]["kind"], "https");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(
        message.ends_with("shows a certificate that nobody who is trusted has signed"),
        "{message}"
    );
}

#[test]
fn certificates_are_judged_as_those_of_turn_servers_are() {
    let (net, authority) = (Net::new(), Authority::new(BUILT));
    let sign = |name: String, end| authority.sign(&name, end);
    let look = "hint: `openssl s_client -connect ";
    for (n, certificate, expected, hint) in [
        (
            1,
            sign(format!("IP:{}", net.ip(1)), "20250101000000Z"),
            "shows a certificate that has expired",
            look,
        ),
        (
            2,
            sign("DNS:other.example".to_owned(), LATER),
            "shows the certificate of another host",
            look,
        ),
        (
            3,
            authority.own(),
            "shows a certificate that is for no server, such as an authority's own (CA:TRUE)",
            "hint: sign one for the server",
        ),
    ] {
        let listener = TcpListener::bind((net.ip(n), 0)).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        web::serve(listener, &certificate, |_| Vec::new());
        let said = said(&tb(&authority, &["probe", &url]));
        assert!(said.contains(expected), "{said}");
        assert!(said.contains(hint), "{said}");
    }
}

#[test]
fn what_could_not_be_asked_is_usage() {
    let authority = Authority::new(BUILT);
    for (args, expected) in [
        (["probe", "--transport", "https", "192.0.2.1"], "error: no root to ask by HTTPS"),
        (["trace", "--transport", "udp", "https://a.example"], "error: no root to ask by UDP"),
        (["probe", "--timeout", "1", "http://a.example"], "is not secure, expected `https://`"),
    ] {
        let output = tb(&authority, &args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
}

#[test]
fn a_file_of_certificates_that_is_of_no_use_is_told_though_udp_passes() {
    let net = Net::new();
    let file = std::env::temp_dir().join(format!("no-certificates-{}", std::process::id()));
    std::fs::write(&file, "nothing\n").unwrap();
    for (file, why) in
        [("/nonexistent/ca.pem", "No such file"), (file.to_str().unwrap(), "no certificate in it")]
    {
        let mut tb = Command::new(BUILT.tb);
        let output = tb.args(["probe", &net.server(1).to_string(), "--ca-file", file]);
        let output = output.env("NO_COLOR", "1").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(why) && said(&output).contains(file), "{}", said(&output));
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn why_neither_transport_found_any_is_told_of_both() {
    let (net, authority) = (Net::new(), Authority::new(BUILT));
    let web = format!("https://{}:1", net.ip(1));
    let closed = format!("{}:1", net.ip(2));
    let by_https = format!("by HTTPS: `{web}` does not listen at its port");
    let nobody = "cannot look up `nobody.invalid`: ";
    for (root, by_udp) in [
        (closed.as_str(), format!("level 0: nothing listens at `{closed}`")),
        ("nobody.invalid", nobody.to_owned()),
    ] {
        let cause = format!("{by_https}; by UDP: {by_udp}");
        for command in ["probe", "trace"] {
            let output = tb(&authority, &[command, root, &web]);
            let said = said(&output);
            assert!(said.contains(&format!("  Caused by: {cause}")), "{command} {root}: {said}");
            assert_eq!(
                said.matches("cannot look up").count(),
                usize::from(root == "nobody.invalid")
            );
            let document = json(&tb(&authority, &[command, "--json", root, &web]));
            let message = document["error"]["message"].as_str().unwrap();
            assert!(message.contains(&cause), "{command} {root}: {message}");
            let unresolved = document["unresolved"].as_array().unwrap();
            let hosts: Vec<_> = unresolved.iter().map(|root| root["host"].as_str()).collect();
            let expected = if root.contains(':') { vec![] } else { vec![Some(root)] };
            assert_eq!(hosts, expected, "{document}");
        }
    }
}

#[test]
fn a_root_without_an_address_is_told_where_https_finds_a_server() {
    let net = Net::new();
    let turn = net.turn(1);
    web::plain_bindings(TcpListener::bind(turn).unwrap());
    let text = list(&[("fra", &turn.to_string(), &[&format!("turn:{turn}?transport=tcp")])]);
    let (url, authority) = root(&net, move |_| web::response("200 OK", "application/json", &text));
    let output = tb(&authority, &["probe", "nobody.invalid", &url]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), turn.to_string());
    assert!(said(&output).contains("cannot look up `nobody.invalid`: "), "{}", said(&output));
    let found = json(&tb(&authority, &["probe", "--json", "nobody.invalid", &url]));
    assert_eq!(found["unresolved"][0]["host"], "nobody.invalid", "{found}");
}
