//! The wire, byte for byte, in both roles. The hex is written by hand from docs/protocol.md.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use turn_balance::internals::wire::auth::{Key, Keys, Purpose, TRAILER, Tag};
use turn_balance::internals::wire::{
    DecodeError, Down, Extras, Kind, Node, Notice, PADDED_REQUEST, Ping, Pong, Probe, ProbeReply,
    Request, RequestBody, Response, ResponseBody, State, View, stun,
};
use turn_balance::{Labels, Load, TurnFault};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn probe(id: u32) -> Request<'static> {
    Request { id, body: RequestBody::Probe(Probe::default()) }
}

fn reply(reply: ProbeReply) -> Response {
    Response { id: 1, body: ResponseBody::Probe(reply) }
}

/// `ip` "192.0.2.7", `port` 3001.
const HOST: &str = "0a 09 31 39 32 2e 30 2e 32 2e 37  10 b9 17";

#[test]
fn requests_of_the_first_implementation() {
    let ping = Request { id: 0, body: RequestBody::Ping(Ping::default()) };
    let cases = [("08 01 12 00", probe(1)), ("12 00", probe(0)), ("1a 00", ping.clone())];
    for (bytes, request) in cases {
        assert_eq!(Request::decode(&hex(bytes)).as_ref(), Ok(&request), "{bytes}");
        assert_eq!(request.encode(0), hex(bytes), "{bytes}");
    }
    // Its largest id, and fields in any order.
    assert_eq!(probe(u32::MAX).encode(0), hex("08 ff ff ff ff 0f 12 00"));
    assert_eq!(Request::decode(&hex("12 00 08 01")), Ok(probe(1)));
}

#[test]
fn answers_of_the_first_implementation() {
    let host = addr("192.0.2.7:3001");
    let hosts = reply(ProbeReply { hosts: vec![host], ..Default::default() });
    let turn = reply(ProbeReply { turn: Some(host), ..Default::default() });
    let cases = [
        (format!("08 01  12 10  0a 0e {HOST}"), hosts),
        (format!("08 01  12 10  12 0e {HOST}"), turn),
        ("08 01 12 00".into(), reply(ProbeReply::default())),
    ];
    for (bytes, response) in cases {
        assert_eq!(Response::decode(&hex(&bytes)).as_ref(), Ok(&response), "{bytes}");
        assert_eq!(response.encode(), hex(&bytes), "{bytes}");
    }
}

#[test]
fn a_request_with_everything() {
    let body = Probe {
        nonce: 1,
        cookie: &[0xc0],
        view: View::Subordinates,
        names: true,
        extras: Extras { urls: true, down: true, labels: true },
        urls_of: Some(addr("192.0.2.7:3478")),
    };
    let request = Request { id: 5, body: RequestBody::Probe(body) };
    let bytes = hex("08 05  12 20  51 01 00 00 00 00 00 00 00  5a 01 c0  60 01  68 01 \
         70 01  78 01  80 01 01  8a 01 06 c0 00 02 07 0d 96");
    assert_eq!(request.encode(0), bytes);
    assert_eq!(Request::decode(&bytes), Ok(request));
    let advertise = Some(addr("192.0.2.7:3001"));
    let ping =
        Ping { seq: 1, challenge: 2, version: 3, advertise, name: Some("ab".parse().unwrap()) };
    let request = Request { id: 0, body: RequestBody::Ping(ping) };
    let bytes = hex(&format!(
        "1a 2f  09 01 00 00 00 00 00 00 00  11 02 00 00 00 00 00 00 00 \
         19 03 00 00 00 00 00 00 00  22 0e {HOST}  2a 02 61 62"
    ));
    assert_eq!(request.encode(0), bytes);
    assert_eq!(Request::decode(&bytes), Ok(request));
}

