//! A firewall on the server itself: what it drops there is refused to the sender (EPERM).

use std::net::UdpSocket;
use std::time::Duration;

use turn_balance::internals::wire::{Response, ResponseBody, View};

use crate::{addr, lab, leaf, lists, superior};
use turn_balance_lab::host::{ask, eventually, request};

/// How many requests of ours wait for an answer each time.
const ASKED: u64 = 12;

/// The answers that come until none has for a while.
fn answers(socket: &UdpSocket) -> u64 {
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut buffer = [0; 2048];
    let mut count = 0;
    while let Ok(len) = socket.recv(&mut buffer) {
        let response = Response::decode(&buffer[..len]).unwrap();
        count += u64::from(matches!(response.body, ResponseBody::Probe(reply) if !reply.retry));
    }
    count
}

#[test]
fn answers_that_are_refused_do_not_hold_up_others() {
    let Some(lab) = lab() else { return };
    let server = lab.host("server", &["203.0.113.1/24"]);
    let asker = lab.host("asker", &["203.0.113.8/24", "203.0.113.9/24"]);
    let at = addr("203.0.113.1:3001");
    let tb = server.serve(&leaf("203.0.113.1:3001", "203.0.113.2:3001", "203.0.113.1:3478"));
    let [refused, free] = ["203.0.113.8:0", "203.0.113.9:0"].map(|from| asker.udp(addr(from)));
    eventually("it is there", || ask(&free, at, View::Flat, Duration::from_millis(200)));

    server.weather("", "ip daddr 203.0.113.8 udp sport 3001 drop");
    // While the server sleeps, so that they come as one batch, and the first is refused.
    tb.signal(libc::SIGSTOP);
    for nonce in 1..=ASKED {
        for socket in [&refused, &free] {
            socket.send_to(&request(nonce, View::Flat), at).unwrap();
        }
    }
    tb.signal(libc::SIGCONT);
    assert_eq!((answers(&free), answers(&refused)), (ASKED, 0));

    server.weather("", "");
    eventually("it answers both", || ask(&refused, at, View::Flat, Duration::from_millis(200)));
    assert_eq!(tb.end_and_count("unsent"), ASKED);
}

#[test]
fn checks_and_heartbeats_go_on_when_the_rule_is_gone() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| lab.host(&format!("host {n}"), &[&format!("203.0.113.{n}/24")]);
    let [root, checked, heard, client] = [1, 2, 3, 9].map(host);
    let above = "203.0.113.1:3001";
    let nodes = ["203.0.113.2:3001", "203.0.113.3:3001"];
    let server = root.serve(&superior(&[above], &nodes));
    let _checked = checked.serve(&leaf(nodes[0], above, "203.0.113.2:3478"));
    let _heard = heard.serve(&leaf(nodes[1], above, "203.0.113.3:3478"));
    lists(&client, above, &nodes);
    // Of one the checks are refused; the other sends nothing at all.
    root.weather("", "ip daddr 203.0.113.2 drop");
    heard.weather("", "udp sport 3001 drop");
    lists(&client, above, &[]);
    assert!(server.log().contains("cannot send a check"), "the log says why");
    root.weather("", "");
    heard.weather("", "");
    lists(&client, above, &nodes);
}
