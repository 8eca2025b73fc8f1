//! What holds it up, and what that costs the server.

use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::time::Duration;

use turn_balance::internals::wire::{Probe, Request, RequestBody};

use crate::http::{connect, exchange, get};
use crate::world::{World, admin, until};

/// Asks the server over UDP. Returns whether it answers.
fn answers(world: &World) -> bool {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    client.connect(world.net.server(1)).unwrap();
    let body = RequestBody::Probe(Probe { nonce: 1, ..Probe::default() });
    client.send(&Request { id: 1, body }.encode(0)).unwrap();
    client.recv(&mut [0; 2048]).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_oversized_is_refused() {
    let world = World::new(admin()).await;
    let long = "x".repeat(64 << 10);
    for request in [
        format!("GET /{long} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
        format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {long}\r\n\r\n"),
        format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", "X: y\r\n".repeat(1000)),
    ] {
        let answer = exchange(connect(world.addr()), request.as_bytes());
        assert!(answer.is_none_or(|answer| answer.status >= 400));
    }
    assert_eq!(get(world.addr(), "/healthz").status, 200);
    assert!(answers(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_more_keeps_no_datagram_waiting_and_is_let_go() {
    let world = World::new(admin()).await;
    let mut slow = Vec::new();
    for _ in 0..2000 {
        let Ok(mut stream) = std::net::TcpStream::connect(world.addr()) else { break };
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: ");
        slow.push(stream);
    }
    assert!((0..20).all(|_| answers(&world)));
    let mut first = slow.swap_remove(0);
    first.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut rest = Vec::new();
    let _ = first.read_to_end(&mut rest);
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    drop(slow);
    until(|| {
        let Ok(stream) = std::net::TcpStream::connect(world.addr()) else { return false };
        let request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        exchange(stream, request).is_some_and(|answer| answer.status == 200)
    });
}
