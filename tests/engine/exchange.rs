//! The one tracker of outstanding requests.

use std::time::Instant;

use turn_balance::internals::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use turn_balance::internals::wire::{Extras, View};

const PROBE: Query = Query::Probe {
    view: View::Flat,
    names: false,
    extras: Extras { urls: false, down: false, labels: false },
    size: 392,
};

fn token(n: u32) -> Token {
    Token { id: n, nonce: u64::from(n) << 32 | 7 }
}

fn exchange(requests: u32) -> Exchange<u32> {
    let mut exchange = Exchange::new(Owner::Client);
    (1..=requests).for_each(|n| exchange.sent(Instant::now(), token(n), PROBE, n));
    exchange
}

#[test]
fn an_answer_is_right_once_and_only_with_what_was_sent() {
    let mut exchange = exchange(2);
    let right = Proof::Reply { id: 2, nonce: Some(token(2).nonce) };
    let others = [
        Proof::Reply { id: 2, nonce: Some(token(1).nonce) },
        Proof::Reply { id: 3, nonce: Some(token(2).nonce) },
        Proof::Binding(token(2)),
    ];
    assert!(others.iter().all(|proof| exchange.judge(*proof) == Judged::Unasked));
    assert!(matches!(exchange.judge(right), Judged::Right { note: 2, .. }));
    exchange.accept(right);
    assert_eq!(exchange.judge(right), Judged::Repeated);
    assert_eq!(exchange.forget_oldest(), Some(1));
    assert_eq!(exchange.forget_oldest(), None, "it was answered");
}

#[test]
fn a_nonce_may_lack_only_until_one_has_come_back() {
    let mut exchange = exchange(3);
    let bare = |id| Proof::Reply { id, nonce: None };
    assert!(matches!(exchange.judge(bare(1)), Judged::Right { note: 1, .. }));
    exchange.accept(bare(1));
    exchange.accept(Proof::Reply { id: 2, nonce: Some(token(2).nonce) });
    assert_eq!(exchange.judge(bare(3)), Judged::Unasked);
}

#[test]
fn a_nonce_counts_also_where_somebody_was_faster() {
    let mut exchange = exchange(2);
    exchange.accept(Proof::Reply { id: 1, nonce: None });
    let late = Proof::Reply { id: 1, nonce: Some(token(1).nonce) };
    assert_eq!(exchange.judge(late), Judged::Repeated);
    exchange.accept(late);
    assert_eq!(exchange.judge(Proof::Reply { id: 2, nonce: None }), Judged::Unasked);
}

#[test]
fn each_request_is_known_by_the_bytes_that_went_out() {
    let mut exchange = exchange(1);
    let first = exchange.encode(token(1), PROBE);
    exchange.set_cookie(vec![9; 21]);
    let short = Query::Probe {
        view: View::Flat,
        names: false,
        extras: Extras { urls: false, down: false, labels: false },
        size: 44,
    };
    let second = exchange.encode(token(2), short);
    exchange.sent(Instant::now(), token(2), short, 2);
    assert!(exchange.is_quoted(&first) && exchange.is_quoted(&second));
    assert!(!exchange.is_quoted(&exchange.encode(token(1), short)));
    assert!(!exchange.is_quoted(&exchange.encode(token(2), PROBE)));
}
