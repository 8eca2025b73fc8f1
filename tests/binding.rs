//! STUN Binding on a balance server's port: who gets a response, how long, and how often.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use stun_types::attribute::{AttributeType, Fingerprint, RawAttribute, Username};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, Message, MessageWrite, MessageWriteExt, MessageWriteVec,
    ShortTermCredentials,
};
use stun_types::prelude::AttributeStaticType as _;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::answer::{
    Answer, Handled, Listing, Responder, Snapshot,
};
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::engine::server::incoming::{Incoming, LocalAddr};
use turn_balance::internals::engine::server::limit::{Limiter, LimiterSettings};
use turn_balance::internals::wire::{PADDED_REQUEST, Probe, Request, RequestBody, stun};

/// A server, and the time there.
struct Host {
    responder: Responder,
    snapshot: Snapshot,
    now: Instant,
}

impl Host {
    fn new(turn: Option<&str>) -> Self {
        let (now, mut rng) = (Instant::now(), Rng::seed_from_u64(2));
        let listing = Listing { turn: turn.map(addr).into_iter().collect(), ..Listing::default() };
        let snapshot = Snapshot::new(&listing, &mut rng);
        let settings = LimiterSettings { places: 64, ..LimiterSettings::default() };
        let limiter = Arc::new(Limiter::new(settings, now, &mut rng));
        Self { responder: Responder::new(limiter, rng), snapshot, now }
    }

