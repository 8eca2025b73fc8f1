//! `tb probe --watch`: a TURN server that is killed, and a network that changes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{addr, lab, leaf, lists, superior};
use turn_balance_lab::host::{Host, eventually};
use turn_balance_lab::loopback::skipped;
use turn_balance_lab::process::answer_bindings;

/// Longer than anything here takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever stays, killed when it is dropped.
struct Staying {
    child: Child,
    changes: Receiver<(Instant, Value)>,
}

impl Staying {
    fn start(host: &Host, args: &[&str]) -> Self {
        let mut command = host.tb("probe", &["--watch", "--json"]);
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (told, changes) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let change = serde_json::from_str(&line).unwrap();
                if told.send((Instant::now(), change)).is_err() {
                    return;
                }
            }
        });
        Self { child, changes }
    }

    /// The next change, and when it was told.
    fn next(&self) -> (Instant, Value) {
        self.changes.recv_timeout(PATIENCE).expect("a change")
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A leaf that asks the TURN server beside it.
fn asking_leaf(n: u8) -> String {
    let bind = format!("203.0.113.{n}:3001");
    let turn = format!("203.0.113.{n}:3478");
    leaf(&bind, "203.0.113.1:3001", &turn).replace("'none'", "'binding'")
}

#[test]
fn a_turn_server_that_is_killed_is_left_while_its_leaf_lives() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| lab.host(&format!("host {n}"), &[&format!("203.0.113.{n}/24")]);
    let [root, one, other, client] = [1, 2, 3, 9].map(host);
    let ends = [("203.0.113.2:3478", &one), ("203.0.113.3:3478", &other)];
    let mut turns = Vec::new();
    for (turn, host) in ends {
        match host.coturn(addr(turn)) {
            Ok(coturn) => turns.push((turn, coturn)),
            Err(error) => return skipped(&format!("coturn: {error}")),
        }
    }
    let _leaves = [one.serve(&asking_leaf(2)), other.serve(&asking_leaf(3))];
    let nodes = ["203.0.113.2:3001", "203.0.113.3:3001"];
    let _root = root.serve(&superior(&["203.0.113.1:3001"], &nodes));
    lists(&client, "203.0.113.1:3001", &nodes);

    let staying = Staying::start(&client, &["203.0.113.1:3001"]);
    let (_, selected) = staying.next();
    assert_eq!(selected["reason"], "selected", "{selected}");
    let used = selected["turn"].as_str().unwrap();
    let dies = turns.iter().position(|(turn, _)| *turn == used).expect("one of them");
    let killed = Instant::now();
    let (_, coturn) = turns.remove(dies);
    coturn.signal(libc::SIGKILL);
    let (told, moved) = staying.next();
    assert_eq!(moved["reason"], "silent", "{moved}");
    assert_eq!((&moved["left"]["turn"], &moved["turn"]), (&used.into(), &turns[0].0.into()));
    eprintln!("it was told {:.1} s after it was killed", (told - killed).as_secs_f64());
    // Nobody is left.
    let (_, coturn) = turns.remove(0);
    coturn.signal(libc::SIGKILL);
    let (_, lost) = staying.next();
    assert_eq!((&lost["turn"], &lost["reason"]), (&Value::Null, &"silent".into()), "{lost}");
    // And found again, once for each reason why not.
    let _again = one.coturn(addr("203.0.113.2:3478")).unwrap();
    let found = (0..5).map(|_| staying.next().1).find(|change| !change["turn"].is_null());
    let found = found.expect("it is found again");
    assert_eq!(
        (&found["turn"], &found["reason"]),
        (&"203.0.113.2:3478".into(), &"selected".into())
    );
}

#[test]
fn another_network_has_all_asked_again() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| lab.host(&format!("host {n}"), &[&format!("203.0.113.{n}/24")]);
    let [root, end, client] = [1, 2, 9].map(host);
    let _turn = end.answer(addr("203.0.113.2:3478"), answer_bindings);
    let _leaf = end.serve(&asking_leaf(2));
    let _root = root.serve(&superior(&["203.0.113.1:3001"], &["203.0.113.2:3001"]));
    lists(&client, "203.0.113.1:3001", &["203.0.113.2:3001"]);

    let staying = Staying::start(&client, &["203.0.113.1:3001"]);
    assert_eq!(staying.next().1["reason"], "selected");
    // Requests to the root from now on: none is due for four minutes.
    client.weather("", "ip daddr 203.0.113.1 udp dport 3001 counter");
    let asked = || client.counted()[0].0;
    thread::sleep(Duration::from_secs(2));
    assert_eq!(asked(), 0);
    let changed = Instant::now();
    client.ip("addr add 198.51.100.9/24 dev eth0\n");
    eventually("the root is asked again", || (asked() > 0).then_some(()));
    eprintln!("it was asked {:.1} s after the change", changed.elapsed().as_secs_f64());
    // What is said of an address again and again is no change.
    let before = asked();
    for _ in 0..5 {
        client.ip("addr change 198.51.100.9/24 dev eth0\n");
    }
    thread::sleep(Duration::from_secs(3));
    assert_eq!(asked(), before);
    assert!(staying.changes.try_recv().is_err(), "the choice is what it was");
}
