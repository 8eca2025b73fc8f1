//! A client with every option, and all that it tells.

use std::future::Future;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use turn_balance::{
    Balance, Builder, Candidate, CandidateState, Cost, Echo, Endpoint, Error, Failure, Family, Hop,
    IceConfiguration, IceServer, LabelError, Labels, Limits, ListedServer, Lister, ListerBuilder,
    Load, Pinger, PingerBuilder, Progress, RunnerUp, Selection, ServerKind, ServerLabel,
    ServerList, Strategy, Trace, TurnCredentials, TurnSecret, Unasked, Unresolved, UnresolvedRoot,
    Verify, View, WatchChange, WatchReason, Watching, Why,
};

const NOBODY: ([u8; 4], u16) = ([127, 0, 0, 1], 9);

fn limits() -> Limits {
    let limits = Limits::default().datagrams(64).bytes(9_000).unanswered(4).depth(3);
    limits.allow(["10.0.0.0/8".parse().unwrap()]).allow_private(true)
}

/// As a program's own flags may say it.
fn verify(ask: bool, insist: bool) -> Verify {
    match (ask, insist) {
        (false, _) => Verify::Off,
        (true, false) => Verify::On,
        (true, true) => Verify::Require,
    }
}

/// What a program's own users may ask for; a word that is no label is told by its mistake.
fn label(text: &str) -> Result<ServerLabel, &'static str> {
    text.parse().map_err(|error| match error {
        LabelError::Form => "write KEY=VALUE",
        LabelError::Long => "write less",
        LabelError::Many | LabelError::Twice => "leave some out",
        LabelError::Name => "call it otherwise",
        _ => "look it up",
    })
}

#[test]
fn what_a_label_may_be() {
    let long = format!("a={}", "b".repeat(ServerLabel::MAX_LEN));
    assert_eq!((label("eu"), label(&long)), (Err("write KEY=VALUE"), Err("write less")));
    let called = label(&format!("{}=fra-b", ServerLabel::NAME)).unwrap();
    assert_eq!((called.key(), called.value()), ("name", "fra-b"));
    let own = Labels::new([label("tier=gold").unwrap()]).unwrap();
    let all = own.below(&"region=eu".parse().unwrap());
    assert_eq!((all.iter().count(), all.get("region")), (2, Some("eu")));
    assert!(!all.is_empty() && Labels::MOST >= 2);
}

fn builder(root: Endpoint, socket: UdpSocket) -> Builder {
    Balance::builder()
        .require(label("region=eu"))
        .prefer(label("tier=gold"))
        .exclude(label("name=fra-b"))
        .root(root)
        .root(SocketAddr::from(NOBODY))
        .strategy(Strategy::Best)
        .view(View::Subordinates)
        .family(Family::V4)
        .timeout(Duration::from_millis(50))
        .linger(Duration::ZERO)
        .limits(limits())
        .verify(verify(true, true))
        .urls(true)
        .socket(socket)
}

fn pings(server: Endpoint) -> PingerBuilder {
    let often = Duration::from_millis(10);
    let pinger = Pinger::builder(server).interval(often).timeout(often).count(1);
    pinger.family(Family::V4).source([127, 0, 0, 1].into()).interface("lo")
}

/// What a program logs of a selection.
fn selected(selection: &Selection) -> String {
    let Selection { turn, listed, name, rtt, elapsed, strategy, path, runners_up, cost, .. } =
        selection;
    let urls = configured(selection);
    let left_out = left_out(&selection.unresolved);
    let strategy = strategy.as_str();
    let answered = if selection.verified { "it answers" } else { "its leaf says so" };
    let drawn = selection.drawn.map_or(String::new(), |among| format!("drawn among {among}"));
    let full = selection.load.map_or(String::new(), |load| format!("{load} full"));
    let path: Vec<_> = path
        .iter()
        .map(|Hop { level, addr, listed, name, rtt, says, .. }| {
            let says = says.map(CandidateState::as_str);
            format!("{level} {addr} {listed:?} {name:?} {rtt:?} {says:?}")
        })
        .collect();
    let lost: Vec<_> = runners_up
        .iter()
        .map(|RunnerUp { turn, listed, name, rtt, verified, load, why, .. }| {
            let (word, load) = (why.as_str(), load.map(Load::percent));
            format!("{turn} {listed:?} {name:?} {rtt:?} {verified} {load:?} {word} {}", of(*why))
        })
        .collect();
    let cost = spent(cost);
    let turn = listed.map_or(turn.to_string(), |listed| format!("{turn}, that is {listed}"));
    format!(
        "{turn} {name:?} {rtt:?} {answered} {drawn} {full} {elapsed:?} {strategy} {path:?} {lost:?} {cost} {left_out:?} {urls:?}"
    )
}

