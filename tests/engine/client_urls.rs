//! How TURN servers are reached: who is asked for it, what of it is kept, and what it costs.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::client::descent::{Options, Selection, Strategy, Verify};
use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody, State,
};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, World};

/// What a server answers to who asks for a list, and to who asks for the URLs of this TURN server.
type Reply = Box<dyn FnMut(bool, Option<SocketAddr>) -> Option<ProbeReply>>;

fn answers(mut reply: Reply) -> Host {
    Host::Actor(Box::new(move |to, _, request| {
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
            return Vec::new();
        };
        let Some(reply) = reply(probe.extras.urls, probe.urls_of) else { return Vec::new() };
        let reply = ProbeReply { nonce: probe.nonce, version: 1, ..reply };
        vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
    }))
}

fn texts(urls: &[&str]) -> Vec<String> {
    urls.iter().map(|&url| url.to_owned()).collect()
}

/// A leaf that names the TURN server beside it, and tells these URLs to who asks.
fn leaf_with(n: u8, urls: &'static [&'static str]) -> Host {
    let told = move |asked| if asked { texts(urls) } else { Vec::new() };
    answers(Box::new(move |asked, _| {
        Some(ProbeReply { turn: Some(leaf_turn(n)), urls: told(asked), ..ProbeReply::default() })
    }))
}

fn lists(nodes: Vec<Node>) -> Host {
    answers(Box::new(move |_, _| {
        Some(ProbeReply { nodes: nodes.clone(), ..ProbeReply::default() })
    }))
}

/// A root at 10 ms that lists leaves as far as their numbers say, with their TURN servers.
fn world(leaves: Vec<(u8, Host)>) -> World<'static> {
    let mut world = World::new(50, |from, to| {
        let far = |addr: SocketAddr| -> f64 {
            match addr.ip().to_string().rsplit_once('.') {
                Some(("203.0.113", n)) => n.parse().unwrap_or(0.0),
                _ => 10.0,
            }
        };
        Path { delay: far(from).max(far(to)), ..Path::of(0) }
    });
    let nodes = leaves.iter().map(|(n, _)| Node::new(leaf(*n), Kind::Balance)).collect();
    world.hosts.insert(server(ROOT), lists(nodes));
    for (n, host) in leaves {
        world.hosts.insert(leaf(n), host);
        world.hosts.insert(leaf_turn(n), Host::Turn);
    }
    world
}

fn descend(world: &mut World<'static>, options: Options) -> Selection {
    world.log.clear();
    selection(&world.descend(client(), Options { urls: true, ..options }, &[server(ROOT)]))
}

fn urls(selection: &Selection) -> Vec<String> {
    selection.urls.iter().map(ToString::to_string).collect()
}

#[test]
fn a_leaf_tells_them_in_the_time_that_the_last_round_takes() {
    let told = &["turns:fra.example:5349?transport=tcp", "turn:203.0.113.11:3478?transport=udp"];
    let leaves = || vec![(11, leaf_with(11, told)), (12, leaf_with(12, &[]))];
    for strategy in [Strategy::Best, Strategy::First] {
        for verify in [Verify::On, Verify::Off, Verify::Require] {
            let options = Options { strategy, verify, ..Options::default() };
            let chosen = descend(&mut world(leaves()), options.clone());
            assert_eq!((chosen.turn, urls(&chosen)), (leaf_turn(11), texts(told)), "{options:?}");
            if strategy == Strategy::Best {
                let other: Vec<_> =
                    chosen.runners_up[0].urls.iter().map(|u| u.to_string()).collect();
                assert_eq!(other, ["turn:203.0.113.12:3478?transport=udp"], "{options:?}");
            }
            let without = world(leaves()).descend(client(), options.clone(), &[server(ROOT)]);
            let without = selection(&without);
            assert!(without.urls.is_empty() && without.turn == chosen.turn, "{without:?}");
            // It takes no longer where there is a last round; else one round trip and two copies.
            let more = chosen.elapsed - without.elapsed;
            let verifies = strategy == Strategy::Best && verify != Verify::Off;
            let most = if verifies { 5 } else { 22 + 5 };
            assert!(more <= Duration::from_millis(most), "{options:?}: {more:?} longer");
            assert!(chosen.cost.datagrams <= without.cost.datagrams + 12, "{chosen:?}");
        }
    }
}

