//! Checks and answers that are signed.

use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::members::{CheckOutcome, Members, NodeSpec};
use turn_balance::internals::wire::auth::{Key, Purpose, TRAILER, Tag};
use turn_balance::internals::wire::{
    MAX_ANSWER, PADDED_REQUEST, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::world::*;
use turn_balance_sim::{Path, Site};

#[test]
fn a_server_signs_for_those_only_who_have_signed() {
    let mut world = world(15, |_, _| Path::of(5));
    world.start(node(11), &leaf_site(11, keys(&[1, 3])));
    world.run_for(SECOND);
    let asker = addr("192.0.2.99:40000");
    let mut answered = |signer: Option<(Key, Purpose)>| {
        let probe = Probe { nonce: 77, ..Probe::default() };
        let mut request = Request { id: 1, body: RequestBody::Probe(probe) }.encode(300);
        if let Some((key, purpose)) = signer {
            key.sign(purpose, &mut request, 0);
        }
        world.send(asker, node(11), request);
        world.run_for(Duration::from_millis(50));
        let answer = seen(&world, node(11), asker).pop().unwrap();
        let Ok(Response { body: ResponseBody::Probe(reply), .. }) = Response::decode(&answer)
        else {
            panic!("no answer");
        };
        assert_eq!(reply.nonce, 77);
        match keys(&[1, 2, 3]).keys.judge(Purpose::Reply, &answer) {
            Tag::Right(key) => Some(key.id()),
            Tag::Absent => None,
            Tag::Wrong => panic!("a wrong tag"),
        }
    };
    assert_eq!(answered(Some((key(1), Purpose::Probe))), Some(1));
    assert_eq!(answered(Some((key(3), Purpose::Probe))), Some(3), "with the asker's key");
    assert_eq!(answered(None), None);
    assert_eq!(answered(Some((key(1), Purpose::Ping))), None);
    assert_eq!(answered(Some((Key::new(1, &[9; 32]), Purpose::Probe))), None);
    assert_eq!(answered(Some((key(2), Purpose::Probe))), None);
}

#[test]
fn a_signed_answer_has_room_for_its_tag() {
    let asker = addr("192.0.2.99:40000");
    let probe = Probe { nonce: 1, names: true, ..Probe::default() };
    let body = RequestBody::Probe(probe);
    let mut request = Request { id: u32::MAX, body }.encode(PADDED_REQUEST - TRAILER);
    key(1).sign(Purpose::Probe, &mut request, 0);
    // Somewhere among these the names no longer fit, then the nodes.
    let lengths = (44..=84).map(|n| {
        let mut world = world(n.into(), |_, _| Path::of(5));
        let nodes: Vec<_> = (1..=n).map(node).collect();
        world.start(superior(), &superior_site(&nodes, keys(&[1])));
        for n in 1..=n {
            world.start(node(n), &leaf_site(n, keys(&[1])));
        }
        world.run_for(2 * SECOND);
        assert_eq!(count(&world), (n.into(), n.into()));
        world.send(asker, superior(), request.clone());
        world.run_for(Duration::from_millis(50));
        let answer = seen(&world, superior(), asker).remove(0);
        assert!(matches!(keys(&[1]).keys.judge(Purpose::Reply, &answer), Tag::Right(_)));
        answer.len()
    });
    let longest = lengths.max().unwrap_or_default();
    assert!((1200..=MAX_ANSWER).contains(&longest), "{longest} bytes");
}

#[test]
fn a_signed_answer_keeps_the_amplification_limit() {
    let mut world = world(24, |_, _| Path::of(5));
    let nodes: Vec<_> = (1..=60).map(node).collect();
    let site = superior_site(&nodes, keys(&[1]));
    world.start(superior(), &Site { patient: true, ..site });
    for n in 1..=60 {
        world.start(node(n), &leaf_site(n, keys(&[1])));
    }
    world.run_for(2 * SECOND);
    let asker = addr("192.0.2.99:40000");
    let mut longest = 0;
    for size in 0..=PADDED_REQUEST - TRAILER {
        let body = RequestBody::Probe(Probe { nonce: 1, ..Probe::default() });
        let mut request = Request { id: 1, body }.encode(size);
        key(1).sign(Purpose::Probe, &mut request, 0);
        let len = request.len();
        let before = seen(&world, superior(), asker).len();
        world.send(asker, superior(), request);
        world.run_for(Duration::from_millis(20));
        let answers = seen(&world, superior(), asker);
        for answer in &answers[before..] {
            assert!(matches!(keys(&[1]).keys.judge(Purpose::Reply, answer), Tag::Right(_)));
            assert!(answer.len() + 28 <= 3 * (len + 28), "{} to {len}", answer.len());
            longest = longest.max(answer.len());
        }
    }
    assert!(longest > 600, "{longest}");
}

#[test]
fn a_check_that_is_sent_away_without_a_tag_comes_back_with_the_cookie() {
    let mut now = Instant::now();
    let mut members = Members::new(Rng::seed_from_u64(25));
    members.set_trust(now, required(keys(&[1])));
    members.set_nodes(now, [NodeSpec { addr: node(11), public: node(11), name: None }]);
    let check = |now: Instant, members: &mut Members| {
        let payload = members.poll_transmit(now).unwrap().payload;
        assert_eq!(payload.len(), PADDED_REQUEST);
        assert!(matches!(keys(&[1]).keys.judge(Purpose::Probe, &payload), Tag::Right(_)));
        match Request::decode(&payload) {
            Ok(Request { id, body: RequestBody::Probe(Probe { nonce, cookie, .. }) }) => {
                (id, nonce, cookie.to_vec())
            }
            other => panic!("{other:?}"),
        }
    };
    let (id, nonce, cookie) = check(now, &mut members);
    assert!(cookie.is_empty());
    now += Duration::from_millis(10);
    let mut hear = |nonce, retry| {
        let reply = ProbeReply { nonce, retry, cookie: vec![7; 21], ..ProbeReply::default() };
        let turn = (!retry).then(|| addr("192.0.2.66:3478"));
        let body = ResponseBody::Probe(ProbeReply { turn, version: 1, ..reply });
        members.handle_datagram(now, node(11), &Response { id, body }.encode())
    };
    assert_eq!(hear(nonce, false), CheckOutcome::Unsigned);
    assert_eq!(hear(nonce ^ 1, true), CheckOutcome::Mismatched);
    assert_eq!(hear(nonce, true), CheckOutcome::Right);
    assert_eq!(members.online(now).count(), 0);
    assert_eq!(check(now + Duration::from_millis(250), &mut members).2, [7; 21]);
}
