use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::batch::{AnswerCount, BATCH, REQUEST_ROOM};
use super::listen::{listen, receive_buffer};
use super::reply::reply_sockets;
use super::udp::open;
use super::{Batch, portable, send_all};
use crate::net::engine::Transmit;

/// An echo of one datagram over a batch, asked of `ask`; what came back, and from where.
macro_rules! echo {
    ($batch:ty, $bind:expr, $ask:expr) => {{
        let bind: SocketAddr = $bind.parse().unwrap();
        let socket = listen(bind, true, 1).unwrap().sockets.remove(0);
        <$batch>::prepare(&socket).unwrap();
        let reply_socket = reply_sockets(std::slice::from_ref(&socket)).unwrap().remove(0);
        let to = SocketAddr::new($ask.parse().unwrap(), socket.local_addr().unwrap().port());
        let from = if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let client = UdpSocket::bind(from).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        client.send_to(b"hello", to).unwrap();
        let mut batch = <$batch>::new();
        assert_eq!(batch.receive(&socket).unwrap(), 1);
        let sent = batch.answer(&reply_socket, 1, |received, head| {
            assert_eq!(received.bytes, b"hello");
            assert_eq!(*received.from, client.local_addr().unwrap());
            assert!(!received.truncated);
            head.extend_from_slice(&received.bytes[..2]);
            Some(b"llo")
        });
        assert_eq!(sent, AnswerCount { written: 1, sent: 1 });
        let mut buffer = [0; 16];
        let (len, source) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"hello");
        assert_eq!((batch.take_calls(), batch.take_lost(&socket)), (2, 0));
        (source, to)
    }};
}

#[test]
fn the_answer_leaves_from_the_address_that_was_asked() {
    let cases = [
        ("0.0.0.0:0", "127.0.0.1"),
        ("0.0.0.0:0", "127.8.9.10"),
        ("127.8.9.10:0", "127.8.9.10"),
        ("[::]:0", "::1"),
        ("[::]:0", "127.8.9.10"),
        ("[::1]:0", "::1"),
    ];
    for (bind, ask) in cases {
        let (source, asked) = echo!(Batch, bind, ask);
        assert_eq!(source, asked, "bound to {bind}");
    }
}

#[test]
fn the_portable_batch_answers_too() {
    for (bind, ask) in [("127.0.0.1:0", "127.0.0.1"), ("[::]:0", "127.0.0.1")] {
        let (source, asked) = echo!(portable::Batch, bind, ask);
        assert_eq!(source, asked, "bound to {bind}");
    }
}

#[test]
fn one_refused_answer_does_not_hold_up_the_others() {
    let socket = listen("127.0.0.1:0".parse().unwrap(), true, 1).unwrap().sockets.remove(0);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    for byte in 0..3u8 {
        client.send_to(&[byte], socket.local_addr().unwrap()).unwrap();
    }
    let mut batch = Batch::new();
    let mut sent = 0;
    let mut seen = 0;
    while seen < 3 {
        let count = batch.receive(&socket).unwrap();
        let answers = batch.answer(&socket, count, |received, head| {
            let byte = received.bytes[0];
            // Longer than any UDP datagram: the system refuses it.
            head.resize(if byte == 0 { 70_000 } else { 1 }, byte);
            Some(&[])
        });
        seen += answers.written;
        sent += answers.sent;
    }
    assert_eq!(sent, 2);
    let mut buffer = [0; 16];
    for byte in [1, 2] {
        assert_eq!(client.recv_from(&mut buffer).unwrap().0, 1);
        assert_eq!(buffer[0], byte);
    }
}

/// Three datagrams that are sent together, of which the system refuses the second: what is said of each,
/// and what comes.
async fn sent_together(
    send_all: fn(&tokio::net::UdpSocket, &[&Transmit]) -> Vec<io::Result<()>>,
) -> (Vec<bool>, Vec<u8>) {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let socket = open("127.0.0.1:0".parse().unwrap()).unwrap();
    let to = client.local_addr().unwrap();
    // Longer than any UDP datagram.
    let payload = |byte| vec![byte; if byte == 2 { 70_000 } else { 1 }];
    let transmits = [1, 2, 3].map(|byte| Transmit { to, payload: payload(byte) });
    let sent = send_all(&socket, &transmits.each_ref());
    let mut buffer = [0; 16];
    let mut come = || {
        let len = client.recv(&mut buffer).unwrap();
        buffer[..len].to_vec()
    };
    let come = [come(), come()].concat();
    (sent.iter().map(Result::is_ok).collect(), come)
}

#[tokio::test]
async fn of_datagrams_that_are_sent_together_one_that_is_refused_does_not_hold_up_the_others() {
    for sent in [sent_together(send_all).await, sent_together(portable::send_all).await] {
        assert_eq!(sent, (vec![true, false, true], vec![1, 3]));
    }
}

