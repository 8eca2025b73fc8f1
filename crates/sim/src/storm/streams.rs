//! A client where UDP is blocked, beside each storm: roots and TURN servers by TCP, near, far, silent,
//! closed and where a list must not lead; and a judge of each connection.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{Options, Strategy, Trace, Verify, Why};
use turn_balance::internals::engine::client::streams::{
    CameList, ListId, PlaceId, StreamAction, StreamDescent,
};
use turn_balance::internals::{Policy, https};
use turn_balance::{HttpsFault, HttpsUrl, TurnFault};

use super::rules::{LOOPS, Rule, Violation};

/// How many connections one may begin, and lists it may ask for.
const CONNECTIONS: usize = 128;
const LISTS: usize = 16;

/// How many connections to one host there may be of which nothing is heard.
const UNHEARD: u32 = 8;

/// More than any descent does.
const MOST_STEPS: u32 = 100_000;

/// What happens, and about which connection, list or check.
enum Event {
    List(ListId, Result<CameList, HttpsFault>),
    Connected(PlaceId, SocketAddr, Result<Duration, TurnFault>),
    Checked(usize, Result<(), TurnFault>),
    Found(String, Vec<IpAddr>),
}

/// How far an address is: the least time, and what comes on top.
#[derive(Clone, Copy)]
enum Reach {
    Takes(Duration, Duration),
    Refuses,
    Silent,
}

/// All that is there.
struct Net {
    rng: Rng,
    root: SocketAddr,
    /// As a broker answers with them.
    lists: BTreeMap<Option<SocketAddr>, String>,
    reach: BTreeMap<SocketAddr, Reach>,
    /// When each was told of the last time, by what came of it.
    heard: BTreeMap<SocketAddr, Vec<Duration>>,
    unheard: BTreeMap<IpAddr, u32>,
    known: BTreeSet<IpAddr>,
    connections: usize,
    asked: usize,
    wrong: Vec<(Rule, Option<SocketAddr>, String)>,
}

/// Runs one client of this seed. What it must not do is told.
pub(crate) fn violations(seed: u64) -> Vec<Violation> {
    let mut rng = Rng::seed_from_u64(seed ^ 0x7374_7265_616d);
    let options = Options {
        timeout: Duration::from_millis(rng.random_range(300..6000)),
        strategy: if rng.random_ratio(1, 5) { Strategy::First } else { Strategy::Best },
        verify: [Verify::Off, Verify::On, Verify::Require][rng.random_range(0..3)],
        policy: policy(seed),
        ..Options::default()
    };
    let mut net = Net::draw(rng);
    let (start, timeout) = (Instant::now(), options.timeout);
    let (elapsed, trace) = net.run(options, start);
    match &trace {
        None => net.blame(Rule::Endless, None, "a descent by HTTPS goes on".into()),
        Some(_) if elapsed > timeout => {
            let what = format!("a descent by HTTPS takes {elapsed:?}, and may take {timeout:?}");
            net.blame(Rule::Timeout, None, what);
        }
        Some(trace) => net.judge(trace, &policy(seed)),
    }
    let told = |(rule, who, what)| Violation { rule, at: elapsed, who, what };
    net.wrong.into_iter().map(told).collect()
}

