//! One server that is asked for its list, or how a TURN server is reached.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::ServerKind;
use turn_balance::internals::OnLink;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{Obstacle, View};
use turn_balance::internals::engine::client::list::{About, Inquiry, Told};
use turn_balance::internals::wire::{
    Extras, Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

const SERVER: &str = "198.51.100.7:3001";
const TIMEOUT: Duration = Duration::from_secs(3);

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What was asked, as the server reads it.
struct Asked {
    id: u32,
    nonce: u64,
    cookie: Vec<u8>,
    view: View,
    names: bool,
    extras: Extras,
    urls_of: Option<SocketAddr>,
    payload: Vec<u8>,
}

impl Asked {
    /// The answer with what it asks for to be told by.
    fn answer(&self, reply: ProbeReply) -> Vec<u8> {
        let reply = ProbeReply { nonce: self.nonce, ..reply };
        Response { id: self.id, body: ResponseBody::Probe(reply) }.encode()
    }
}

/// An inquiry and the time there.
struct Asker {
    inquiry: Inquiry,
    start: Instant,
    now: Instant,
}

impl Asker {
    fn new(about: About) -> Self {
        let (now, rng) = (turn_balance_lab::moment(), Rng::seed_from_u64(7));
        let inquiry = Inquiry::new(addr(SERVER), about, TIMEOUT, OnLink::default(), now, rng);
        Self { inquiry, start: now, now }
    }

    fn of_a_list() -> Self {
        Self::new(About::List(View::Flat))
    }

    /// The request that leaves now.
    fn asks(&mut self) -> Option<Asked> {
        let transmit = self.inquiry.poll_transmit(self.now)?;
        assert_eq!(transmit.to, addr(SERVER));
        let Ok(Request { id, body: RequestBody::Probe(probe) }) =
            Request::decode(&transmit.payload)
        else {
            panic!("no probe: {transmit:?}");
        };
        Some(Asked {
            id,
            nonce: probe.nonce,
            cookie: probe.cookie.to_vec(),
            view: probe.view,
            names: probe.names,
            extras: probe.extras,
            urls_of: probe.urls_of,
            payload: transmit.payload.clone(),
        })
    }

    /// An answer comes so much later.
    fn hears(&mut self, after: Duration, answer: &[u8]) {
        self.now += after;
        self.inquiry.handle_datagram(self.now, addr(SERVER), answer);
    }

    /// Lets time pass until something is due. Returns since when that is.
    fn waits(&mut self) -> Option<Duration> {
        self.now = self.inquiry.poll_timeout()?;
        self.inquiry.handle_timeout(self.now);
        Some(self.now - self.start)
    }

    fn told(&self) -> &Told {
        self.inquiry.told().expect("it is told")
    }
}

fn leaf(n: u8) -> Node {
    let turn = Some(SocketAddr::from(([203, 0, 113, n], 3478)));
    Node { turn, ..Node::new(([203, 0, 113, n], 3001).into(), Kind::Leaf) }
}

fn part(nodes: impl IntoIterator<Item = u8>, total: u32) -> ProbeReply {
    ProbeReply { nodes: nodes.into_iter().map(leaf).collect(), total, ..ProbeReply::default() }
}

/// The last bytes of the addresses that were told of.
fn listed(told: &Told) -> Vec<String> {
    let Told::List(list) = told else { panic!("{told:?}") };
    list.servers.iter().map(|server| server.addr.to_string()).collect()
}

#[test]
fn who_is_silent_is_asked_with_longer_and_longer_pauses() {
    let mut asker = Asker::of_a_list();
    let mut asked = Vec::new();
    let mut at = Some(Duration::ZERO);
    while let Some(moment) = at {
        if let Some(request) = asker.asks() {
            assert!(asker.asks().is_none(), "one at a time");
            asked.push((moment, request));
        }
        at = asker.waits();
    }
    let moments: Vec<_> = asked.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(moments, [0, 300, 900, 2100]);
    assert_eq!((asker.now - asker.start, asker.told()), (TIMEOUT, &Told::Nothing));
    let mut nonces: Vec<_> = asked.iter().map(|(_, request)| request.nonce).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 4, "each has its own");
    let (_, first) = &asked[0];
    assert_eq!((first.view, first.names, first.urls_of), (View::Flat, true, None));
    assert_eq!(first.extras, Extras { urls: true, labels: true, ..Extras::default() });
    assert_eq!(first.payload.len(), 392);
    // Whatever comes afterwards changes nothing, nor is anything sent.
    asker.hears(ms(1), &first.answer(part([1], 1)));
    assert!(asker.asks().is_none());
    assert_eq!(asker.told(), &Told::Nothing);
}