#[test]
fn those_of_the_runners_up_that_are_wanted_are_awaited() {
    let leaves = || vec![(11, leaf_with(11, &[])), (25, leaf_with(25, &["turns:far.example"]))];
    let of_the_other = |runners_up| {
        let options = Options { runners_up, ..Options::default() };
        let chosen = descend(&mut world(leaves()), options);
        chosen.runners_up.first().map(|other| texts(&[&other.urls[0].to_string()]))
    };
    assert_eq!(of_the_other(1), Some(texts(&["turns:far.example"])));
    assert_eq!(of_the_other(0), Some(texts(&["turn:203.0.113.25:3478?transport=udp"])));
}

#[test]
fn a_lost_datagram_loses_none_and_silence_holds_nothing_up() {
    let mut asked = 0;
    let deaf = answers(Box::new(move |urls, _| {
        asked += u32::from(urls);
        let urls = if urls { texts(&["turns:fra.example"]) } else { Vec::new() };
        // It hears the last copy of the second try.
        let reply = ProbeReply { turn: Some(leaf_turn(11)), urls, ..ProbeReply::default() };
        Some(reply).filter(|reply| reply.urls.is_empty() || asked == 6)
    }));
    let chosen = descend(&mut world(vec![(11, deaf)]), Options::default());
    assert_eq!(urls(&chosen), ["turns:fra.example"]);

    let mute = answers(Box::new(|urls, _| {
        let reply = ProbeReply { turn: Some(leaf_turn(11)), ..ProbeReply::default() };
        Some(reply).filter(|_| !urls)
    }));
    let chosen = descend(&mut world(vec![(11, mute)]), Options::default());
    assert_eq!(urls(&chosen), ["turn:203.0.113.11:3478?transport=udp"]);
    assert!(chosen.elapsed < Duration::from_millis(300), "{:?}", chosen.elapsed);
}

#[test]
fn one_that_goes_out_of_service_meanwhile_is_passed_over_unless_nobody_else_lives() {
    let drains = |state: State| {
        answers(Box::new(move |asked, _| {
            let state = if asked { state } else { State::Offering };
            Some(ProbeReply { state, turn: Some(leaf_turn(11)), ..ProbeReply::default() })
        }))
    };
    let far = || (90, leaf_with(90, &["turns:far.example"]));
    for state in [State::Draining, State::Full, State::TurnDown] {
        for verify in [Verify::On, Verify::Off, Verify::Require] {
            let options = Options { verify, ..Options::default() };
            let mut both = world(vec![(11, drains(state)), far()]);
            let chosen = descend(&mut both, options.clone());
            let expected = (leaf_turn(90), texts(&["turns:far.example"]), verify != Verify::Off);
            assert_eq!((chosen.turn, urls(&chosen), chosen.verified), expected, "{options:?}");

            let mut alone = world(vec![(11, drains(state))]);
            let options = Options { urls: true, ..options };
            let trace = alone.descend(client(), options, &[server(ROOT)]).trace();
            let serves = state != State::TurnDown;
            let outcome = trace.and_then(|trace| trace.outcome.ok());
            let turn = outcome.map(|chosen| chosen.turn);
            assert_eq!(turn, serves.then_some(leaf_turn(11)), "{state:?} {verify:?}");
        }
    }
}

