//! Connections that are slow, large, many or encrypted; and datagrams meanwhile.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use turn_balance::Pinger;
use turn_balance_lab::Built;
use turn_balance_lab::certificates::Authority;

use crate::http::{connect, exchange, get};
use crate::world::{World, http};

/// As many as the files that this process may open let be, where that is less.
const SLOW: usize = 10_000;

fn slow_ones(addr: SocketAddr) -> Vec<TcpStream> {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let files: usize = files.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX);
    // The broker is in this process too, with a thousand at most.
    let many = SLOW.min(files.saturating_sub(1_500).max(files / 4));
    if many < SLOW {
        turn_balance_lab::loopback::skipped(&format!(
            "{many} slow connections, not {SLOW}: ulimit -n"
        ));
    }
    let connect = |_| TcpStream::connect_timeout(&addr, Duration::from_secs(5)).ok();
    let mut all: Vec<_> = (0..many).filter_map(connect).collect();
    all.iter_mut().for_each(|stream| drop(stream.write_all(b"GET /v1/servers HTTP/1.1\r\nHo")));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_connections_keep_out_neither_datagrams_nor_others() {
    let mut http = http();
    http.bind = vec!["0.0.0.0:0".parse().unwrap()];
    http.plain = true;
    let world = World::new(http).await;
    world.until_listed(3);
    let port = world.addr().port();
    let all = tokio::task::spawn_blocking(move || slow_ones(([127, 0, 0, 1], port).into()));
    let all = all.await.unwrap();
    let pinger = Pinger::builder(world.net.server(1)).count(20).interval(Duration::from_millis(20));
    let mut pinger = pinger.build().await.unwrap();
    let mut answered = 0;
    while let Some(echo) = pinger.next().await.unwrap() {
        answered += usize::from(echo.rtt.is_some());
    }
    assert_eq!(answered, 20, "datagrams are lost");
    // From another address.
    let from = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    from.bind(&SocketAddr::from(([127, 9, 9, 9], 0)).into()).unwrap();
    from.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
    let stream = TcpStream::from(from);
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let request = b"GET /v1/servers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(stream, request).unwrap().status, 200);
    // Those that say no more are ended.
    for mut stream in all {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let ended = stream.read(&mut [0; 512]);
        assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    }
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
async fn a_certificate_is_read_again_when_it_changes() {
    let built = Built { tb: env!("CARGO_BIN_EXE_tb"), folder: env!("CARGO_TARGET_TMPDIR") };
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
    let start = std::time::Instant::now();
    while !named("other.example") {
        assert!(start.elapsed() < Duration::from_secs(30), "the old one is shown");
    }
    fs::write(&cert, "nonsense").unwrap();
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_millis(1500) {
        assert!(named("other.example"), "the last good one counts");
    }
}