/// What it gives to a WebRTC client.
fn configured(selection: &Selection) -> Vec<String> {
    let minted = TurnSecret::new("north-wind").mint(600, "me");
    let ice = IceConfiguration::new(selection, 1).credentials(&minted);
    let told = |IceServer { urls, credentials, .. }: &IceServer| {
        assert!(credentials.is_some() && !urls.is_empty());
        urls.iter().chain(&selection.urls).map(ToString::to_string).collect::<Vec<_>>()
    };
    let all = ice.ice_servers.iter().flat_map(told);
    all.chain(selection.runners_up.iter().map(|other| other.urls.len().to_string())).collect()
}

fn of(why: Why) -> &'static str {
    match why {
        Why::Slower => "slower",
        Why::Drawn => "drawn",
        Why::Silent => "silent",
        Why::Later => "later",
        Why::Unpreferred => "less preferred",
        _ => "other",
    }
}

fn left_out(roots: &[UnresolvedRoot]) -> Vec<String> {
    let line = |UnresolvedRoot { host, reason, .. }: &UnresolvedRoot| match reason {
        Unresolved::Failed(said) => format!("{host}: {said}"),
        Unresolved::NoAddress(family) => format!("{host}: no {family}"),
        Unresolved::Late => format!("{host}: later"),
        other => format!("{host}: {other}"),
    };
    roots.iter().map(line).collect()
}

fn spent(cost: &Cost) -> u64 {
    let Cost { candidates, silent, unasked, datagrams, bytes, .. } = *cost;
    let Cost { misplaced, mismatched, repeated, malformed, ruled_out, unlisted, .. } = *cost;
    bytes
        + u64::from(ruled_out.max(unlisted))
        + [candidates, silent, unasked, datagrams, misplaced, mismatched, repeated, malformed]
            .map(u64::from)
            .iter()
            .sum::<u64>()
}

/// What a program logs of a trace.
fn traced(trace: &Trace) -> Vec<String> {
    let Trace { candidates, outcome, strategy, view, elapsed, cost, unresolved, .. } = trace;
    let failed = |failure: &Failure| {
        assert_eq!(failure.unresolved(), unresolved);
        failure.kind().to_owned()
    };
    let outcome = outcome.as_ref().map_or_else(failed, selected);
    let (how, spent) = ((strategy.as_str(), view.as_str()), spent(cost));
    let line = |candidate: &Candidate| {
        let Candidate { level, addr, name, via, turn, rtt, total, sent, state, unasked, .. } =
            candidate;
        assert_eq!(candidate.answered_from.is_some(), *state == CandidateState::Misplaced);
        assert!(candidate.unlisted == 0 || *level < 8);
        assert!(candidate.says.is_none_or(|says| says != *state));
        let state = became(*state);
        let state = unasked.map_or(state, why_not);
        format!("{level} {addr} {name:?} {via:?} {turn:?} {rtt:?} {total:?} {sent} {state}")
    };
    let last = format!("{outcome} {how:?} {elapsed:?} {spent}");
    candidates.iter().map(line).chain([last]).collect()
}

fn why_not(unasked: Unasked) -> &'static str {
    match unasked {
        Unasked::Budget | Unasked::Host => "allow it more",
        Unasked::Ended => "too late",
        _ => unasked.as_str(),
    }
}

fn became(state: CandidateState) -> &'static str {
    match state {
        CandidateState::Path | CandidateState::Selected => "chosen",
        CandidateState::Explored | CandidateState::Lost => "slower",
        CandidateState::Undrawn => "as near",
        CandidateState::Silent | CandidateState::Unreachable | CandidateState::Misplaced => "gone",
        CandidateState::Nothing
        | CandidateState::TurnDown
        | CandidateState::Full
        | CandidateState::Draining
        | CandidateState::Unverified
        | CandidateState::Unasked
        | CandidateState::RuledOut
        | CandidateState::Refused => state.as_str(),
        _ => "other",
    }
}

fn shown(progress: Progress) -> String {
    let Progress { candidates, answered, provisional, .. } = progress;
    format!("{answered} of {candidates}, so far {provisional:?}")
}

/// Goes down in every way there is.
async fn ask(balance: &Balance) -> Result<(), Error> {
    let mut steps = Vec::new();
    let trace = balance.trace_with(|progress| steps.push(shown(progress))).await?;
    println!("{steps:?} {:?}", traced(&trace));
    println!("{:?}", traced(&balance.trace().await?));
    println!("{}", selected(&balance.select_with(|_| {}).await?));
    println!("{}", selected(&balance.select().await?));
    println!("{}", balance.probe(1).await?);
    Ok(())
}

