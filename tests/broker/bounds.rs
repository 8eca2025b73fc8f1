//! Connections that are slow, large, many or encrypted; and datagrams meanwhile.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use turn_balance_lab::built;
use turn_balance_lab::certificates::Authority;
use turn_balance_lab::http::{connect, exchange, get};
use turn_balance_lab::loopback::Net;
use turn_balance_lab::patience::until;
use turn_balance_lab::served::Served;

use crate::world::{World, http};

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_slow_connections_keep_out_neither_datagrams_nor_for_long_others() {
    use turn_balance_lab::crowd::{FROM_MANY, FROM_ONE, Siege};
    let net = Net::new();
    let (server, broker) = (net.server(1), SocketAddr::new(net.ip(1), 8443));
    let turn = format!("turn = {{ bind = '{}', health = 'none' }}\n", net.turn(1));
    let section = format!("{turn}http.bind = '{broker}'\n");
    let served = Served::start(built!(), server, "warn", &section);
    until("the broker listens", || TcpStream::connect(broker).is_ok());
    let siege = Siege { served: &served, server, listener: broker };
    let begun = b"GET /v1/servers HTTP/1.1\r\nHo";
    siege.hold(FROM_ONE, begun, || {
        assert_eq!(get(broker, "/v1/servers").status, 200, "from another address");
    });
    siege.hold(FROM_MANY, begun, || ());
    until("another is let in", || get(broker, "/v1/servers").status == 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_bounded() {
    let world = World::new(http()).await;
    let head = |lines: &str| {
        let request =
            format!("GET /v1/servers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n");
        exchange(connect(world.addr()), request.as_bytes()).map(|answer| answer.status)
    };
    assert_eq!(head(""), Some(200));
    assert_eq!(head(&format!("X: {}\r\n", "a".repeat(8_000))), Some(200));
    assert_eq!(head(&format!("X: {}\r\n", "a".repeat(40_000))), Some(431));
    assert_eq!(head(&"X: a\r\n".repeat(100)), Some(431));
    assert_eq!(exchange(connect(world.addr()), b"nonsense\r\n\r\n").unwrap().status, 400);
    let chunked = "POST /v1/ice HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = exchange(connect(world.addr()), format!("{chunked}zz\r\n").as_bytes());
    assert!(answer.is_none_or(|answer| answer.status >= 400));
    assert_eq!(get(world.addr(), "/v1/servers").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_hides_in_another() {
    let world = World::new(http()).await;
    let ask = |lengths: &str| {
        let hidden = "0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
        let request = format!("POST /v1/ice HTTP/1.1\r\nHost: a\r\n{lengths}\r\n{hidden}");
        exchange(connect(world.addr()), request.as_bytes()).unwrap()
    };
    // What a proxy may read in one way, and who is behind it in another, is the last of its connection.
    for lengths in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 2\r\nContent-Length: 4\r\n",
        "Content-Length: +4\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
    ] {
        let answer = ask(lengths);
        assert!(answer.status >= 400 && !answer.body.contains("HTTP/1.1"), "{lengths}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_read_again_when_it_changes() {
    let built = built!();
    let authority = Authority::new(built);
    let [one, two] = ["broker.example", "other.example"]
        .map(|name| authority.sign(&format!("DNS:{name}"), "20991231000000Z"));
    let [cert, key] = ["broker-cert.pem", "broker-key.pem"].map(|name| built.file(name));
    let set = |from: &turn_balance_lab::certificates::Certificate| {
        fs::copy(&from.certificate, &cert).unwrap();
        fs::copy(&from.key, &key).unwrap();
    };
    set(&one);
    let mut http = http();
    (http.cert, http.key) = (Some(cert.clone()), Some(key.clone()));
    let world = World::new(http).await;
    let named = |name: &str| {
        let mut command = std::process::Command::new("openssl");
        command.args(["s_client", "-verify_return_error", "-verify_hostname", name, "-brief"]);
        command.arg("-connect").arg(world.addr().to_string());
        command.arg("-CAfile").arg(authority.roots()).stdin(std::process::Stdio::null());
        command.output().unwrap().status.success()
    };
    assert!(named("broker.example") && !named("other.example"));
    set(&two);
    until("the new one is shown", || named("other.example"));
    fs::write(&cert, "nonsense").unwrap();
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_millis(1500) {
        assert!(named("other.example"), "the last good one counts");
    }
}
