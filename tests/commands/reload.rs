//! SIGHUP, as an operator sends it.

use std::cell::Cell;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{Probe, Request, RequestBody, Response, ResponseBody};
use turn_balance_lab::loopback::{Net, answer_bindings};
use turn_balance_lab::served::Served;
use turn_balance_lab::{Built, built};

const BUILT: Built = built!();

/// How many answers may be on their way: as many as a socket has room for by default, whoever has to wait for
/// the processor.
const WINDOW: u32 = 200;

/// A superior of a leaf, and the file that it reads.
struct Pair {
    net: Net,
    superior: Served,
    _leaf: Served,
}

impl Pair {
    fn start() -> Self {
        let net = Net::new();
        answer_bindings(net.turn(2));
        let leaf = format!("turn.bind = '{}'", net.turn(2));
        let leaf = Served::start(BUILT, net.server(2), "info", &leaf);
        let nodes = format!("cluster.nodes = ['{}']", net.server(2));
        let mut superior = Served::start_as_it_says(BUILT, net.server(1), &nodes);
        superior.until_it_logs("node online");
        Self { net, superior, _leaf: leaf }
    }

    fn file(&self) -> PathBuf {
        PathBuf::from(BUILT.folder).join(format!("{}.toml", self.net.server(1)))
    }

    /// Writes the file anew, with these keys behind `net.bind`.
    fn write(&self, rest: &str) {
        let bind = self.net.server(1);
        fs::write(self.file(), format!("net.bind = '{bind}'\n{rest}\n")).unwrap();
    }

    /// Has it read this. Returns what it logs up to these words.
    fn reload(&mut self, rest: &str, words: &str) -> String {
        self.write(rest);
        self.superior.signal("HUP");
        self.superior.line_that_has(words)
    }

    fn nodes(&self) -> String {
        format!("cluster.nodes = ['{}']", self.net.server(2))
    }
}

#[test]
fn a_file_that_has_changed_counts_and_what_it_does_not_say_stays() {
    let mut pair = Pair::start();
    let (second, third) = (pair.net.server(2), pair.net.server(3));
    let same = pair.nodes();
    let line = pair.reload(&same, "reloaded");
    assert!(line.contains("INFO reloaded config=") && line.ends_with(".toml"), "{line}");

    let more = format!(
        "log.level = 'debug'\nlimits.ipv4-32 = 7\n[cluster]\nsuperiors = '{}'\nnodes = ['{third}',\n\
         {{ addr = '{second}', name = 'two' }}]",
        pair.net.server(4)
    );
    let line = pair.reload(&more, "reloaded");
    let told = "nodes=+1 ~1 superiors=+1 changed=limits.ipv4-32 log.level";
    assert!(line.ends_with(told), "{line}");

    let line = pair.reload(&same, "reloaded");
    let told = "nodes=-1 ~1 superiors=-1 changed=limits.ipv4-32 log.level";
    assert!(line.ends_with(told), "{line}");
    let log = pair.superior.end();
    assert_eq!(log.matches("node online").count(), 1, "{log}");
    assert!(!log.contains("node offline"), "{log}");
}

#[test]
fn a_file_that_is_wrong_changes_nothing() {
    let mut pair = Pair::start();
    let wrong = format!("log.level = 'debug'\n{}\nnett = 1", pair.nodes());
    let line = pair.reload(&wrong, "cannot reload");
    let at = format!("ERROR cannot reload, nothing has changed at={}:4:1 ", pair.file().display());
    assert!(line.contains(&at) && line.contains("error=unknown field `nett`"), "{line}");
    // As it stands now a key has no file, which is another error.
    let line = pair.reload("[cluster]\nkeys = [{ id = 1, file = 'none.key' }]", "cannot reload");
    assert!(line.contains(":3:26 ") && line.contains("none.key"), "{line}");
    fs::remove_file(pair.file()).unwrap();
    pair.superior.signal("HUP");
    let line = pair.superior.line_that_has("cannot reload");
    assert!(line.contains("No such file"), "{line}");
    let same = pair.nodes();
    let line = pair.reload(&same, "reloaded");
    assert!(!line.contains("nodes=") && !line.contains("changed="), "{line}");
}

#[test]
fn what_says_nothing_or_keeps_who_opens_it_waiting_changes_nothing() {
    let mut pair = Pair::start();
    fs::write(pair.file(), "").unwrap();
    pair.superior.signal("HUP");
    let line = pair.superior.line_that_has("cannot reload");
    assert!(line.ends_with("cause=it is empty"), "{line}");
    // Nobody writes to it.
    fs::remove_file(pair.file()).unwrap();
    assert!(Command::new("mkfifo").arg(pair.file()).status().unwrap().success());
    pair.superior.signal("HUP");
    let line = pair.superior.line_that_has("cannot reload");
    assert!(line.contains("cause=it is no regular file"), "{line}");
    let log = pair.superior.end();
    assert!(log.contains("stopped") && !log.contains("reloaded"), "{log}");
}