#[test]
fn only_the_answer_to_a_request_counts_and_the_time_from_that_one() {
    let mut asker = Asker::of_a_list();
    let first = asker.asks().unwrap();
    asker.waits();
    let second = asker.asks().unwrap();
    let right = second.answer(part([1], 1));
    asker.inquiry.handle_datagram(asker.now, addr("198.51.100.8:3001"), &right);
    asker.inquiry.handle_datagram(asker.now, addr("198.51.100.7:3002"), &right);
    let forged = [
        Asked { id: second.id ^ 1, ..asked_again(&second) },
        Asked { nonce: second.nonce ^ 1, ..asked_again(&second) },
        Asked { id: first.id, ..asked_again(&second) },
    ];
    forged.iter().for_each(|asked| asker.hears(ms(0), &asked.answer(part([9], 1))));
    asker.hears(ms(0), b"");
    asker.hears(ms(0), &second.payload);
    assert_eq!(asker.inquiry.told(), None);
    asker.hears(ms(40), &right);
    assert_eq!(listed(asker.told()), ["203.0.113.1:3001"]);
    let Told::List(list) = asker.told() else { unreachable!() };
    assert_eq!((list.rtt, list.addr, list.total), (ms(40), addr(SERVER), 1));
    assert_eq!(asker.inquiry.poll_timeout(), None);
    asker.hears(ms(1), &first.answer(part([9], 1)));
    assert_eq!(listed(asker.told()), ["203.0.113.1:3001"], "it is told once");
}

fn asked_again(asked: &Asked) -> Asked {
    Asked { cookie: Vec::new(), payload: Vec::new(), ..*asked }
}

#[test]
fn who_asks_to_come_back_is_come_back_to_three_times() {
    let mut asker = Asker::of_a_list();
    let mut asked = asker.asks().unwrap();
    for n in 1..=3_u8 {
        let retry = ProbeReply { retry: true, cookie: vec![n; 21], ..ProbeReply::default() };
        asker.hears(ms(10), &asked.answer(retry));
        asked = asker.asks().expect("at once");
        assert_eq!(asked.cookie, [n; 21]);
    }
    let again = ProbeReply { retry: true, cookie: vec![9; 21], ..ProbeReply::default() };
    asker.hears(ms(10), &asked.answer(again));
    assert!(asker.asks().is_none(), "no loop is made of it");
    asker.waits();
    let last = asker.asks().unwrap();
    assert_eq!(last.cookie, [3; 21]);
    asker.hears(ms(10), &last.answer(part([1], 1)));
    assert_eq!(listed(asker.told()).len(), 1);
}

#[test]
fn a_list_in_parts_is_asked_for_until_it_is_whole_or_nothing_new_comes() {
    let mut asker = Asker::of_a_list();
    for nodes in [0..4, 2..6] {
        let asked = asker.asks().expect("at once");
        asker.hears(ms(20), &asked.answer(part(nodes, 7)));
        assert_eq!(asker.inquiry.told(), None);
    }
    let asked = asker.asks().unwrap();
    asker.hears(ms(20), &asked.answer(part(5..7, 7)));
    assert_eq!(listed(asker.told()).len(), 7, "each once");

    // One who says that there are more than he ever names.
    let mut asker = Asker::of_a_list();
    let mut parts = 0;
    while let Some(asked) = asker.asks() {
        parts += 1;
        asker.hears(ms(20), &asked.answer(part([1, 2], u32::MAX)));
    }
    assert_eq!((parts, listed(asker.told()).len()), (3, 2));
    let Told::List(list) = asker.told() else { unreachable!() };
    assert_eq!(list.total, u32::MAX as usize);
    // And one who always has one more.
    let mut asker = Asker::of_a_list();
    let mut parts = 0_u8;
    while let Some(asked) = asker.asks() {
        parts += 1;
        asker.hears(ms(20), &asked.answer(part([parts], u32::MAX)));
    }
    assert_eq!((parts, listed(asker.told()).len()), (16, 16));

    // A part is better than nothing, where the rest never comes.
    let mut asker = Asker::of_a_list();
    let asked = asker.asks().unwrap();
    asker.hears(ms(20), &asked.answer(part([1, 2], 7)));
    while asker.waits().is_some() {
        asker.asks();
    }
    assert_eq!((asker.now - asker.start, listed(asker.told()).len()), (TIMEOUT, 2));
}