#[test]
fn an_answer_with_everything() {
    let leaf = Node {
        turn: Some(addr("192.0.2.7:3478")),
        name: Some("a".parse().unwrap()),
        hops: 2,
        rtt: Some(Duration::from_millis(40)),
        load: Load::new(46.0, 100),
        weight: 400,
        ..Node::new(addr("192.0.2.7:3001"), Kind::Leaf)
    };
    let turn = Node {
        checker: Some(addr("192.0.2.7:3001")),
        ..Node::new(addr("[2001:db8::1]:3478"), Kind::Turn)
    };
    let down = Down {
        addr: addr("192.0.2.8:3001"),
        kind: Kind::Leaf,
        name: Some("c".parse().unwrap()),
        state: State::Full,
        fault: Some(TurnFault::Quota),
    };
    let response = reply(ProbeReply {
        nonce: 1,
        cookie: vec![0xc0],
        retry: true,
        nodes: vec![leaf, turn],
        total: 3,
        name: Some("b".parse().unwrap()),
        state: State::Draining,
        version: 4,
        load: Load::new(230.0, 400),
        weight: 7,
        urls: vec!["turn:a".to_owned()],
        fault: Some(TurnFault::Silent),
        down: vec![down],
        ..Default::default()
    });
    let bytes = hex("08 01  12 83 01  19 01 00 00 00 00 00 00 00  22 01 c0  28 01 \
         32 16  0a 06 c0 00 02 07 0b b9  10 01  1a 02 0d 96  22 01 61  28 02  30 90 03 \
         32 1e  0a 12 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 0d 96  10 02 \
         3a 06 c0 00 02 07 0b b9 \
         38 03  42 01 62  48 04  51 04 00 00 00 00 00 00 00 \
         82 01 06 74 75 72 6e 3a 61  88 01 3a  90 01 07  98 01 01 \
         a2 01 12  0a 06 c0 00 02 08 0b b9  10 01  22 01 63  28 03  30 e6 03 \
         5a 01 30  62 01 70");
    assert_eq!(response.encode(), bytes);
    assert_eq!(Response::decode(&bytes), Ok(response));
    let pong = Pong { seq: 1, challenge: 2, status: 3, last_seq: 4 };
    let response = Response { id: 0, body: ResponseBody::Pong(pong) };
    let bytes = hex("22 1d  09 01 00 00 00 00 00 00 00  11 02 00 00 00 00 00 00 00  18 03 \
                     21 04 00 00 00 00 00 00 00");
    assert_eq!(response.encode(), bytes);
    assert_eq!(Response::decode(&bytes), Ok(response));
    let notice = Notice { seq: 1, addr: Some(addr("192.0.2.7:3001")), why: 2 };
    let response = Response { id: 0, body: ResponseBody::Notice(notice) };
    let bytes = hex("2a 13  09 01 00 00 00 00 00 00 00  12 06 c0 00 02 07 0b b9  18 02");
    assert_eq!(response.encode(), bytes);
    assert_eq!(Response::decode(&bytes), Ok(response));
}

/// A leaf is no kind there: its TURN server says so. The set of most nodes stands first.
#[test]
fn an_answer_with_labels() {
    let node = |addr_: &str, kind, labels: &str| Node {
        turn: (kind == Kind::Leaf).then(|| SocketAddr::new(addr(addr_).ip(), 3478)),
        labels: labels.parse().unwrap(),
        ..Node::new(addr(addr_), kind)
    };
    let response = reply(ProbeReply {
        nodes: vec![
            node("192.0.2.7:3001", Kind::Leaf, ""),
            node("192.0.2.8:3001", Kind::Leaf, "a=1"),
            node("192.0.2.9:3478", Kind::Turn, "b=2,c=3"),
            node("192.0.2.10:3001", Kind::Balance, "b=2,c=3"),
        ],
        labels: "d=4".parse().unwrap(),
        ..Default::default()
    });
    let bytes = hex("08 01  12 49 \
         32 0c  0a 06 c0 00 02 07 0b b9  1a 02 0d 96 \
         32 0c  0a 06 c0 00 02 08 0b b9  1a 02 0d 96 \
         32 0a  0a 06 c0 00 02 09 0d 96  10 02 \
         32 08  0a 06 c0 00 02 0a 0b b9 \
         6a 07 62 3d 32 2c 63 3d 33  6a 03 61 3d 31  72 02 02 11  7a 03 64 3d 34");
    assert_eq!(response.encode(), bytes);
    assert_eq!(Response::decode(&bytes), Ok(response));
    // What is none is as good as none, and so is a set that is not there.
    let bytes = hex(
        "08 01  12 1a  32 08  0a 06 c0 00 02 0a 0b b9  6a 07 62 3d 32 2c 62 3d 33  72 01 10  7a 02 64 3d",
    );
    let response = reply(ProbeReply {
        nodes: vec![node("192.0.2.10:3001", Kind::Balance, "")],
        ..Default::default()
    });
    assert_eq!(Response::decode(&bytes), Ok(response));
}

