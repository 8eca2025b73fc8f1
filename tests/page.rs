//! The bytes that docs/protocol.md shows are those that are sent, and read as what it says of them.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::wire::auth::{Key, Purpose};
use turn_balance::internals::wire::{
    Kind, Node, Notice, PADDED_REQUEST, Ping, Pong, Probe, ProbeReply, Request, RequestBody,
    Response, ResponseBody, State, View, stun,
};
use turn_balance::{Labels, Name};

const PAGE: &str = include_str!("../docs/protocol.md");

/// The blocks of hexadecimal bytes in a section.
fn blocks(section: &str) -> Vec<Vec<u8>> {
    let section = PAGE.split("\n## ").find_map(|part| part.strip_prefix(section)).unwrap();
    let blocks = section.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|block| hex(&block.replace("00 00 ... 00", &"00".repeat(376)))).collect()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.split_whitespace().flat_map(str::chars).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn name(text: &str) -> Option<Name> {
    Some(text.parse().unwrap())
}

const NONCE: u64 = 0x0102030405060708;

fn probe(id: u32, probe: Probe, size: usize) -> Vec<u8> {
    let request = Request { id, body: RequestBody::Probe(probe) };
    let bytes = request.encode(size);
    assert_eq!(Request::decode(&bytes), Ok(request));
    bytes
}

fn ping(ping: Ping) -> Vec<u8> {
    let request = Request { id: 0, body: RequestBody::Ping(ping) };
    let bytes = request.encode(0);
    assert_eq!(Request::decode(&bytes), Ok(request));
    bytes
}

fn response(id: u32, body: ResponseBody) -> Vec<u8> {
    let response = Response { id, body };
    let bytes = response.encode();
    assert_eq!(Response::decode(&bytes), Ok(response));
    bytes
}

fn reply(reply: ProbeReply) -> Vec<u8> {
    response(1, ResponseBody::Probe(reply))
}

/// With a tag of key 1, whose bytes are 0 to 31.
fn signed(purpose: Purpose, mut message: Vec<u8>) -> Vec<u8> {
    Key::new(1, &std::array::from_fn(|index| index as u8)).sign(purpose, &mut message, 0);
    message
}

fn leaf(at: &str, turn: &str) -> Node {
    let (addr, turn) = (addr(at), Some(addr(turn)));
    Node { turn, ..Node::new(addr, Kind::Leaf) }
}

fn balance(at: &str) -> Node {
    Node::new(addr(at), Kind::Balance)
}

#[test]
fn the_bytes_of_the_messages() {
    let turn = Some(addr("203.0.113.52:3478"));
    let usual = Probe { nonce: NONCE, ..Default::default() };
    let heartbeat = Ping { seq: 7, version: 42, name: name("fra-b"), ..Default::default() };
    let challenged = Ping { challenge: NONCE, ..heartbeat.clone() };
    let pong = Pong { seq: 7, challenge: NONCE, status: 1, last_seq: 6 };
    let notice = Notice { seq: 7, addr: Some(addr("203.0.113.52:3001")), why: 1 };
    let answer = ProbeReply { nonce: NONCE, version: 42, ..Default::default() };
    let fra = ProbeReply { name: name("fra"), ..answer.clone() };
    let cookie = [0xc0, 0x01, 0xd0, 0x0d];
    let near = Some(Duration::from_millis(8));
    let far = Some(Duration::from_millis(40));
    let flat = ProbeReply {
        nodes: vec![
            Node { hops: 1, rtt: far, ..leaf("203.0.113.52:3001", "203.0.113.52:3478") },
            balance("203.0.113.20:3001"),
            Node { rtt: near, ..leaf("203.0.113.61:3001", "198.51.100.61:3478") },
        ],
        total: 3,
        ..fra.clone()
    };
    let labels = |node: &Node| match node.kind {
        Kind::Leaf => "region=eu".parse().unwrap(),
        _ => Labels::default(),
    };
    let labelled =
        flat.nodes.clone().into_iter().map(|node| Node { labels: labels(&node), ..node });
    let told = [
        [probe(1, Probe::default(), 0), probe(0, Probe::default(), 0)].concat(),
        ping(Ping::default()),
        [
            reply(ProbeReply { hosts: vec![addr("203.0.113.10:3001")], ..Default::default() }),
            reply(ProbeReply { turn, ..Default::default() }),
        ]
        .concat(),
        [probe(1, usual, 0), probe(1, Probe { view: View::Subordinates, names: true, ..usual }, 0)]
            .concat(),
        probe(1, usual, PADDED_REQUEST),
        ping(heartbeat),
        signed(Purpose::Ping, ping(challenged)),
        signed(Purpose::Pong, response(0, ResponseBody::Pong(pong))),
        signed(Purpose::Pong, response(0, ResponseBody::Notice(notice))),
        reply(ProbeReply { turn, name: name("fra-b"), ..answer.clone() }),
        reply(ProbeReply {
            nodes: vec![
                Node { name: name("fra-b"), ..leaf("203.0.113.52:3001", "203.0.113.52:3478") },
                balance("[2001:db8::10]:3001"),
            ],
            total: 2,
            ..fra
        }),
        reply(flat.clone()),
        reply(ProbeReply { nodes: labelled.collect(), ..flat }),
        reply(ProbeReply {
            nonce: NONCE,
            cookie: cookie.to_vec(),
            retry: true,
            ..Default::default()
        }),
        probe(1, Probe { cookie: &cookie, ..usual }, 0),
        reply(ProbeReply { state: State::Nothing, ..answer }),
    ];
    for (at, (shown, told)) in blocks("Bytes\n").iter().zip(&told).enumerate() {
        assert_eq!(shown, told, "block {at}: {told:02x?}");
    }
    assert_eq!(blocks("Bytes\n").len(), told.len());
}

#[test]
fn the_bytes_of_stun() {
    let transaction = 0x0102_0304_0506_0708_090a_0b0c;
    let [request, answers @ ..] = &blocks("STUN\n")[..] else { panic!("no block") };
    assert_eq!(*request, stun::binding_request(transaction));
    assert_eq!(answers.len(), 2, "a success and an error");
    for answer in answers {
        assert!(stun::is_stun(answer));
        assert_eq!(stun::binding_response(answer), Some(transaction));
    }

    let (key, mut response) = (stun::BindingKey::new(stun::BINDING_PASSWORD), Vec::new());
    let from = "192.0.2.1:32853".parse().unwrap();
    let asked = stun::BindingRequest::decode(request, &key).unwrap();
    asked.respond(from, &key, &mut response);
    assert_eq!(response, answers[0], "what a balance server answers");
    assert!(PAGE.contains(&format!("`{}`", stun::BINDING_PASSWORD)));
}
