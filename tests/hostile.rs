//! Datagrams that are meant to harm, against running servers.

use std::net::{IpAddr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::wire::{
    PADDED_REQUEST, Probe, Request, RequestBody, Response, ResponseBody,
};
use turn_balance::{Server, TurnHealth};
use turn_balance_lab::loopback;
use turn_balance_lab::loopback::{Net, config};

/// A bare probe; also the empty reply that an old server may send.
const BARE: &[u8] = &[0x08, 0x01, 0x12, 0x00];

/// Sends datagrams from any source, as only root can. `None`: not root.
struct Forger(Socket);

impl Forger {
    fn new() -> Option<Self> {
        let raw = Protocol::from(255); // IPPROTO_RAW: the IP header is ours
        match Socket::new(Domain::IPV4, Type::RAW, Some(raw)) {
            Ok(socket) => Some(Self(socket)),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "no raw socket: {error}");
                loopback::skipped(&format!("forging sources needs root ({error})"));
                None
            }
        }
    }

    fn send(&self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let (IpAddr::V4(source), IpAddr::V4(sink)) = (from.ip(), to.ip()) else {
            panic!("IPv4 only");
        };
        let udp_len = 8 + payload.len() as u16;
        let mut packet = vec![0x45, 0];
        packet.extend((20 + udp_len).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 17, 0, 0]); // the kernel fills in the checksum
        packet.extend(source.octets());
        packet.extend(sink.octets());
        for word in [from.port(), to.port(), udp_len, 0] {
            packet.extend(word.to_be_bytes());
        }
        packet.extend(payload);
        let to = SockAddr::from(SocketAddrV4::new(sink, 0));
        self.0.send_to(&packet, &to).unwrap();
    }
}

fn client(net: &Net, host: u8) -> UdpSocket {
    let socket = UdpSocket::bind((net.ip(host), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(2000))).unwrap();
    socket
}

/// Asks with a nonce until the answer to that comes. Returns whether one did.
fn answers(socket: &UdpSocket, server: SocketAddr, nonce: u64) -> bool {
    let body = RequestBody::Probe(Probe { nonce, ..Probe::default() });
    let request = Request { id: 7, body }.encode(PADDED_REQUEST);
    let mut buffer = [0; 65_535];
    for _ in 0..3 {
        socket.send_to(&request, server).unwrap();
        while let Ok((len, _)) = socket.recv_from(&mut buffer) {
            if let Ok(Response { body: ResponseBody::Probe(reply), .. }) =
                Response::decode(&buffer[..len])
                && reply.nonce == nonce
            {
                return true;
            }
        }
    }
    false
}

/// A superior on host 1 and its leaf on host 2.
async fn pair(net: &Net) -> [Server; 2] {
    let turn = Some(net.turn(2));
    let mut leaf = config(net.server(2), "leaf", Some(net.server(1)), &[], turn);
    leaf.turn.server.health = TurnHealth::None;
    let superior = config(net.server(1), "superior", None, &[net.server(2)], None);
    [Server::start(superior).await.unwrap(), Server::start(leaf).await.unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forged_source_stops_a_server_or_makes_two_talk() {
    let net = Net::new();
    let _servers = pair(&net).await;
    let Some(forger) = Forger::new() else { return };
    // Heard by everything that is sent to the witness.
    let witness = client(&net, 9);
    let witness_addr = witness.local_addr().unwrap();
    let (superior, leaf) = (net.server(1), net.server(2));
    let port_zero = SocketAddr::new(net.ip(9), 0);
    for from in [port_zero, superior, leaf, SocketAddr::new(net.ip(9), 7)] {
        for to in [superior, leaf] {
            for payload in [BARE, &[0x12, 0x00], &[0x1a, 0x00]] {
                forger.send(from, to, payload);
            }
        }
    }
    for (nonce, server) in [(1, superior), (2, leaf)] {
        assert!(answers(&witness, server, nonce), "{server} answers no more");
    }
    // One more from an honest source draws one answer, not a stream.
    forger.send(witness_addr, leaf, BARE);
    let mut buffer = [0; 2048];
    assert!(witness.recv_from(&mut buffer).is_ok());
    witness.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(witness.recv_from(&mut buffer).is_err(), "a second answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_in_the_name_of_a_node_or_a_superior() {
    let net = Net::new();
    let node = client(&net, 2);
    let superior = client(&net, 3);
    let addrs = [&node, &superior].map(|socket| socket.local_addr().unwrap());
    let turn = Some(net.turn(1));
    let mut config = config(net.server(1), "one", Some(addrs[1]), &addrs[..1], turn);
    config.turn.server.health = TurnHealth::None;
    let _server = Server::start(config).await.unwrap();
    let Some(forger) = Forger::new() else { return };
    // An old server's answers: an empty one is a bare probe to the letter.
    let hosts = [0x08, 0x01, 0x12, 0x02, 0x0a, 0x00];
    for from in addrs {
        for payload in [BARE, &[0x12, 0x00], &hosts] {
            forger.send(from, net.server(1), payload);
        }
    }
    assert!(answers(&client(&net, 9), net.server(1), 1), "it answers others");
    let mut buffer = [0; 2048];
    for socket in [node, superior] {
        socket.set_nonblocking(true).unwrap();
        while let Ok((len, _)) = socket.recv_from(&mut buffer) {
            // Checks and heartbeats come; an answer must not.
            let request = Request::decode(&buffer[..len]);
            assert!(request.is_ok(), "an answer: {:02x?}", &buffer[..len]);
            let bare =
                matches!(&request, Ok(Request { body: RequestBody::Probe(p), .. }) if p.nonce == 0);
            assert!(!bare, "an empty answer");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_stops_nothing_and_draws_no_empty_answer() {
    let net = Net::new();
    let _servers = pair(&net).await;
    let mut rng = Rng::seed_from_u64(1);
    let socket = client(&net, 9);
    let valid = [
        BARE.to_vec(),
        vec![0x1a, 0x00],
        Request {
            id: 7,
            body: RequestBody::Probe(Probe { nonce: 5, names: true, ..Probe::default() }),
        }
        .encode(PADDED_REQUEST),
    ];
    let mut buffer = [0; 65_535];
    let mut drain = |socket: &UdpSocket| {
        socket.set_nonblocking(true).unwrap();
        while let Ok((len, _)) = socket.recv_from(&mut buffer) {
            let response = Response::decode(&buffer[..len]).expect("an answer is a response");
            let ResponseBody::Probe(reply) = response.body else { panic!("not to a probe") };
            let bare = reply.nonce == 0;
            let empty = reply.turn.is_none() && reply.hosts.is_empty();
            assert!(!(bare && empty), "an empty answer to a bare request");
        }
        socket.set_nonblocking(false).unwrap();
    };
    for round in 0..10_000 {
        let mut random = vec![0; rng.random_range(0..=2000)];
        rng.fill(&mut random[..]);
        let mut mutated = valid[round % valid.len()].clone();
        for _ in 0..rng.random_range(1..=4) {
            let at = rng.random_range(0..mutated.len());
            mutated[at] = rng.random();
        }
        mutated.truncate(rng.random_range(0..=mutated.len()));
        for payload in [random, mutated] {
            for host in [1, 2] {
                socket.send_to(&payload, net.server(host)).unwrap();
            }
        }
        if round % 64 == 0 {
            for (host, nonce) in [(1, 2 * round as u64 + 10), (2, 2 * round as u64 + 11)] {
                assert!(answers(&socket, net.server(host), nonce), "host {host}, round {round}");
            }
            drain(&socket);
        }
    }
    drain(&socket);
}
