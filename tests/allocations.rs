//! A hundred thousand answers, and not one allocation: neither where answers are made, nor in the
//! thread of a running server that gives them.
#![expect(unsafe_code, reason = "only an allocator can count allocations")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use stun_types::attribute::Username;
use stun_types::message::{
    BINDING, IntegrityAlgorithm, Message, MessageWrite, MessageWriteExt, MessageWriteVec,
    ShortTermCredentials,
};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::answer::{
    Answer, Handled, Listing, Responder, Snapshot,
};
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::engine::server::incoming::{Incoming, LocalAddr};
use turn_balance::internals::engine::server::limit::{Limiter, LimiterSettings};
use turn_balance::internals::wire::{
    Kind, Node, PADDED_REQUEST, Probe, Request, RequestBody, View, stun,
};
use turn_balance::{Server, TurnHealth};
use turn_balance_lab::loopback::{Net, config};

const ANSWERS: usize = 100_000;

/// Allocations of all threads but those that are exempt.
static OTHERS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static OWN: Cell<u64> = const { Cell::new(0) };
    static EXEMPT: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    OWN.set(OWN.get() + 1);
    if !EXEMPT.get() {
        OTHERS.fetch_add(1, Relaxed);
    }
}

// SAFETY: the system's allocator does everything; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

/// One of each kind that draws an answer.
fn requests() -> Vec<Vec<u8>> {
    let probe = |nonce, view, names, size| {
        let body = RequestBody::Probe(Probe { nonce, view, names, ..Probe::default() });
        Request { id: u32::MAX, body }.encode(size)
    };
    vec![
        probe(u64::MAX, View::Flat, false, PADDED_REQUEST),
        probe(u64::MAX, View::Subordinates, true, PADDED_REQUEST),
        probe(u64::MAX, View::Flat, false, 0),
        probe(0, View::Flat, false, 0),
        stun::binding_request(1),
        connectivity_check(),
    ]
}

/// As a browser sends it.
fn connectivity_check() -> Vec<u8> {
    let mut check = Message::builder_request(BINDING, MessageWriteVec::new());
    check.add_attribute(&Username::new("tb:page").unwrap()).unwrap();
    let key = ShortTermCredentials::new(stun::BINDING_PASSWORD.to_owned()).make_key();
    check.add_message_integrity_with_key(&key, IntegrityAlgorithm::Sha1).unwrap();
    check.add_fingerprint().unwrap();
    check.finish()
}

fn snapshot(nodes: u8) -> Snapshot {
    let node = |n: u8| Node {
        turn: Some(SocketAddr::from(([203, 0, 113, n], 3478))),
        name: format!("leaf-{n}").parse().ok(),
        rtt: Some(Duration::from_millis(40)),
        ..Node::new(SocketAddr::from(([203, 0, 113, n], 3001)), Kind::Leaf)
    };
    let nodes = (1..=nodes).map(node).collect();
    let turn = vec![SocketAddr::from(([203, 0, 113, 200], 3478))];
    let listing = Listing { nodes, turn, version: 1, ..Listing::default() };
    Snapshot::new(&listing, &mut Rng::seed_from_u64(1))
}

fn responders_do_not() {
    let to = LocalAddr(SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 3001)));
    let requests = requests();
    let (now, mut rng) = (Instant::now(), Rng::seed_from_u64(1));
    let limiter = Arc::new(Limiter::new(LimiterSettings::default(), now, &mut rng));
    let mut responder = Responder::new(limiter, rng);
    let mut head = Vec::with_capacity(2048);
    for nodes in [3, 16, 64] {
        let snapshot = snapshot(nodes);
        let mut out = Answer { head: std::mem::take(&mut head), tail: &[] };
        let before = OWN.get();
        let (mut answers, mut others) = (0, 0);
        for (turn, request) in requests.iter().cycle().enumerate().take(2 * ANSWERS) {
            // One source asks too often, the others each from a network of its own.
            let network = if turn % 2 == 0 { 0 } else { turn as u16 };
            let from = SocketAddr::from(([0x2001, 0xdb8, network, 0, 0, 0, 0, 1], 5000));
            let incoming = |bytes| Incoming { to: &to, from: &from, bytes };
            out.head.clear();
            match responder.handle_datagram(&snapshot, now, incoming(request), &mut out) {
                Handled::Answer => answers += 1,
                _ => others += 1,
            }
            out.head.clear();
            let cut = responder.handle_datagram(&snapshot, now, incoming(&request[..7]), &mut out);
            assert_eq!(cut, Handled::Drop(DropReason::Malformed));
        }
        assert!(answers >= ANSWERS / 3 && others >= ANSWERS / 3, "{answers} and {others}");
        assert_eq!(OWN.get() - before, 0, "{nodes} nodes");
        head = out.head;
    }
}

fn a_running_server_does_not() {
    EXEMPT.set(true); // the server's own thread waits: nothing is due
    let net = Net::new();
    let mut config = config(net.server(1), "leaf", None, &[], Some(net.turn(1)));
    config.turn.server.health = TurnHealth::None;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start(config)).unwrap();

    let client = UdpSocket::bind((net.ip(9), 0)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let requests = requests();
    // Without the bare one, of which a port gets few answers.
    let mut requests = requests.iter().enumerate().filter(|(at, _)| *at != 3).cycle();
    let mut ask = |answers| {
        for _ in 0..answers / 50 {
            for _ in 0..50 {
                client.send_to(requests.next().unwrap().1, server.addrs()[0]).unwrap();
            }
            for _ in 0..50 {
                client.recv_from(&mut [0; 2048]).expect("an answer to each");
            }
        }
    };
    ask(1_000); // the worker has all it needs by then
    let before = OTHERS.load(Relaxed);
    ask(ANSWERS);
    assert_eq!(OTHERS.load(Relaxed) - before, 0);
    runtime.block_on(server.stop());
}

/// One test, for another one would allocate beside it.
#[test]
fn answers_allocate_nothing() {
    responders_do_not();
    a_running_server_does_not();
}
