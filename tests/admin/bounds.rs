//! What holds it up, and what that costs the server.

use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use turn_balance::internals::wire::{Probe, Request, RequestBody};
use turn_balance_lab::built;
use turn_balance_lab::http::{connect, exchange, get};
use turn_balance_lab::loopback::Net;
use turn_balance_lab::patience::until;
use turn_balance_lab::served::Served;

use crate::world::{World, admin};

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

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_slow_connections_keep_out_neither_datagrams_nor_for_long_others() {
    use turn_balance_lab::crowd::{FROM_MANY, FROM_ONE, Siege};
    let net = Net::new();
    let (server, admin) = (net.server(1), SocketAddr::new(net.ip(1), 9301));
    let served = Served::start(built!(), server, "warn", &format!("admin.bind = '{admin}'\n"));
    until("the admin interface listens", || TcpStream::connect(admin).is_ok());
    let siege = Siege { served: &served, server, listener: admin };
    let begun = b"GET /metrics HTTP/1.1\r\nHo";
    siege.hold(FROM_ONE, begun, || {
        assert_eq!(get(admin, "/healthz").status, 200, "from another address");
    });
    siege.hold(FROM_MANY, begun, || ());
    until("another is let in", || get(admin, "/healthz").status == 200);
}