#[test]
fn a_stranger_names_nothing_that_its_root_must_not() {
    const TOLD: &[&str] = &[
        "turn:127.0.0.1:3478",
        "turn:localhost:3478",
        "turn:a.localhost.",
        "turn:192.168.1.1?transport=tcp",
        "turn:[::1]",
        "turn:[fe80::1]:9",
        "turn:127.1",
        "turn:192.0.2.7", // where the client is
        "stun:203.0.113.11",
        "https://203.0.113.11",
        "https://turn.example/",
        "turn:203.0.113.11 x",
        "turn:a.example?transport=udp",
        "turn:a.example?transport=udp",
        "TURNS:203.0.113.12",
    ];
    let mut world = world(vec![(11, leaf_with(11, TOLD))]);
    let on_link = turn_balance::internals::OnLink::new([(1, [192, 0, 2, 99].into(), 24)]);
    let chosen = descend(&mut world, Options { on_link, ..Options::default() });
    assert_eq!(urls(&chosen), ["turn:a.example?transport=udp", "turns:203.0.113.12"]);
    const WRITTEN_OTHERWISE: &[&str] = &[
        "turn:0x7f.1",
        "turn:0x7f000001",
        "turn:0xa.0.0.1",
        "turn:ip6-localhost",
        "turn:ip6-loopback.",
        "turn:localhost.localdomain",
        "turn:localhost6.localdomain6",
        "turn:a.example",
    ];
    let mut other = self::world(vec![(11, leaf_with(11, WRITTEN_OTHERWISE))]);
    assert_eq!(urls(&descend(&mut other, Options::default())), ["turn:a.example"]);
    let many: &'static [&'static str] =
        &["turn:a", "turn:b", "turn:c", "turn:d", "turn:e", "turn:f", "turn:g", "turn:h", "turn:i"];
    let chosen = descend(&mut self::world(vec![(11, leaf_with(11, many))]), Options::default());
    assert_eq!(chosen.urls.len(), 8);
}

/// A root that lists a TURN server, checked by itself or by another, and who answers what of it.
fn listed(checker: Option<SocketAddr>) -> World<'static> {
    let mut world = World::new(51, |_, _| Path::of(10));
    let node = Node { checker, ..Node::new(leaf_turn(11), Kind::Turn) };
    let tells = |url: &'static str, nodes: Vec<Node>| {
        answers(Box::new(move |asked, of| {
            let known = asked && of == Some(leaf_turn(11));
            let urls = if known { texts(&[url]) } else { Vec::new() };
            Some(ProbeReply { nodes: nodes.clone(), urls, ..ProbeReply::default() })
        }))
    };
    world.hosts.insert(server(ROOT), tells("turns:root.example", vec![node]));
    world.hosts.insert(region(1), tells("turns:checker.example", Vec::new()));
    world.hosts.insert(leaf_turn(11), Host::Turn);
    world
}

#[test]
fn of_one_that_is_listed_whoever_checks_it_tells_them() {
    for (checker, expected) in [
        (None, "turns:root.example"),
        (Some(region(1)), "turns:checker.example"),
        // Where a list may lead nowhere, its lister is asked.
        (Some("127.0.0.1:3001".parse().unwrap()), "turns:root.example"),
        (Some("203.0.113.1:53".parse().unwrap()), "turns:root.example"),
    ] {
        for (strategy, verify) in [
            (Strategy::Best, Verify::On),
            (Strategy::Best, Verify::Off),
            (Strategy::First, Verify::On),
        ] {
            let options = Options { strategy, verify, ..Options::default() };
            let chosen = descend(&mut listed(checker), options);
            assert_eq!((chosen.turn, urls(&chosen)), (leaf_turn(11), texts(&[expected])));
        }
    }
}

#[test]
fn one_who_is_said_to_check_many_and_is_silent_is_not_asked_without_end() {
    let node = |n| Node { checker: Some(region(1)), ..Node::new(leaf_turn(n), Kind::Turn) };
    let descend = |checker: Option<Host>| {
        let mut world = World::new(52, |_, _| Path::of(10));
        world.hosts.insert(server(ROOT), lists((11..=30).map(node).collect()));
        world.hosts.extend(checker.map(|checker| (region(1), checker)));
        world.hosts.extend((11..=30).map(|n| (leaf_turn(n), Host::Turn)));
        let chosen = descend(&mut world, Options::default());
        assert_eq!(urls(&chosen), ["turn:203.0.113.11:3478?transport=udp"]);
        world.log.iter().filter(|sent| sent.to == region(1)).count()
    };
    assert_eq!(descend(None), 8, "as often as it may be");
    // One that tells of others is no longer silent.
    let of_others = answers(Box::new(|_, of| {
        Some(ProbeReply::default()).filter(|_| of != Some(leaf_turn(11)))
    }));
    assert_eq!(descend(Some(of_others)), 8 + 3 + 3);
}