    fn ask(&mut self, from: SocketAddr, request: &[u8]) -> (Handled, Vec<u8>) {
        let mut out = Answer::default();
        let to = LocalAddr(addr("198.51.100.1:3001"));
        let incoming = Incoming { to: &to, from: &from, bytes: request };
        let handled = self.responder.handle_datagram(&self.snapshot, self.now, incoming, &mut out);
        (handled, out.to_vec())
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A connectivity check as browsers send them, signed with a password.
fn check(password: &str) -> Vec<u8> {
    let mut check = Message::builder_request(BINDING, MessageWriteVec::new());
    check.add_attribute(&Username::new("tb:page").unwrap()).unwrap();
    let numbers = [0x24, 0x802a].map(AttributeType::new).into_iter().zip([&[1; 4][..], &[2; 8]]);
    for (kind, value) in numbers {
        check.add_attribute(&RawAttribute::new(kind, value)).unwrap();
    }
    let key = ShortTermCredentials::new(password.to_owned()).make_key();
    check.add_message_integrity_with_key(&key, IntegrityAlgorithm::Sha1).unwrap();
    check.add_fingerprint().unwrap();
    check.finish()
}

const PLAIN: [u8; 20] =
    *b"\x00\x01\x00\x00\x21\x12\xa4\x42\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c";

#[test]
fn a_check_with_the_published_password_is_answered_as_browsers_want_it() {
    let mut host = Host::new(Some("203.0.113.9:3478"));
    let from = addr("192.0.2.1:40000");
    let (handled, response) = host.ask(from, &check(stun::BINDING_PASSWORD));
    assert_eq!(handled, Handled::Answer);
    let read = Message::from_bytes(&response).unwrap();
    let key = ShortTermCredentials::new("turnBalanceBindingCheck1".to_owned()).make_key();
    assert!(
        read.validate_integrity_with_key(&key).is_ok() && read.has_attribute(Fingerprint::TYPE)
    );

    let (handled, response) = host.ask(from, &check("another password"));
    assert_eq!((handled, response.len()), (Handled::Drop(DropReason::WrongIntegrity), 0));
}

#[test]
fn who_has_nothing_to_offer_is_silent() {
    let mut host = Host::new(None);
    let silent = (Handled::Drop(DropReason::NothingToOffer), vec![]);
    for request in [&PLAIN[..], &check(stun::BINDING_PASSWORD)] {
        assert_eq!(host.ask(addr("192.0.2.1:40000"), request), silent);
    }
}

#[test]
fn sources_that_are_never_answered_get_no_binding_either() {
    let mut host = Host::new(Some("203.0.113.9:3478"));
    for from in ["192.0.2.1:0", "192.0.2.1:53", "198.51.100.1:3001"] {
        assert!(
            matches!(host.ask(addr(from), &PLAIN), (Handled::Drop(_), none) if none.is_empty())
        );
    }
}

#[test]
fn an_address_may_ask_ten_times_as_often_as_for_a_list_and_neither_costs_the_other() {
    let mut host = Host::new(Some("203.0.113.9:3478"));
    let (body, from) = (Probe { nonce: 9, ..Probe::default() }, addr("192.0.2.1:40000"));
    let probe = Request { id: 7, body: RequestBody::Probe(body) }.encode(PADDED_REQUEST);
    let count = |host: &mut Host, request: &[u8]| {
        (0..2000).filter(|_| host.ask(from, request).0 == Handled::Answer).count()
    };
    assert_eq!(count(&mut host, &PLAIN), 400, "of 200 a second, twice as many at once");
    assert_eq!(count(&mut host, &probe), 40);
    host.now += Duration::from_secs(1);
    assert_eq!(count(&mut host, &PLAIN), 200);
    assert_eq!(count(&mut host, &probe), 20);
}

#[test]
fn whatever_comes_no_response_is_three_times_as_large_and_the_next_request_is_answered() {
    let mut rng = Rng::seed_from_u64(5769);
    let checks = [PLAIN.to_vec(), check(stun::BINDING_PASSWORD), check("another")];
    let mut worst = 0.0_f64;
    for n in 0..20_000_u32 {
        let mut request = checks[rng.random_range(0..checks.len())].clone();
        match n % 4 {
            0 => request = (0..rng.random_range(0..200)).map(|_| rng.random()).collect(),
            1 => request.truncate(rng.random_range(0..=request.len())),
            2 => {
                let (kind, len) = (rng.random::<u16>(), rng.random_range(0..40_u16) * 4);
                request.extend(kind.to_be_bytes().into_iter().chain(len.to_be_bytes()));
                request.extend((0..len).map(|_| rng.random::<u8>()));
            }
            _ => {}
        }
        for _ in 0..rng.random_range(0..3) {
            let at = rng.random_range(0..request.len().max(1));
            if let Some(byte) = request.get_mut(at) {
                *byte = rng.random();
            }
        }
        if rng.random() && request.len() >= 20 {
            let len = (request.len() - 20) as u16;
            request[2..4].copy_from_slice(&len.to_be_bytes());
        }
        let (mut host, v6) = (Host::new(Some("[2001:db8::9]:3478")), n % 2 == 0);
        let (from, headers) = match v6 {
            true => (addr("[2001:db8:1::1]:40000"), 48),
            false => (addr("192.0.2.1:40000"), 28),
        };
        let (handled, response) = host.ask(from, &request);
        assert_eq!(handled == Handled::Answer, !response.is_empty());
        let [asked, given] = [&request, &response].map(|bytes| (headers + bytes.len()) as f64);
        if !response.is_empty() {
            worst = worst.max(given / asked);
            let read = Message::from_bytes(&response).unwrap();
            assert!(read.is_response() && response[4..20] == request[4..20]);
            let again = host.ask(from, &response).0;
            assert_eq!(again, Handled::Drop(DropReason::Stun), "nobody answers a response");
        }
        if v6 {
            assert_eq!(host.ask(from, &PLAIN).0, Handled::Answer);
        }
    }
    assert!((1.0..=1.4).contains(&worst), "{worst}");
}

/// What the codec would say of each datagram that is not well formed.
struct Log;

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        panic!("{}", String::from_utf8_lossy(line));
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_stranger_writes_to_the_log() {
    let mut longer_than_it_is = PLAIN.to_vec();
    longer_than_it_is[3] = 4;
    let attribute_too_long = [&longer_than_it_is[..], &[0, 6, 0x13, 0x88]].concat();
    let mut forged = check(stun::BINDING_PASSWORD);
    *forged.last_mut().unwrap() ^= 1;
    let all = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Log);
    tracing::subscriber::with_default(all.finish(), || {
        let mut host = Host::new(Some("203.0.113.9:3478"));
        for request in [longer_than_it_is, attribute_too_long, forged, check("another password")] {
            let (handled, _) = host.ask(addr("192.0.2.1:40000"), &request);
            assert!(matches!(handled, Handled::Drop(_)), "{handled:?}");
            assert_eq!(stun::binding_response(&request), None);
        }
    });
}