/// Key 1: the bytes 0 to 31.
fn key() -> Key {
    Key::new(1, &std::array::from_fn(|index| index as u8))
}

/// A heartbeat with everything but an address, and the answer to it; their tags were made with
/// another implementation of HMAC-SHA256.
const PING: &str = "1a 22  09 07 00 00 00 00 00 00 00  11 08 07 06 05 04 03 02 01 \
     19 2a 00 00 00 00 00 00 00  2a 05 66 72 61 2d 62";
const PING_TAG: &str =
    "82 01 17  0d 01 00 00 00  12 10 41 2b 04 f8 20 76 d5 ae 78 c3 e1 7a 7c 6d b3 02";
const PONG: &str = "22 1d  09 07 00 00 00 00 00 00 00  11 08 07 06 05 04 03 02 01  18 01 \
     21 06 00 00 00 00 00 00 00";
const PONG_TAG: &str =
    "82 01 17  0d 01 00 00 00  12 10 33 8b 7f 3b 9a 4b 25 44 27 db 70 b9 19 f4 67 25";

#[test]
fn a_tag_is_the_last_26_bytes() {
    for (purpose, message, tag) in [
        (Purpose::Ping, PING, PING_TAG),
        (Purpose::Pong, PONG, PONG_TAG),
        (
            Purpose::Probe,
            "08 01 12 00",
            "82 01 17  0d 01 00 00 00  12 10 c2 87 f2 4d c4 b0 21 6b 6d e9 d3 f0 e2 a5 9e 76",
        ),
        (
            Purpose::Reply,
            "08 01 12 00",
            "82 01 17  0d 01 00 00 00  12 10 59 fb 63 f1 f8 03 90 25 5b bb 9c a4 d9 fd f3 84",
        ),
    ] {
        let mut signed = hex(message);
        key().sign(purpose, &mut signed, 0);
        assert_eq!(signed, [hex(message), hex(tag)].concat(), "{purpose:?}");
        assert_eq!(hex(tag).len(), TRAILER);
        // What stands before the datagram in the same buffer is not part of it.
        let mut behind = [hex("ff ff"), hex(message)].concat();
        key().sign(purpose, &mut behind, 2);
        assert_eq!(behind[2..], signed);
    }
    // Whoever does not know it skips it.
    let signed = [hex(PING), hex(PING_TAG)].concat();
    assert_eq!(Request::decode(&signed), Request::decode(&hex(PING)));
    let signed = [hex(PONG), hex(PONG_TAG)].concat();
    assert_eq!(Response::decode(&signed), Response::decode(&hex(PONG)));
    assert_eq!(Request::decode(&signed), Err(DecodeError::Empty));
}