#[test]
fn one_that_has_returned_a_nonce_is_believed_nothing_without_one() {
    // Its list came with a nonce, what is told of URLs comes without, as from who has seen ids alone.
    let bare = |n: u8, bare: fn(&turn_balance::internals::wire::Probe<'_>) -> bool| {
        Host::Actor(Box::new(move |to, _, request| {
            let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request)
            else {
                return Vec::new();
            };
            let urls = if probe.extras.urls { texts(&["turns:fra.example"]) } else { Vec::new() };
            let mut reply = ProbeReply { turn: Some(leaf_turn(n)), urls, ..ProbeReply::default() };
            if !bare(&probe) {
                (reply.nonce, reply.version) = (probe.nonce, 1);
            }
            vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
        }))
    };
    let mut forged = world(vec![(11, bare(11, |probe| probe.extras.urls))]);
    let chosen = descend(&mut forged, Options::default());
    assert_eq!(urls(&chosen), ["turn:203.0.113.11:3478?transport=udp"]);
    // One that never returns any is an old one, and believed.
    let chosen = descend(&mut world(vec![(11, bare(11, |_| true))]), Options::default());
    assert_eq!(urls(&chosen), ["turns:fra.example"]);

    // A checker that tells of one TURN server with a nonce, and of another without.
    let node = |n| Node { checker: Some(region(1)), ..Node::new(leaf_turn(n), Kind::Turn) };
    let mut world = World::new(53, |_, to| Path::of(if to == leaf_turn(11) { 10 } else { 11 }));
    world.hosts.insert(server(ROOT), lists(vec![node(11), node(12)]));
    world.hosts.extend([11, 12].map(|n| (leaf_turn(n), Host::Turn)));
    world.hosts.insert(region(1), bare(11, |probe| probe.urls_of == Some(leaf_turn(12))));
    let chosen = descend(&mut world, Options::default());
    assert_eq!((chosen.turn, urls(&chosen)), (leaf_turn(11), texts(&["turns:fra.example"])));
    let other: Vec<_> = chosen.runners_up[0].urls.iter().map(ToString::to_string).collect();
    assert_eq!(other, ["turn:203.0.113.12:3478?transport=udp"]);
}

#[test]
fn a_server_that_hands_out_a_cookie_is_asked_with_it() {
    let mut asked = 0;
    let limited = answers(Box::new(move |urls, _| {
        asked += u32::from(urls);
        let reply = ProbeReply { turn: Some(leaf_turn(11)), ..ProbeReply::default() };
        Some(match (urls, asked) {
            (true, ..=3) => ProbeReply { retry: true, cookie: vec![7; 8], ..ProbeReply::default() },
            (true, _) => ProbeReply { urls: texts(&["turns:fra.example"]), ..reply },
            _ => reply,
        })
    }));
    let mut world = world(vec![(11, limited)]);
    assert_eq!(urls(&descend(&mut world, Options::default())), ["turns:fra.example"]);
}

#[test]
fn a_small_budget_is_for_finding_a_turn_server() {
    let leaves = (11..=30).map(|n| (n, leaf_with(n, &["turns:fra.example"]))).collect();
    let mut world = world(leaves);
    let mut options = Options::default();
    options.limits.bytes = 4096;
    options.limits.datagrams = 60;
    let chosen = descend(&mut world, options);
    assert_eq!(urls(&chosen), ["turns:fra.example"]);
    let to = |sent: &&turn_balance_sim::Sent| sent.from == client() && sent.to != server(ROOT);
    let sent: Vec<_> = world.log.iter().filter(to).collect();
    assert!(sent.len() <= 60, "{}", sent.len());
    assert!(sent.iter().map(|sent| sent.len).sum::<usize>() <= 4096);
}
