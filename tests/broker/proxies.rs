//! Who asks where a proxy stands between, over real connections.

use turn_balance::Http;
use turn_balance_lab::http::{Answer, connect_from, exchange};

use crate::ice::minting;
use crate::world::World;

/// The proxy that is trusted, and one that is not.
const PROXY: [u8; 4] = [127, 0, 0, 1];
const STRANGER: [u8; 4] = [127, 9, 9, 9];

/// The broker of a server behind these proxies, at an address where any of 127.0.0.0/8 reaches it.
fn behind_proxies() -> Http {
    let mut http = minting();
    http.bind = vec!["127.0.0.1:0".parse().unwrap()];
    http.trusted_proxies = vec!["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    http
}

/// Shows no good key, from this address and with these lines.
fn guess(world: &World, from: [u8; 4], lines: &str) -> Answer {
    let request = format!(
        "POST /v1/ice HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\
         Authorization: Bearer guess\r\n{lines}\r\n"
    );
    exchange(connect_from(from, world.addr()), request.as_bytes()).unwrap()
}

fn status(world: &World, from: [u8; 4], lines: &str) -> u16 {
    guess(world, from, lines).status
}

/// Guesses until that is too often. What one has used up comes back within a second: each who is looked at
/// is used up anew.
fn use_up(world: &World, from: [u8; 4], lines: &str) {
    let tries = (0..200).map(|_| status(world, from, lines));
    assert!(tries.into_iter().any(|status| status == 429), "never too often: {lines}");
}

/// Whether these count for the one who asks so. He has just used up his own.
fn is(world: &World, whose: &str, from: [u8; 4], lines: &str) -> bool {
    use_up(world, PROXY, &format!("X-Forwarded-For: {whose}\r\n"));
    status(world, from, lines) == 429
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_behind_a_trusted_proxy_has_what_is_his() {
    let world = World::new(behind_proxies()).await;
    let whose = "198.51.100.1";
    for (lines, counts) in [
        ("X-Forwarded-For: 198.51.100.1\r\n", true),
        ("X-Forwarded-For: 198.51.100.2\r\n", false),
        // A neighbour in the /64, but none of another.
        ("", false),
        // Several hops: what a stranger wrote before them counts for nothing.
        ("X-Forwarded-For: 198.51.100.1, 10.1.2.3\r\n", true),
        ("X-Forwarded-For: 192.0.2.1, 198.51.100.1, 10.1.2.3\r\n", true),
        ("X-Forwarded-For: 198.51.100.1, 192.0.2.1, 10.1.2.3\r\n", false),
        ("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 198.51.100.1\r\n", true),
        ("X-Forwarded-For: 198.51.100.1:4711\r\n", true),
        ("x-forwarded-for: ::ffff:198.51.100.1\r\n", true),
        // Rubbish ends the chain.
        ("X-Forwarded-For: rubbish, 198.51.100.1\r\n", true),
        ("X-Forwarded-For: \u{e4}, 198.51.100.1\r\n", true),
        ("X-Forwarded-For: 198.51.100.1, rubbish\r\n", false),
        ("X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: \u{e4}\r\n", false),
        ("X-Forwarded-For: 198.51.100.1, , \r\n", false),
        ("X-Forwarded-For: \u{e4}\r\n", false),
        ("X-Forwarded-For: 198.51.100.1 10.1.2.3\r\n", false),
        ("Forwarded: for=198.51.100.1\r\n", false),
    ] {
        assert_eq!(is(&world, whose, PROXY, lines), counts, "{lines}");
    }
    let long = format!("X-Forwarded-For: {}\r\n", "10.0.0.1,".repeat(1000));
    assert_eq!(status(&world, PROXY, &long), 401, "a long chain is no more than others");
    assert!(is(&world, "2001:db8::1", PROXY, "X-Forwarded-For: 2001:db8::2\r\n"), "one /64");
    assert!(!is(&world, "2001:db8::1", PROXY, "X-Forwarded-For: 2001:db8:0:1::1\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_say_of_whom_they_ask_for_is_not_believed() {
    let world = World::new(behind_proxies()).await;
    let said = "X-Forwarded-For: 198.51.100.1\r\n";
    assert!(!is(&world, "198.51.100.1", STRANGER, said), "he spends what is another's");
    // However he calls himself, he spends his own.
    let names = (0..200).map(|n| format!("X-Forwarded-For: 198.51.100.{n}\r\n"));
    assert!(names.into_iter().any(|lines| status(&world, STRANGER, &lines) == 429));
    let others = "X-Forwarded-For: 198.51.100.7\r\n";
    assert_eq!(status(&world, PROXY, others), 401, "the one whom he named has all of his");
}