#[test]
fn a_tail_follows_its_head_however_long_it_is() {
    let socket = listen("127.0.0.1:0".parse().unwrap(), true, 1).unwrap().sockets.remove(0);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let bytes: Vec<_> = (0..1232).map(|n| n as u8).collect();
    let mut batch = Batch::new();
    for len in [2, 3, 500, 514, 515, 1232] {
        client.send_to(b"hello", socket.local_addr().unwrap()).unwrap();
        let count = batch.receive(&socket).unwrap();
        batch.answer(&socket, count, |_, head| {
            head.extend_from_slice(&bytes[..2]);
            Some(&bytes[2..len])
        });
        let mut buffer = [0; 2048];
        let came = client.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..came], bytes[..len]);
    }
}

#[test]
fn workers_share_an_address_and_nobody_else_has_it() {
    let sockets = listen("127.0.0.1:0".parse().unwrap(), true, 4).unwrap().sockets;
    let _replies = reply_sockets(&sockets).unwrap();
    let addr = sockets[0].local_addr().unwrap();
    let clients: Vec<_> = (0..64).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    for client in &clients {
        client.send_to(b"hello", addr).unwrap();
    }
    let mut shares = Vec::new();
    for socket in &sockets {
        socket.set_nonblocking(true).unwrap();
        let mut batch = Batch::new();
        let mut share = 0;
        while let Ok(count) = batch.receive(socket) {
            share += count;
        }
        shares.push(share);
    }
    assert_eq!(shares.iter().sum::<usize>(), 64, "{shares:?}");
    assert!(shares.iter().filter(|&&share| share > 0).count() > 1, "{shares:?}");
    for workers in [1, 2] {
        let error = listen(addr, true, workers).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
    let rival = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    rival.set_reuse_address(true).unwrap();
    assert_eq!(rival.bind(&addr.into()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
}

#[cfg(target_os = "linux")]
#[test]
fn a_reply_socket_is_a_socket_of_its_own_and_has_room_for_nothing() {
    let sockets = listen("127.0.0.1:0".parse().unwrap(), true, 1).unwrap().sockets;
    let replies = reply_sockets(&sockets).unwrap();
    assert!(receive_buffer(&replies[0]).unwrap() < 4096);
    assert!(receive_buffer(&sockets[0]).unwrap() > 4096);
}

#[test]
fn the_room_of_a_socket_is_told_as_it_was_asked_for() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    SockRef::from(&socket).set_recv_buffer_size(64 << 10).unwrap();
    assert_eq!(receive_buffer(&socket).unwrap(), 64 << 10);
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_socket_has_no_room_for_is_counted() {
    let socket = listen("127.0.0.1:0".parse().unwrap(), true, 1).unwrap().sockets.remove(0);
    SockRef::from(&socket).set_recv_buffer_size(1).unwrap(); // the least there is
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut batch = Batch::new();
    let mut sent = 0;
    let (mut received, mut lost) = (0, 0);
    for burst in [100, 1, 100, 1] {
        for _ in 0..burst {
            client.send_to(b"hello", socket.local_addr().unwrap()).unwrap();
        }
        sent += burst;
        socket.set_nonblocking(true).unwrap();
        while let Ok(count) = batch.receive(&socket) {
            received += count;
            batch.answer(&socket, count, |_, _| None);
            lost += batch.take_lost(&socket) as usize;
        }
    }
    assert!(lost > 0);
    assert_eq!(received + lost, sent);
    // The count beside the address keeps no answer from leaving.
    client.send_to(b"hello", socket.local_addr().unwrap()).unwrap();
    assert_eq!(batch.receive(&socket).unwrap(), 1);
    assert_eq!(
        batch.answer(&socket, 1, |_, _| Some(b"hello")),
        AnswerCount { written: 1, sent: 1 }
    );
    assert_eq!(client.recv_from(&mut [0; 16]).unwrap().1, socket.local_addr().unwrap());
}

#[test]
fn an_answer_takes_a_sixteenth_of_a_system_call_when_they_come_in_bursts() {
    let socket = listen("127.0.0.1:0".parse().unwrap(), true, 1).unwrap().sockets.remove(0);
    let clients: Vec<_> = (0..64).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    for client in clients.iter().cycle().take(256) {
        client.send_to(b"hello", socket.local_addr().unwrap()).unwrap();
    }
    let mut batch = Batch::new();
    let mut sent = 0;
    while sent < 256 {
        let count = batch.receive(&socket).unwrap();
        sent += batch.answer(&socket, count, |_, _| Some(b"hello")).sent;
    }
    let least = 2 * 256_usize.div_ceil(BATCH);
    assert_eq!(batch.take_calls() as usize, least);
}

#[test]
fn a_datagram_longer_than_the_room_is_known_as_such() {
    let socket = listen("127.0.0.1:0".parse().unwrap(), true, 1).unwrap().sockets.remove(0);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(&[0; REQUEST_ROOM + 1], socket.local_addr().unwrap()).unwrap();
    let mut batch = Batch::new();
    assert_eq!(batch.receive(&socket).unwrap(), 1);
    batch.answer(&socket, 1, |received, _| {
        assert!(received.truncated);
        None
    });
}