#[test]
fn a_tag_is_right_for_its_key_purpose_and_every_bit() {
    let signed = [hex(PING), hex(PING_TAG)].concat();
    let keys = Keys::new([Key::new(2, &[7; 32]), key()]);
    let right = |keys: &Keys, purpose, datagram: &[u8]| matches!(keys.judge(purpose, datagram), Tag::Right(key) if key.id() == 1);
    assert!(right(&keys, Purpose::Ping, &signed));
    for purpose in [Purpose::Pong, Purpose::Probe, Purpose::Reply] {
        assert!(matches!(keys.judge(purpose, &signed), Tag::Wrong), "{purpose:?}");
    }
    for bit in 0..8 * signed.len() {
        let mut changed = signed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!right(&keys, Purpose::Ping, &changed), "bit {bit}");
    }
    let others = Keys::new([Key::new(1, &[7; 32]), Key::new(2, &[0; 32])]);
    assert!(matches!(others.judge(Purpose::Ping, &signed), Tag::Wrong));
    assert!(matches!(Keys::default().judge(Purpose::Ping, &signed), Tag::Wrong));
    assert!(matches!(keys.judge(Purpose::Ping, &hex(PING)), Tag::Absent));
    assert!(matches!(keys.judge(Purpose::Ping, &hex(PING_TAG)[1..]), Tag::Absent));
}

#[test]
fn a_key_shows_nothing_but_its_number() {
    assert_eq!(format!("{:?}", Keys::new([key()])), "Keys([Key { id: 1, .. }])");
}

#[test]
fn a_time_stays_with_its_node() {
    // Three nodes, the second of a kind from the future; times of 8, 56 and beyond 224 ms.
    let bytes = hex("12 24  32 08 0a 06 c0 00 02 01 0b b9  32 0a 0a 06 c0 00 02 02 0b b9 10 07 \
                     32 08 0a 06 c0 00 02 03 0b b9  5a 02 14 f0");
    let Ok(Response { body: ResponseBody::Probe(reply), .. }) = Response::decode(&bytes) else {
        panic!("not read");
    };
    let times: Vec<_> = reply.nodes.iter().map(|node| (node.addr, node.rtt)).collect();
    let ms = |ms| Some(Duration::from_millis(ms));
    assert_eq!(times, [(addr("192.0.2.1:3001"), ms(8)), (addr("192.0.2.3:3001"), ms(232))]);
    let on_wire = |ms| Node::rtt_on_wire(Duration::from_millis(ms)).as_millis();
    assert_eq!([0, 15, 16, 223, 224, 9000].map(on_wire), [8, 8, 24, 216, 232, 232]);
}

#[test]
fn padding_meets_each_size() {
    let request = probe(1);
    assert_eq!(request.encode(12), hex("08 01 12 00  7a 85 00  00 00 00 00 00"));
    for size in 8..=PADDED_REQUEST {
        let bytes = request.encode(size);
        let short = size - 4 < 3;
        assert_eq!(bytes.len(), if short { 4 } else { size });
        assert_eq!(Request::decode(&bytes).as_ref(), Ok(&request), "{size}");
    }
}

#[test]
fn a_reply_is_no_request() {
    let host = addr("192.0.2.7:3001");
    let replies = [
        ProbeReply { hosts: vec![host], ..Default::default() },
        ProbeReply { turn: Some(host), ..Default::default() },
        ProbeReply { nonce: 7, ..Default::default() },
        ProbeReply { state: State::Nothing, ..Default::default() },
        ProbeReply { total: 1, ..Default::default() },
    ];
    for body in replies {
        let bytes = reply(body.clone()).encode();
        assert_eq!(Request::decode(&bytes), Err(DecodeError::Reply), "{body:?}");
    }
    // These have numbers of their own, so that no server reads one as a heartbeat.
    for body in [ResponseBody::Pong(Pong::default()), ResponseBody::Notice(Notice::default())] {
        let bytes = Response { id: 1, body }.encode();
        assert_eq!(Request::decode(&bytes), Err(DecodeError::Empty));
    }
}

