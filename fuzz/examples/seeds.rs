//! Writes what fuzzing begins with: `seeds DIR`. Messages with addresses for documentation, the
//! configurations at hand, and decisions made up by a number.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use turn_balance::Load;
use turn_balance::internals::wire::auth::{Key, Purpose};
use turn_balance::internals::wire::{
    Kind, Node, Notice, Ping, Pong, Probe, ProbeReply, Request, RequestBody, Response,
    ResponseBody, State, View, put_retry, stun,
};

/// Decisions of which a merge keeps those that lead somewhere.
const STREAMS: u64 = 4000;

/// Lists as brokers answer with them, and what they must not lead to; a problem.
const SERVERS: [&str; 3] = [
    r#"{"schema":"tb.servers/1","name":"root","total":3,"ice":{"pwd":"x"},"servers":[{"addr":"203.0.113.10:3001","kind":"balance","name":"fra","turn":null,"urls":[],"rtt_ms":8,"load":null,"labels":{}},{"addr":"203.0.113.52:3001","kind":"leaf","name":"fra-b","turn":"203.0.113.52:3478","urls":["turn:203.0.113.52:3478?transport=tcp","turns:fra.turn.example:443?transport=tcp","https://fra.turn.example/"],"rtt_ms":8.5},{"addr":"203.0.113.9:3478","kind":"turn","rtt_ms":-1}]}"#,
    r#"{"schema":"tb.servers/1","servers":[{"addr":"203.0.113.1:3001","kind":"leaf","turn":"203.0.113.1:3478","urls":["turn:127.0.0.1:22?transport=tcp","turns:[::1]","turns:[::ffff:10.0.0.1]:443","turn:192.168.1.1:80?transport=tcp"]},{"addr":"[2001:db8::1]:3478","kind":"turn","urls":["turns:[2001:db8::1]:443?transport=tcp"]},{"addr":"203.0.113.1:1","kind":"of the future"}]}"#,
    r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"there is no TURN server to offer"}"#,
];

