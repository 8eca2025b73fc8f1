//! Sockets that receive and send in batches.

#[cfg(target_os = "linux")]
mod mmsg;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

#[cfg(target_os = "linux")]
pub(crate) use mmsg::Batch;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::Batch;

/// Datagrams received at once: enough that the system calls cost little beside the datagrams.
pub(crate) const BATCH: usize = 32;

/// Room for one request. Longer ones are dropped.
pub(crate) const REQUEST_ROOM: usize = 2048;

/// How often a worker that waits looks whether it is to stop.
const STOP_CHECK: Duration = Duration::from_millis(250);

/// Room for datagrams that come while a worker is busy: some 8,000 of them.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A datagram of a batch.
pub(crate) struct Received<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) from: SocketAddr,
    /// The address it was sent to, where the system tells.
    pub(crate) to: Option<IpAddr>,
    pub(crate) truncated: bool,
}

/// Opens a socket that a worker answers on. `dual` lets an IPv6 socket have IPv4 datagrams too.
pub(crate) fn listen(addr: SocketAddr, dual: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    // The system may give less, as its limit says; a smaller buffer is no reason not to serve.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.set_read_timeout(Some(STOP_CHECK))?;
    socket.bind(&addr.into())?;
    let socket = UdpSocket::from(socket);
    Batch::prepare(&socket)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An echo of one datagram over a batch, asked of `ask`; what came back, and from where.
    macro_rules! echo {
        ($batch:ty, $bind:expr, $ask:expr) => {{
            let bind: SocketAddr = $bind.parse().unwrap();
            let socket = listen(bind, true).unwrap();
            <$batch>::prepare(&socket).unwrap();
            let to = SocketAddr::new($ask.parse().unwrap(), socket.local_addr().unwrap().port());
            let from = if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
            let client = UdpSocket::bind(from).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            client.send_to(b"hello", to).unwrap();
            let mut batch = <$batch>::new();
            assert_eq!(batch.receive(&socket).unwrap(), 1);
            let (received, answer) = batch.datagram(0).unwrap();
            assert_eq!(received.bytes, b"hello");
            assert_eq!(received.from, client.local_addr().unwrap());
            assert!(!received.truncated);
            answer.extend_from_slice(received.bytes);
            batch.queue(0);
            assert_eq!(batch.send(&socket), 1);
            let mut buffer = [0; 16];
            let (len, source) = client.recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..len], b"hello");
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
        let socket = listen("127.0.0.1:0".parse().unwrap(), true).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        for byte in 0..3u8 {
            client.send_to(&[byte], socket.local_addr().unwrap()).unwrap();
        }
        let mut batch = Batch::new();
        let mut sent = 0;
        let mut seen = 0;
        while seen < 3 {
            for index in 0..batch.receive(&socket).unwrap() {
                let (received, answer) = batch.datagram(index).unwrap();
                let byte = received.bytes[0];
                // Longer than any UDP datagram: the system refuses it.
                answer.resize(if byte == 0 { 70_000 } else { 1 }, byte);
                batch.queue(index);
                seen += 1;
            }
            sent += batch.send(&socket);
        }
        assert_eq!(sent, 2);
        let mut buffer = [0; 16];
        for byte in [1, 2] {
            assert_eq!(client.recv_from(&mut buffer).unwrap().0, 1);
            assert_eq!(buffer[0], byte);
        }
    }

    #[test]
    fn a_datagram_longer_than_the_room_is_known_as_such() {
        let socket = listen("127.0.0.1:0".parse().unwrap(), true).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(&[0; REQUEST_ROOM + 1], socket.local_addr().unwrap()).unwrap();
        let mut batch = Batch::new();
        assert_eq!(batch.receive(&socket).unwrap(), 1);
        assert!(batch.datagram(0).unwrap().0.truncated);
    }
}