#[test]
fn unknown_fields_are_skipped() {
    // 21: varint, 22: 8 bytes, 23: bytes, 24: 4 bytes; in the message and in its body.
    let unknown = "a8 01 07  b1 01 01 02 03 04 05 06 07 08  ba 01 02 aa bb  c5 01 01 02 03 04";
    let request = hex(&format!("{unknown} 08 01 12 18 {unknown}"));
    assert_eq!(Request::decode(&request), Ok(probe(1)));
    let response = hex(&format!("{unknown} 08 01 12 28 {unknown} 0a 0e {HOST} {unknown}"));
    let host = ProbeReply { hosts: vec![addr("192.0.2.7:3001")], ..Default::default() };
    assert_eq!(Response::decode(&response), Ok(reply(host)));
}

#[test]
fn what_no_peer_could_mean_is_malformed() {
    let requests = [
        "09 01 00 00 00 00 00 00 00 12 00", // id of 8 bytes
        "08 01 10 00",                      // probe as a number
        "12 02 50 01",                      // nonce as a number
        "12 01",                            // body ends early
        "00 00 12 00",                      // field 0
        "0b 0c",                            // a group
        "08 ff ff ff ff ff ff ff ff ff 7f", // more than 64 bits
        "ff ff ff ff 7f 00",                // field number over 29 bits
    ];
    for bytes in requests {
        assert_eq!(Request::decode(&hex(bytes)), Err(DecodeError::Malformed), "{bytes}");
    }
    for bytes in ["", "08 01", "22 00"] {
        assert_eq!(Request::decode(&hex(bytes)), Err(DecodeError::Empty), "{bytes}");
    }
}

#[test]
fn hosts_that_nobody_can_send_to_are_left_out() {
    let cases = [
        "0a 03 66 6f 6f  10 b9 17",                      // ip "foo"
        "0a 09 31 39 32 2e 30 2e 32 2e 37",              // no port
        "0a 09 31 39 32 2e 30 2e 32 2e 37  10 80 80 04", // port 65,536
    ];
    for host in cases {
        let len = hex(host).len();
        let bytes = hex(&format!("12 {:02x} 0a {len:02x} {host}", len + 2));
        let Ok(Response { body: ResponseBody::Probe(reply), .. }) = Response::decode(&bytes) else {
            panic!("{host}");
        };
        assert_eq!(reply.hosts, [], "{host}");
    }
    // An address of 5 bytes, port 0, and a kind from the future.
    for node in ["0a 05 01 02 03 04 05", "0a 06 c0 00 02 07 00 00", "0a 06 c0 00 02 07 0b b9 10 09"]
    {
        let len = hex(node).len();
        let bytes = hex(&format!("12 {:02x} 32 {len:02x} {node}", len + 2));
        let Ok(Response { body: ResponseBody::Probe(reply), .. }) = Response::decode(&bytes) else {
            panic!("{node}");
        };
        assert_eq!(reply.nodes, [], "{node}");
    }
}

#[test]
fn mapped_addresses_are_the_ipv4_ones() {
    let host = addr("[::ffff:192.0.2.7]:3001");
    let node = Node::new(host, Kind::Balance);
    let bytes =
        reply(ProbeReply { hosts: vec![host], nodes: vec![node], ..Default::default() }).encode();
    let Ok(Response { body: ResponseBody::Probe(reply), .. }) = Response::decode(&bytes) else {
        panic!("no reply");
    };
    assert_eq!(reply.hosts, [addr("192.0.2.7:3001")]);
    assert_eq!(reply.nodes[0].addr, addr("192.0.2.7:3001"));
}

#[test]
fn a_binding_is_stun_and_nothing_else_is() {
    let request = stun::binding_request(0x0102_0304_0506_0708_090a_0b0c);
    assert_eq!(request, hex("00 01 00 00 21 12 a4 42 01 02 03 04 05 06 07 08 09 0a 0b 0c"));
    assert!(stun::is_stun(&request));
    assert!(!stun::is_stun(&request[..19]));
    assert_eq!(stun::binding_response(&request), None);
    let success = hex("01 01 00 00 21 12 a4 42 01 02 03 04 05 06 07 08 09 0a 0b 0c");
    assert_eq!(stun::binding_response(&success), Some(0x0102_0304_0506_0708_090a_0b0c));
    assert!(!stun::is_stun(&probe(1).encode(PADDED_REQUEST)));
}