impl Net {
    fn draw(mut rng: Rng) -> Self {
        let root = SocketAddr::from(([198, 51, 100, 7], 443));
        let mut net = Self {
            root,
            lists: BTreeMap::new(),
            reach: BTreeMap::new(),
            heard: BTreeMap::new(),
            unheard: BTreeMap::new(),
            known: BTreeSet::new(),
            connections: 0,
            asked: 0,
            wrong: Vec::new(),
            rng: Rng::seed_from_u64(rng.random()),
        };
        let many = if rng.random_ratio(1, 10) { 250 } else { 12 };
        let servers = rng.random_range(0..many);
        let crowd = rng.random_ratio(1, 8);
        let regions = if rng.random_ratio(1, 4) { rng.random_range(1..30) } else { 0 };
        let mut all: Vec<_> = (0..servers).map(|n| net.server(&mut rng, n, crowd)).collect();
        let lower = all.split_off(if regions > 0 { all.len() / 2 } else { all.len() });
        for n in 0..regions {
            let addr = SocketAddr::from(([203, 2, 0, n], 3001));
            let part: Vec<_> =
                lower.iter().skip(n.into()).step_by(regions.into()).cloned().collect();
            net.lists.insert(Some(addr), list(&part));
            all.push(format!(r#"{{"addr":"{addr}","kind":"balance"}}"#));
        }
        net.lists.insert(None, list(&all));
        net
    }

    /// A TURN server with up to three ways, some of which lead where they must not.
    fn server(&mut self, rng: &mut Rng, n: u16, crowd: bool) -> String {
        let host = |rng: &mut Rng| match rng.random_range(0..20) {
            0 => [127, 0, 0, 1],
            1 => [10, 0, 0, (n % 250) as u8],
            _ if crowd => [203, 0, 113, 1],
            _ => [203, 1, (n >> 8) as u8, n as u8],
        };
        let turn = SocketAddr::from(([203, 1, (n >> 8) as u8, n as u8], 3478));
        let mut urls = Vec::new();
        for _ in 0..rng.random_range(1..4) {
            let loops = rng.random_ratio(1, 30);
            let port = if loops { 53 } else { rng.random_range(1000..1100) };
            let addr = SocketAddr::from((host(rng), port));
            let base = Duration::from_micros(rng.random_range(500..300_000));
            let reach = match rng.random_range(0..10) {
                0 => Reach::Refuses,
                1 => Reach::Silent,
                _ => Reach::Takes(base, Duration::from_micros(rng.random_range(1..40_000))),
            };
            self.reach.entry(addr).or_insert(reach);
            let scheme = if rng.random_ratio(1, 2) { "turns" } else { "turn" };
            urls.push(format!("{scheme}:{addr}?transport=tcp"));
        }
        let labels = format!(r#"{{"a":"{}"}}"#, n % 3);
        let load = match rng.random_range(0..3) {
            0 => "null".to_owned(),
            _ => format!("{:.2}", rng.random_range(0.0..1.0)),
        };
        let spare = format!(r#""load":{load},"weight":{}"#, rng.random_range(0..9));
        format!(r#"{{"addr":"{turn}","kind":"turn","urls":{urls:?},{spare},"labels":{labels}}}"#)
    }

    fn run(&mut self, options: Options, start: Instant) -> (Duration, Option<Trace>) {
        let root: HttpsUrl = "https://root.example".parse().expect("a URL");
        let mut descent = StreamDescent::new(options, vec![root], &self.rng, start, start);
        let (mut now, mut events, mut count) = (start, BTreeMap::new(), 0_u64);
        for _ in 0..MOST_STEPS {
            while let Some(action) = descent.poll_action(now) {
                count += 1;
                if let Some((after, event)) = self.does(action) {
                    events.insert((now + after, count), event);
                }
            }
            if let Some(trace) = descent.trace() {
                return (now - start, Some(trace));
            }
            let Some(until) = descent.poll_timeout() else { break };
            match events.first_entry().filter(|event| event.key().0 <= until) {
                Some(event) => {
                    now = now.max(event.key().0);
                    self.comes(&mut descent, now, event.remove());
                }
                None => {
                    now = now.max(until);
                    descent.handle_timeout(now);
                }
            }
        }
        (now - start, None)
    }

    fn comes(&mut self, descent: &mut StreamDescent, now: Instant, event: Event) {
        match event {
            Event::List(id, Ok(came)) => descent.handle_list(now, id, came),
            Event::List(id, Err(fault)) => descent.handle_no_list(now, id, fault),
            Event::Found(host, ips) => descent.handle_found(now, &host, ips),
            Event::Checked(id, outcome) => descent.handle_checked(now, id, outcome),
            Event::Connected(id, addr, outcome) => {
                if let Some(unheard) = self.unheard.get_mut(&addr.ip()) {
                    *unheard = unheard.saturating_sub(1);
                }
                if let Ok(rtt) = outcome {
                    self.heard.entry(addr).or_default().push(rtt);
                    self.known.insert(addr.ip());
                }
                descent.handle_connected(now, id, outcome);
            }
        }
    }

    /// What comes of an action, and after how long; `None`: nothing ever.
    fn does(&mut self, action: StreamAction) -> Option<(Duration, Event)> {
        let ms = Duration::from_millis;
        match action {
            StreamAction::List { id, below, .. } => {
                self.asked += 1;
                if self.asked > LISTS {
                    self.blame(Rule::Cannon, below, format!("{} lists are asked for", self.asked));
                }
                let after = ms(self.rng.random_range(5..400));
                match self.rng.random_range(0..20) {
                    0 => None,
                    1 => Some((after, Event::List(id, Err(HttpsFault::Late)))),
                    _ => {
                        let (from, rtt) = (self.root, ms(8));
                        let list = https::list(self.lists.get(&below)?.as_bytes(), from, rtt);
                        let came = list.map(|list| CameList { from, rtt, list });
                        Some((after, Event::List(id, came)))
                    }
                }
            }
            StreamAction::LookUp(host) => Some((ms(5), Event::Found(host, Vec::new()))),
            StreamAction::Connect(id, addr) => {
                self.connects(addr);
                let outcome = match self.reach.get(&addr)? {
                    Reach::Takes(base, more) => {
                        Ok(*base + more.mul_f64(self.rng.random_range(0.0..1.0)))
                    }
                    Reach::Refuses => Err(TurnFault::Closed),
                    Reach::Silent => return None,
                };
                Some((outcome.unwrap_or(ms(20)), Event::Connected(id, addr, outcome)))
            }
            StreamAction::Check { id, addr, .. } => {
                if !self.heard.contains_key(&addr) {
                    self.blame(Rule::Scope, Some(addr), "it is checked, and took no stream".into());
                }
                let outcome = match self.rng.random_range(0..6) {
                    0 => return None,
                    1 => Err(TurnFault::Untrusted),
                    _ => Ok(()),
                };
                Some((ms(self.rng.random_range(10..800)), Event::Checked(id, outcome)))
            }
        }
    }

    /// Judges a connection that is begun.
    fn connects(&mut self, addr: SocketAddr) {
        self.connections += 1;
        if self.connections > CONNECTIONS {
            self.blame(Rule::Cannon, Some(addr), format!("{} connections", self.connections));
        }
        let unheard = self.unheard.entry(addr.ip()).or_default();
        *unheard += 1;
        let unheard = *unheard;
        if unheard > UNHEARD && !self.known.contains(&addr.ip()) {
            self.blame(Rule::Cannon, Some(addr), format!("{unheard} connections, none heard of"));
        }
        let near = match addr.ip() {
            IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
            IpAddr::V6(_) => true,
        };
        if near || LOOPS.contains(&addr.port()) {
            self.blame(Rule::Scope, Some(addr), "a list has led there".into());
        }
    }

    /// Judges what came out of it.
    fn judge(&mut self, trace: &Trace, policy: &Policy) {
        let Ok(selection) = &trace.outcome else { return };
        let others = selection.runners_up.iter().map(|other| (other.turn, &other.labels));
        for (turn, labels) in others.chain([(selection.turn, &selection.labels)]) {
            if !policy.allows(labels, None) {
                self.blame(Rule::Policy, Some(turn), format!("it is `{labels}`"));
            }
        }
        let drawn = selection.runners_up.iter().filter(|other| other.why == Why::Drawn);
        for nearer in drawn.filter(|other| other.rtt < selection.rtt) {
            let far = (nearer.rtt / 10).max(Duration::from_millis(5));
            if selection.drawn.is_none() || selection.rtt > nearer.rtt + far {
                let what =
                    format!("{:?} away, drawn before one at {:?}", selection.rtt, nearer.rtt);
                self.blame(Rule::Selection, Some(selection.turn), what);
            }
        }
        let ways = selection.urls.iter().filter(|url| url.ip().is_some());
        let addrs = ways.filter_map(|url| Some(SocketAddr::new(url.ip()?, url.port())));
        let least = addrs.filter_map(|addr| self.heard.get(&addr)?.iter().min()).min().copied();
        if least != Some(selection.rtt) {
            let what = format!("it is {:?} away, and was seen at {least:?}", selection.rtt);
            self.blame(Rule::Selection, Some(selection.turn), what);
        }
    }

    fn blame(&mut self, rule: Rule, who: Option<SocketAddr>, what: String) {
        self.wrong.push((rule, who, what));
    }
}

/// That of every third client; none of the others has one.
fn policy(seed: u64) -> Policy {
    let require = seed.is_multiple_of(3).then(|| "a=1".parse()).into_iter().flatten().collect();
    Policy { require, ..Policy::default() }
}

/// A list as a broker answers with it.
fn list(servers: &[String]) -> String {
    format!(r#"{{"schema":"tb.servers/1","servers":[{}]}}"#, servers.join(","))
}
