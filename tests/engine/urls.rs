//! Who is told which URLs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use turn_balance::ServerUrl;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::ServerEngine;
use turn_balance::internals::engine::server::answer::{
    Answer, Handled, Listing, Responder, Snapshot, UrlsOf,
};
use turn_balance::internals::engine::server::incoming::{Incoming, LocalAddr};
use turn_balance::internals::engine::server::limit::{Limiter, LimiterSettings};
use turn_balance::internals::engine::server::members::NodeSpec;
use turn_balance::internals::engine::server::turn::{HealthPlan, TurnSpec};
use turn_balance::internals::wire::{
    Extras, Kind, MAX_ANSWER, Node, PADDED_REQUEST, Probe, ProbeReply, Request, RequestBody,
    Response, ResponseBody,
};

const TURN: &str = "203.0.113.52:3478";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn url(text: &str) -> ServerUrl {
    text.parse().unwrap()
}

/// A leaf whose TURN server is not checked.
fn beside() -> ServerEngine {
    let mut engine = ServerEngine::new(None, Rng::seed_from_u64(1));
    engine.set_turn(
        Instant::now(),
        [TurnSpec { plan: HealthPlan::None, ..TurnSpec::new(addr(TURN)) }],
    );
    engine
}

/// A leaf whose TURN server has these URLs too.
fn leaf(urls: &[&str]) -> Snapshot {
    let mut engine = beside();
    engine.set_urls([(UrlsOf::Beside, urls.iter().copied().map(url).collect())]);
    engine.poll_snapshot(Instant::now()).unwrap()
}

/// What a probe of this size is answered, and the bytes of it.
fn ask(snapshot: &Snapshot, probe: Probe<'_>, size: usize) -> (ProbeReply, usize) {
    let settings = LimiterSettings { exempt: Vec::new(), ..LimiterSettings::default() };
    let limiter = Limiter::new(settings, Instant::now(), &mut Rng::seed_from_u64(2));
    let mut responder = Responder::new(Arc::new(limiter), Rng::seed_from_u64(3));
    let probe = Probe { nonce: 7, ..probe };
    let request = Request { id: 1, body: RequestBody::Probe(probe) };
    let request = request.encode(size);
    let to = LocalAddr(addr("198.51.100.1:3001"));
    let incoming = Incoming { to: &to, from: &addr("203.0.113.7:4000"), bytes: &request };
    let mut answer = Answer::default();
    let handled = responder.handle_datagram(snapshot, Instant::now(), incoming, &mut answer);
    assert!(matches!(handled, Handled::Answer), "{handled:?}");
    let bytes = answer.to_vec();
    let Ok(Response { body: ResponseBody::Probe(reply), .. }) = Response::decode(&bytes) else {
        panic!("no reply: {bytes:?}");
    };
    assert_eq!(reply.nonce, 7);
    (reply, bytes.len())
}

fn wants_urls<'a>() -> Probe<'a> {
    Probe { extras: Extras { urls: true, ..Extras::default() }, ..Probe::default() }
}

#[test]
fn who_asks_for_urls_gets_them_and_nobody_else() {
    let snapshot = leaf(&["turns:fra.turn.example:5349?transport=tcp"]);
    let (reply, _) = ask(&snapshot, wants_urls(), PADDED_REQUEST);
    let made = "turn:203.0.113.52:3478?transport=udp";
    assert_eq!(reply.urls, [made, "turns:fra.turn.example:5349?transport=tcp"]);
    assert_eq!(reply.turn, Some(addr(TURN)));
    let (reply, _) = ask(&snapshot, Probe::default(), PADDED_REQUEST);
    assert_eq!((reply.urls.len(), reply.turn), (0, Some(addr(TURN))));
}

#[test]
fn what_is_measured_alone_stands_behind_what_is_used() {
    let snapshot = leaf(&["https://fra.turn.example/", "turns:fra.turn.example"]);
    let (reply, _) = ask(&snapshot, wants_urls(), PADDED_REQUEST);
    let made = "turn:203.0.113.52:3478?transport=udp";
    assert_eq!(reply.urls, [made, "turns:fra.turn.example", "https://fra.turn.example/"]);
}

#[test]
fn urls_are_no_other_version_and_what_fails_is_left_out() {
    let mut engine = beside();
    let now = Instant::now();
    let urls = |engine: &mut ServerEngine, now| {
        let (reply, _) = ask(&engine.poll_snapshot(now).unwrap(), wants_urls(), PADDED_REQUEST);
        (reply.version, reply.urls.len())
    };
    let (version, count) = urls(&mut engine, now);
    assert_eq!(count, 1);
    for count in [2, 0] {
        let some = (0..count).map(|n| url(&format!("turn:{n}.example"))).collect();
        engine.set_urls([(UrlsOf::Beside, some)]);
        assert_eq!(urls(&mut engine, now), (version, 1 + count));
    }
    engine.set_urls([(UrlsOf::Beside, Vec::new())]);
    assert!(engine.poll_snapshot(now).is_none(), "nothing is new");
}

#[test]
fn they_take_what_room_a_request_pays_for() {
    let long = |n| format!("turns:{}{n}.example:5349?transport=tcp", "a".repeat(150));
    let many: Vec<_> = (0..9).map(long).collect();
    let snapshot = leaf(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let mut before = 0;
    for size in [44, 100, 200, PADDED_REQUEST] {
        let (reply, len) = ask(&snapshot, wants_urls(), size);
        assert!(len + 28 <= 3 * (size + 28) && len <= MAX_ANSWER, "{size}: {len}");
        assert!(reply.urls.len() >= before, "{size}");
        assert_eq!(reply.turn, Some(addr(TURN)));
        before = reply.urls.len();
    }
    assert_eq!(before, 7, "as many as fit");
    let (reply, _) = ask(&snapshot, wants_urls(), 44);
    assert_eq!(reply.urls.len(), 1, "the first of them");
}

#[test]
fn a_server_tells_those_of_the_turn_servers_that_it_checks() {
    let mut listing = Listing::default();
    let addr_of = |n| SocketAddr::from(([203, 0, 113, n], 3478));
    listing.nodes = (0..40).map(|n| Node::new(addr_of(n), Kind::Turn)).collect();
    let mut engine = ServerEngine::new(None, Rng::seed_from_u64(1));
    engine.set_nodes(Instant::now(), std::iter::empty::<NodeSpec>());
    let node = addr("203.0.113.9:3478");
    engine.set_url_nodes([(node, 4)].into());
    engine.set_urls([(UrlsOf::Entry(4), vec![url("turns:nyc.turn.example")])]);
    let (own, mut rng) = engine.poll_listing(Instant::now()).unwrap();
    listing.urls = own.urls;
    let snapshot = Snapshot::new(&listing, &mut rng);
    let probe = Probe { urls_of: Some(node), ..wants_urls() };
    let (reply, _) = ask(&snapshot, probe, PADDED_REQUEST);
    assert_eq!(reply.urls, ["turn:203.0.113.9:3478?transport=udp", "turns:nyc.turn.example"]);
    assert_eq!(reply.total, 40);
    let (reply, _) = ask(&snapshot, wants_urls(), PADDED_REQUEST);
    assert_eq!(reply.urls.len(), 0, "it has none beside it");
    let stranger = Some(addr("192.0.2.1:3478"));
    let (reply, _) = ask(&snapshot, Probe { urls_of: stranger, ..probe }, PADDED_REQUEST);
    assert_eq!(reply.urls.len(), 0);
}