fn names() -> impl Strategy<Value = Option<turn_balance::Name>> {
    proptest::option::of("[A-Za-z0-9._-]{1,32}".prop_map(|name| name.parse().unwrap()))
}

fn addrs() -> impl Strategy<Value = SocketAddr> {
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(std::net::IpAddr::from),
        any::<[u8; 16]>().prop_map(|ip| std::net::IpAddr::from(ip).to_canonical()),
    ];
    (ip, 1..=u16::MAX).prop_map(SocketAddr::from)
}

fn nodes() -> impl Strategy<Value = Node> {
    let kind = prop_oneof![Just(Kind::Balance), Just(Kind::Leaf), Just(Kind::Turn)];
    let rtt = proptest::option::of(0..300u64);
    let other = || proptest::option::of(addrs());
    let (room, numbers) = ((loads(), any::<u32>(), labels()), (any::<u32>(), rtt));
    (addrs(), kind, (other(), other()), names(), numbers, room).prop_map(
        |(addr, kind, (turn, checker), name, (hops, rtt), (load, weight, labels))| {
            let turn = turn.filter(|_| kind == Kind::Leaf);
            let checker = checker.filter(|_| kind == Kind::Turn);
            let rtt = rtt.map(|rtt| Node::rtt_on_wire(Duration::from_millis(rtt)));
            let load = load.map(Node::load_on_wire);
            Node { addr, kind, turn, name, hops, rtt, load, weight, checker, labels }
        },
    )
}

/// As many sets as half a byte tells apart, and none.
fn labels() -> impl Strategy<Value = Labels> {
    (0..16u8).prop_map(|set| match set {
        0 => Labels::default(),
        set => format!("set={set},tier=gold").parse().unwrap(),
    })
}

fn loads() -> impl Strategy<Value = Option<Load>> {
    proptest::option::of((0..=100u8).prop_map(|percent| Load::new(percent.into(), 100).unwrap()))
}

fn downs() -> impl Strategy<Value = Down> {
    let kind = prop_oneof![Just(Kind::Balance), Just(Kind::Leaf), Just(Kind::Turn)];
    let state = prop_oneof![Just(State::TurnDown), Just(State::Full), Just(State::Draining)];
    (addrs(), kind, names(), state, 0..700u32).prop_map(|(addr, kind, name, state, fault)| Down {
        addr,
        kind,
        name,
        state,
        fault: TurnFault::from_number(fault),
    })
}

proptest! {
    #[test]
    fn answers_come_back_as_they_went(
        id: u32,
        hosts in proptest::collection::vec(addrs(), 0..4),
        turn in proptest::option::of(addrs()),
        nonce: u64,
        nodes in proptest::collection::vec(nodes(), 0..4),
        total: u32,
        name in names(),
        version: u64,
        (load, weight, labels) in (loads(), any::<u32>(), labels()),
        urls in proptest::collection::vec("turn:[a-z]{1,40}", 0..4),
        down in proptest::collection::vec(downs(), 0..4),
    ) {
        let fault = down.first().and_then(|down| down.fault);
        let body = ProbeReply {
            hosts, turn, nonce, nodes, total, name, version, labels, load, weight, urls, fault,
            down,
            ..Default::default()
        };
        let response = Response { id, body: ResponseBody::Probe(body) };
        let bytes = response.encode();
        prop_assert_eq!(Response::decode(&bytes), Ok(response));
        for end in 0..bytes.len() {
            let _ = Response::decode(&bytes[..end]);
            let _ = Request::decode(&bytes[..end]);
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Request::decode(&bytes);
        let _ = Response::decode(&bytes);
        let _ = stun::binding_response(&bytes);
        prop_assert!(!matches!(Keys::new([key()]).judge(Purpose::Ping, &bytes), Tag::Right(_)));
    }
}