#[test]
fn what_counts_at_the_next_start_is_named_and_the_rest_is_taken() {
    let mut pair = Pair::start();
    let elsewhere = SocketAddr::new(pair.net.ip(9), 3001);
    let (file, nodes) = (pair.file(), pair.nodes());
    let text = format!("net.bind = '{elsewhere}'\nnet.workers = 2\nnet.name = 'top'\n{nodes}\n");
    fs::write(file, text).unwrap();
    pair.superior.signal("HUP");
    let line = pair.superior.line_that_has("WARN");
    assert!(line.contains("restart keys=net.bind net.workers"), "{line}");
    let line = pair.superior.line_that_has("reloaded");
    assert!(line.ends_with(" changed=net.name"), "{line}");
    assert_eq!(ask(pair.net.server(1)).unwrap().as_deref(), Some("top"));
}

/// What a server calls itself; `None`: it has not answered in time.
fn ask(server: SocketAddr) -> Option<Option<String>> {
    let client = client(server);
    let probe = Probe { nonce: 1, names: true, ..Probe::default() };
    let request = Request { id: 1, body: RequestBody::Probe(probe) }.encode(0);
    client.send(&request).unwrap();
    let mut buffer = [0; 2048];
    let len = client.recv(&mut buffer).ok()?;
    match Response::decode(&buffer[..len]).unwrap().body {
        ResponseBody::Probe(reply) => Some(reply.name.map(|name| name.to_string())),
        other => panic!("{other:?}"),
    }
}

fn client(server: SocketAddr) -> UdpSocket {
    let client = UdpSocket::bind((server.ip(), 0)).unwrap();
    client.connect(server).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    client
}

/// Asks so often, and counts what is asked and what is answered, while a server is reloaded so many
/// times with one file and another.
fn reload_under_probes(reloads: u32, pause: Duration) -> (u32, u32) {
    let mut pair = Pair::start();
    let server = pair.net.server(1);
    let over = AtomicBool::new(false);
    let nodes = pair.nodes();
    let others = format!(
        "net.name = 'other'\nlimits.ipv4-24 = 9000\n[cluster]\nnodes = ['{}', '{}']",
        pair.net.server(2),
        pair.net.server(3)
    );
    std::thread::scope(|scope| {
        let prober = scope.spawn(|| {
            let client = client(server);
            let (mut asked, answered) = (0, Cell::new(0));
            let start = Instant::now();
            let mut buffer = [0; 2048];
            client.set_nonblocking(true).unwrap();
            let mut hear = || match client.recv(&mut buffer) {
                Ok(len) => {
                    let ResponseBody::Probe(reply) = Response::decode(&buffer[..len]).unwrap().body
                    else {
                        panic!("no answer to a probe");
                    };
                    assert!(reply.nodes.len() == 1, "the node is always listed: {reply:?}");
                    answered.set(answered.get() + 1);
                    true
                }
                Err(_) => false,
            };
            while !over.load(Ordering::Relaxed) {
                let due = start.elapsed().as_nanos() / pause.as_nanos();
                while u128::from(asked) < due && asked - answered.get() < WINDOW {
                    let probe = Probe { nonce: 1 + u64::from(asked), ..Probe::default() };
                    let request = Request { id: asked, body: RequestBody::Probe(probe) }.encode(0);
                    client.send(&request).unwrap();
                    asked += 1;
                    hear();
                }
                while hear() {}
                std::thread::yield_now();
            }
            let end = Instant::now();
            while end.elapsed() < Duration::from_secs(2) {
                if !hear() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            (asked, answered.get())
        });
        for n in 0..reloads {
            let line = pair.reload(if n % 2 == 0 { &others } else { &nodes }, "reloaded");
            assert!(line.contains("nodes="), "{line}");
        }
        over.store(true, Ordering::Relaxed);
        prober.join().unwrap()
    })
}

#[test]
fn no_probe_is_lost_while_it_reloads() {
    let (asked, answered) = reload_under_probes(100, Duration::from_millis(2));
    assert_eq!(answered, asked);
}

/// With `cargo test --release --test commands -- --ignored --nocapture a_thousand`.
#[test]
#[ignore = "for a machine that does nothing else"]
fn a_thousand_reloads_under_5000_probes_a_second_lose_none() {
    let start = Instant::now();
    let (asked, answered) = reload_under_probes(1000, Duration::from_micros(200));
    let rate = f64::from(asked) / start.elapsed().as_secs_f64();
    println!("1000 reloads under {rate:.0} probes a second: {answered} of {asked} answered");
    assert_eq!(answered, asked);
}