fn main() -> io::Result<()> {
    let dir = std::env::args_os().nth(1).ok_or(io::ErrorKind::InvalidInput)?;
    let (requests, responses) = (requests(), responses());
    let both = requests.iter().chain(&responses).cloned().collect();
    let sets = [
        ("request", requests),
        ("response", responses),
        ("differential", both),
        ("stun", bindings()),
        ("scope", scopes()),
        ("config", configurations()?),
        ("auth", streams(1, 60)),
        ("server", streams(2, 800)),
        ("client", streams(3, 800)),
        ("turn", streams(4, 200)),
        ("api_keys", texts(&["# who\nshop 0123456789abcdef\n", "a 0123456789abcdef\na b"])),
        ("forwarded", texts(&["192.0.2.1, 198.51.100.1:80\n[2001:db8::1]", "10.0.0.1,,unknown"])),
        (
            "http_query",
            texts(&[
                "below=203.0.113.10%3A3001&family=4",
                "service=turn&username=me&key=a%2Bb&api=a",
            ]),
        ),
        ("ice_body", texts(&[r#"{"order":["203.0.113.52:3478"],"count":2}"#, "{}"])),
        ("servers", texts(&SERVERS)),
        ("token", vec![[&[0; 8], &b"\x141795778101.me.AAAA"[..]].concat()]),
    ];
    for (name, seeds) in sets {
        let dir = Path::new(&dir).join(name);
        fs::create_dir_all(&dir)?;
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(dir.join(format!("{number:04}")), seed)?;
        }
    }
    Ok(())
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("it is an address")
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn requests() -> Vec<Vec<u8>> {
    let probe = |id, probe, size| Request { id, body: RequestBody::Probe(probe) }.encode(size);
    let ping = |ping, size| Request { id: 0, body: RequestBody::Ping(ping) }.encode(size);
    let full = Probe {
        nonce: 7,
        cookie: &[1; 21],
        view: View::Subordinates,
        names: true,
        ..Probe::default()
    };
    let advertise = |text| Ping { advertise: Some(addr(text)), ..Ping::default() };
    let name = "leaf-1".parse().ok();
    let beat = Ping { seq: 1, challenge: 2, version: 3, advertise: None, name };
    let mut all = vec![
        probe(1, Probe::default(), 0),
        probe(0, Probe::default(), 0),
        probe(u32::MAX, Probe { nonce: 9, ..Probe::default() }, 0),
        probe(300, Probe { nonce: u64::MAX, names: true, ..Probe::default() }, 40),
        probe(1, full, 80),
        ping(Ping::default(), 0),
        ping(beat, 0),
        ping(advertise("192.0.2.7:3001"), 0),
        ping(advertise("[2001:db8::7]:3001"), 64),
        b"\x12\x00\x08\x01".to_vec(),
        b"\x08\x01\x1a\x00\x12\x00".to_vec(),
        b"\x0b\x0c\x12\x00".to_vec(),
        b"\x12\x02\x08\x01".to_vec(),
        b"\x12\x02\x68\x01\x12\x00".to_vec(),
        b"\x12\x00\x12\x02\x68\x01".to_vec(),
        b"\x1a\x04\x22\x00\x22\x00\x1a\x00".to_vec(),
        b"\x88\x01\x07\x12\x09\x51\x00\x00\x00\x00\x00\x00\x00\x01".to_vec(),
    ];
    for (at, purpose) in [(2, Purpose::Probe), (6, Purpose::Ping)] {
        let mut signed = all[at].clone();
        Key::new(1, &[1; 32]).sign(purpose, &mut signed, 0);
        all.push(signed);
    }
    all
}

fn responses() -> Vec<Vec<u8>> {
    let reply = |reply| Response { id: 1, body: ResponseBody::Probe(reply) }.encode();
    let (v4, v6) = (addr("192.0.2.7:3001"), addr("[2001:db8::7]:3001"));
    let turn = |addr: SocketAddr| Some(SocketAddr::new(addr.ip(), 3478));
    let leaf = |addr: SocketAddr, hops| {
        let rtt = Some(Node::rtt_on_wire(Duration::from_millis(40)));
        let name = format!("leaf-{hops}").parse().ok();
        Node { turn: turn(addr), name, hops, rtt, ..Node::new(addr, Kind::Leaf) }
    };
    let balance = |addr| Node { kind: Kind::Balance, turn: None, name: None, ..leaf(addr, 0) };
    let list = ProbeReply { nonce: 7, version: 5, ..ProbeReply::default() };
    let state = |state| ProbeReply { state, ..list.clone() };
    let nodes =
        vec![leaf(v4, 0), leaf(v6, 2), balance(v4), Node { kind: Kind::Turn, ..balance(v6) }];
    let loaded = Node { load: Load::new(6.5, 14), weight: 400, ..leaf(v4, 0) };
    let elsewhere = Node { turn: turn(addr("203.0.113.9:1")), ..leaf(v4, 1) };
    let mut retry = Vec::new();
    put_retry(&mut retry, &[1; 21]);
    let pong = Pong { seq: 1, challenge: 2, status: 1, last_seq: 4 };
    let notice = Notice { seq: 1, addr: turn(v6), why: 2 };
    let mut all = vec![
        reply(ProbeReply::default()),
        reply(ProbeReply { hosts: vec![v4, v6], ..ProbeReply::default() }),
        reply(ProbeReply { turn: turn(v4), ..ProbeReply::default() }),
        reply(ProbeReply { nodes, total: 9, name: "root".parse().ok(), ..list.clone() }),
        reply(ProbeReply { nodes: vec![elsewhere], ..list.clone() }),
        reply(ProbeReply {
            nodes: vec![loaded],
            load: Load::new(57.0, 100),
            weight: 7,
            ..list.clone()
        }),
        reply(ProbeReply { retry: true, cookie: vec![1; 21], ..list.clone() }),
        [b"\x12\x19".to_vec(), retry].concat(),
        reply(state(State::Nothing)),
        reply(state(State::TurnDown)),
        reply(state(State::Full)),
        reply(state(State::Draining)),
        Response { id: 0, body: ResponseBody::Pong(pong) }.encode(),
        Response { id: 0, body: ResponseBody::Notice(notice) }.encode(),
        b"\x12\x04\x32\x02\x0a\x00".to_vec(),
        b"\x12\x02\x48\x09".to_vec(),
        b"\x12\x07\x0a\x05\x0a\x03foo".to_vec(),
        b"\x22\x00".to_vec(),
        b"\x12\x02\x38\x05\x12\x00".to_vec(),
        b"\x12\x00\x12\x02\x38\x05".to_vec(),
        b"\x0b\x0c\x12\x00".to_vec(),
    ];
    for (at, purpose) in [(3, Purpose::Reply), (11, Purpose::Pong)] {
        let mut signed = all[at].clone();
        Key::new(1, &[1; 32]).sign(purpose, &mut signed, 0);
        all.push(signed);
    }
    all
}

fn bindings() -> Vec<Vec<u8>> {
    let request = stun::binding_request(7);
    let answer = |kind: [u8; 2], attributes: &[u8]| {
        let mut answer = request.clone();
        answer[..2].copy_from_slice(&kind);
        answer[3] = attributes.len() as u8;
        [&answer, attributes].concat()
    };
    // XOR-MAPPED-ADDRESS of 192.0.2.7:3001; ERROR-CODE 401; SOFTWARE.
    let mapped = b"\x00\x20\x00\x08\x00\x01\x2a\xab\xe1\x12\xa6\x45";
    let refused = b"\x00\x09\x00\x04\x00\x00\x04\x01";
    let software = b"\x80\x22\x00\x04turn";
    vec![
        request.clone(),
        answer([1, 1], &[]),
        answer([1, 1], mapped),
        answer([1, 1], software),
        answer([1, 17], refused),
        answer([0, 17], &[]),
        answer([1, 3], mapped),
        answer([1, 1], b"\x00\x20\x00\x09\x00"),
    ]
}

/// An IPv6 address, an IPv4 address behind four bytes, a scope, a prefix length.
fn scopes() -> Vec<Vec<u8>> {
    let v6 = ["2001:db8::7", "::1", "fe80::1", "fd00::1", "ff02::1", "::", "64:ff9b::192.0.2.7"];
    let v4 = ["192.0.2.7", "127.0.0.1", "10.0.0.1", "169.254.0.1", "0.0.0.0", "224.0.0.1"];
    let mut all = Vec::new();
    for (at, v6) in v6.iter().enumerate() {
        for (also, v4) in v4.iter().enumerate() {
            let v6: std::net::Ipv6Addr = v6.parse().expect("it is an address");
            let v4: std::net::Ipv4Addr = v4.parse().expect("it is an address");
            let last = [(at + also) as u8 % 4, [8, 24, 32, 33][also % 4]];
            all.push([&v6.octets()[..], &[0; 4], &v4.octets(), &last].concat());
        }
    }
    all
}

fn configurations() -> io::Result<Vec<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for dir in ["examples/configs", "tests/config/good", "tests/config/bad"] {
        for entry in fs::read_dir(root.join(dir))? {
            files.push(entry?.path());
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files.iter().map(fs::read).collect()
}

/// Decisions: half of them small numbers, which do more.
fn streams(seed: u64, most: usize) -> Vec<Vec<u8>> {
    let mut rng = rand::rngs::ChaCha12Rng::seed_from_u64(seed);
    let stream = |rng: &mut rand::rngs::ChaCha12Rng| {
        let mut bytes = vec![0; rng.random_range(1..most)];
        rng.fill_bytes(&mut bytes);
        let small = |byte: u8, rng: &mut rand::rngs::ChaCha12Rng| match rng.random() {
            true => byte % 16,
            false => byte,
        };
        bytes.iter().map(|byte| small(*byte, rng)).collect()
    };
    (0..STREAMS).map(|_| stream(&mut rng)).collect()
}