async fn ping(mut pinger: Pinger) -> Result<Vec<Echo>, Error> {
    println!("{} bytes to {}", pinger.request_len(), pinger.server());
    let mut echoes = Vec::new();
    while let Some(echo) = pinger.next().await? {
        let Echo { seq, bytes, rtt, late, repeated, obstacle, answered_from, .. } = echo;
        assert!(answered_from.is_none() || rtt.is_none());
        println!("{seq} of {}: {bytes} bytes, {rtt:?}", pinger.sent());
        println!("late: {late}, repeated: {repeated}, {obstacle:?}; {}", pinger.is_settled());
        echoes.push(echo);
    }
    Ok(echoes)
}

/// Why another TURN server is to be used.
fn moved(reason: WatchReason) -> String {
    match reason {
        WatchReason::Selected | WatchReason::Standbys | WatchReason::Renamed => {
            reason.as_str().to_owned()
        }
        WatchReason::RuledOut | WatchReason::Preferred => "it has other labels".to_owned(),
        WatchReason::Silent { lasted } => format!("silent for {lasted:?}"),
        WatchReason::Says(state) => format!("it is {}", state.as_str()),
        WatchReason::Slower { rtt } => format!("{rtt:?} away"),
        other => other.as_str().to_owned(),
    }
}

async fn stay(balance: &Balance) -> Result<String, Error> {
    let mut watching: Watching = balance.watch()?;
    let WatchChange { selection, left, reason, .. } = watching.next().await?;
    let turn = |of: &Option<Selection>| of.as_ref().map(|selection| selection.turn);
    Ok(format!("{:?} for {:?}: {}", turn(&selection), turn(&left), moved(reason)))
}

/// What can be a task of tokio's.
fn task<F: Future + Send>(future: F) -> F {
    future
}

#[tokio::test]
async fn a_client_with_every_option() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let root = Endpoint::from(silent.local_addr().unwrap());
    assert_eq!(root.host(), "127.0.0.1");
    assert_eq!(Family::of(silent.local_addr().unwrap()), Family::V4);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let balance = task(builder(root.clone(), socket).build()).await.unwrap();
    let error = task(ask(&balance)).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    let error = task(stay(&balance)).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    let pinger = task(pings(root.clone()).build()).await.unwrap();
    let echoes = task(ping(pinger)).await.unwrap();
    assert!(matches!(echoes.as_slice(), [Echo { seq: 1, rtt: None, .. }]), "{echoes:?}");
    let addrs = task(root.resolve(Some(Family::V4))).await.unwrap();
    assert_eq!(addrs, [silent.local_addr().unwrap()]);
    task(Balance::new(addrs[0])).await.unwrap();
    task(Pinger::new(addrs[0])).await.unwrap();
}

#[test]
fn options_can_be_read_again() {
    let Limits { datagrams, bytes, unanswered, depth, allow, allow_private, .. } = limits();
    assert_eq!((datagrams, bytes, unanswered, depth), (64, 9_000, 4, 3));
    assert_eq!((allow, allow_private), (vec!["10.0.0.0/8".parse().unwrap()], true));
    assert_eq!([Strategy::Best, Strategy::First].map(Strategy::as_str), ["best", "first"]);
    assert_eq!([View::Flat, View::Subordinates].map(View::as_str), ["flat", "subordinates"]);
}

#[test]
fn credentials_of_a_turn_server() {
    let minted: TurnCredentials = TurnSecret::new("north-wind").mint(1_795_778_101, "tb");
    let TurnCredentials { username, password, .. } = &minted;
    assert_eq!(minted, TurnCredentials::new("1795778101:tb", password));
    assert_eq!(username, "1795778101:tb");
}

/// What a program shows of a list.
fn listed(list: &ServerList) -> Vec<String> {
    let ServerList { addr, name, rtt, servers, total, .. } = list;
    let line = |server: &ListedServer| {
        let ListedServer { addr, kind, name, turn, urls, rtt, weight, .. } = server;
        let own = matches!(kind, ServerKind::Leaf | ServerKind::Turn | ServerKind::Balance);
        assert!(own && server.ways().len() >= urls.len());
        format!("{addr} {} {name:?} {turn:?} {rtt:?} {weight}", kind.as_str())
    };
    let first = format!("{addr} {name:?} {rtt:?} {total}");
    [first].into_iter().chain(servers.iter().map(line)).collect()
}

#[tokio::test]
async fn a_list_of_one_server() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let builder: ListerBuilder = Lister::builder(silent.local_addr().unwrap());
    let builder = builder.timeout(Duration::from_millis(50)).view(View::Flat).urls(true);
    let builder = builder.family(Family::V4).source([127, 0, 0, 1].into());
    let lister: Lister = task(builder.build()).await.unwrap();
    let list = task(lister.list()).await.map(|list| listed(&list));
    assert!(matches!(list, Err(Error::NotFound(_))), "{list:?}");
}