#[test]
fn nobody_is_taken_in_whom_it_may_not_name() {
    let named = |to: &str, kind| Node::new(addr(to), kind);
    let with_turn = |turn: &str| Node { turn: Some(addr(turn)), ..leaf(3) };
    let nodes = vec![
        named("203.0.113.1:3001", Kind::Balance),
        named("127.0.0.1:3001", Kind::Balance),
        named("10.0.0.1:3001", Kind::Leaf),
        named("192.168.1.1:3478", Kind::Turn),
        named("203.0.113.2:53", Kind::Balance),
        named("203.0.113.5:53", Kind::Turn),
        with_turn("10.0.0.1:3478"),
        named("203.0.113.4:3478", Kind::Turn),
    ];
    let total = nodes.len() as u32;
    let mut asker = Asker::of_a_list();
    let asked = asker.asks().unwrap();
    asker.hears(ms(9), &asked.answer(ProbeReply { nodes, total, ..ProbeReply::default() }));
    let Told::List(list) = asker.told() else { panic!("{:?}", asker.told()) };
    let told: Vec<_> =
        list.servers.iter().map(|server| (server.addr.to_string(), server.kind)).collect();
    let told: Vec<_> = told.iter().map(|(addr, kind)| (addr.as_str(), *kind)).collect();
    assert_eq!(told[0], ("203.0.113.1:3001", ServerKind::Balance));
    assert_eq!(told[told.len() - 1], ("203.0.113.4:3478", ServerKind::Turn));
    assert!(told.iter().all(|(addr, kind)| {
        addr.starts_with("203.0.113.") && (!addr.ends_with(":53") || *kind == ServerKind::Turn)
    }));
    assert!(list.servers.iter().all(|server| server.addr != leaf(3).addr), "nor its TURN server");
    assert_eq!(list.total, 8);
}

#[test]
fn who_lists_nobody_tells_of_the_turn_server_beside_it() {
    let url = "turn:203.0.113.7?transport=tcp";
    let beside = |turn: &str| ProbeReply {
        turn: Some(addr(turn)),
        urls: vec![url.to_owned(), "turn:127.0.0.1".to_owned(), "nonsense".to_owned()],
        ..ProbeReply::default()
    };
    let mut asker = Asker::of_a_list();
    let asked = asker.asks().unwrap();
    asker.hears(ms(9), &asked.answer(beside("203.0.113.7:3478")));
    let Told::List(list) = asker.told() else { panic!("{:?}", asker.told()) };
    let [server] = list.servers.as_slice() else { panic!("{list:?}") };
    assert_eq!((server.kind, server.turn), (ServerKind::Turn, Some(addr("203.0.113.7:3478"))));
    assert_eq!(server.urls.iter().map(ToString::to_string).collect::<Vec<_>>(), [url]);
    let mut asker = Asker::of_a_list();
    let asked = asker.asks().unwrap();
    asker.hears(ms(9), &asked.answer(beside("127.0.0.1:3478")));
    assert!(listed(asker.told()).is_empty());
}

#[test]
fn urls_are_asked_for_by_the_turn_server_and_bounded() {
    let turn = addr("203.0.113.9:3478");
    let mut asker = Asker::new(About::Urls(Some(turn)));
    let asked = asker.asks().unwrap();
    assert_eq!((asked.urls_of, asked.names, asked.extras.urls), (Some(turn), false, true));
    let many = (0..20).map(|n| format!("turns:t{n}.example")).chain(["stun:a.example".into()]);
    let reply = ProbeReply { urls: many.collect(), ..ProbeReply::default() };
    asker.hears(ms(9), &asked.answer(reply));
    let Told::Urls(urls) = asker.told() else { panic!("{:?}", asker.told()) };
    assert_eq!(urls.len(), 8);
    assert_eq!(Asker::new(About::Urls(None)).asks().unwrap().urls_of, None);
}

#[test]
fn icmp_counts_only_about_a_request_and_before_an_answer() {
    let mut asker = Asker::of_a_list();
    let asked = asker.asks().unwrap();
    asker.inquiry.handle_icmp(addr(SERVER), Obstacle::Port, b"something else");
    asker.inquiry.handle_icmp(addr("198.51.100.8:3001"), Obstacle::Port, &asked.payload);
    assert_eq!(asker.inquiry.told(), None);
    let mut answered = Asker::of_a_list();
    let first = answered.asks().unwrap();
    answered.hears(ms(9), &first.answer(part([1], 7)));
    let second = answered.asks().unwrap();
    answered.inquiry.handle_icmp(addr(SERVER), Obstacle::Port, &second.payload);
    assert_eq!(answered.inquiry.told(), None, "it is there");
    asker.inquiry.handle_icmp(addr(SERVER), Obstacle::Port, &asked.payload);
    assert_eq!(asker.told(), &Told::Unreachable(Obstacle::Port));
    let mut nowhere = Asker::of_a_list();
    nowhere.inquiry.handle_unreachable();
    assert_eq!(nowhere.told(), &Told::Unreachable(Obstacle::Path));
}
