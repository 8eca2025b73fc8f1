//! `tb ping` of servers that are far, away, or at one of several addresses.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use turn_balance::internals::wire::{ProbeReply, Request, RequestBody, Response, ResponseBody};
use turn_balance_lab::loopback::{Net, skipped};

use crate::{client, leaf};

/// A server that answers this often, after this time, until the test ends.
fn slow(addr: SocketAddr, copies: usize, delay: Duration) {
    let socket = UdpSocket::bind(addr).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let Ok(Request { id, body: RequestBody::Probe(probe) }) =
                Request::decode(&buffer[..len])
            else {
                continue;
            };
            let reply = ProbeReply { nonce: probe.nonce, ..ProbeReply::default() };
            let answer = Response { id, body: ResponseBody::Probe(reply) }.encode();
            let socket = socket.try_clone().unwrap();
            thread::spawn(move || {
                thread::sleep(delay);
                (0..copies).for_each(|_| drop(socket.send_to(&answer, from)));
            });
        }
    });
}

/// What is printed, and how it ends.
fn ping(args: &[&str]) -> (String, String, Option<i32>) {
    said(&client(&[&["ping"], args].concat()).output().unwrap())
}

fn said(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

#[test]
fn late_answers_count() {
    let net = Net::new();
    slow(net.server(1), 1, Duration::from_millis(600));
    let server = net.server(1).to_string();
    let (text, _, code) = ping(&["-c", "9", "-i", "100ms", "-W", "200ms", &server]);
    assert_eq!(text.matches(": seq=").count(), 18, "{text}");
    assert_eq!(text.matches("timeout=200ms").count(), 9, "{text}");
    assert_eq!(text.matches(" ms (late)\n").count(), 9, "{text}");
    assert!(text.contains("9 packets transmitted, 9 received, 0% packet loss"), "{text}");
    assert_eq!(code, Some(0));
}

#[test]
fn duplicates_and_times_are_shown() {
    let net = Net::new();
    slow(net.server(1), 2, Duration::ZERO);
    let server = net.server(1).to_string();
    let (text, _, code) = ping(&["-D", "-c", "2", "-i", "100ms", &server]);
    let first = text.lines().nth(1).unwrap();
    let stamp = first.strip_prefix('[').and_then(|rest| rest.split_once("] 17 bytes from "));
    let stamp: f64 = stamp.unwrap_or_else(|| panic!("{text}")).0.parse().unwrap();
    assert!(stamp > 1.7e9, "{text}");
    assert!(text.contains("seq=1 time=") && text.contains(" ms (DUP!)\n"), "{text}");
    assert!(text.contains("2 packets transmitted, 2 received, +1 duplicates, 0%"), "{text}");
    assert_eq!(code, Some(0));
    let (text, _, _) = ping(&["-c", "1", "--format", "jsonl", &server]);
    let reply: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert!(reply["timestamp"].as_f64().unwrap() > 1.7e9, "{text}");
    assert_eq!((&reply["late"], &reply["duplicate"]), (&false.into(), &false.into()), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn where_nothing_listens_it_ends_at_once() {
    let net = Net::new();
    let server = net.server(1).to_string();
    let start = Instant::now();
    let (text, _, code) = ping(&[&server]);
    assert!(start.elapsed() < Duration::from_secs(5), "{text}");
    let line = format!("no answer from {server}: seq=1 port unreachable\n");
    assert!(text.contains(&line), "{text}");
    assert!(
        text.contains("1 packets transmitted, 0 received, +1 errors, 100% packet loss"),
        "{text}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn a_deadline_is_one() {
    let net = Net::new();
    let silent = UdpSocket::bind(net.server(1)).unwrap();
    let server = silent.local_addr().unwrap().to_string();
    let start = Instant::now();
    let (text, _, code) = ping(&["-w", "300ms", "-i", "100ms", &server]);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{text}");
    assert!(text.contains(" 0 received, 100% packet loss"), "{text}");
    assert_eq!(code, Some(1));
    slow(net.server(2), 1, Duration::ZERO);
    let server = net.server(2).to_string();
    let (_, _, code) = ping(&["-w", "300ms", "-i", "200ms", &server]);
    assert_eq!(code, Some(0));
    let (_, _, code) = ping(&["-w", "300ms", "-c", "9", "-i", "200ms", &server]);
    assert_eq!(code, Some(1), "not all nine came");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn it_sends_from_where_it_is_told() {
    let net = Net::new();
    let (_server, root) = leaf(&net).await;
    let root = root.to_string();
    let heard = UdpSocket::bind(net.server(3)).unwrap();
    let own = net.ip(7).to_string();
    let to = heard.local_addr().unwrap().to_string();
    ping(&["-I", &own, "-w", "200ms", &to]);
    assert_eq!(heard.recv_from(&mut [0; 1500]).unwrap().1.ip(), net.ip(7));
    assert_eq!(ping(&["-I", "lo", "-c", "1", &root]).2, Some(0));
    for (from, why) in [
        ("192.0.2.1", "Cannot assign requested address"),
        ("eth.none", "No such device"),
        ("an interface of this name", "neither an address nor the name of an interface"),
    ] {
        let (_, errors, code) = ping(&["-I", from, "-c", "1", &root]);
        assert_eq!(code, Some(2), "{from}: {errors}");
        assert!(errors.contains(why), "{from}: {errors}");
    }
    let (_, errors, code) = ping(&["-I", "::1", "-c", "1", &root]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("has no IPv6 address"), "{errors}");
    let (_, errors, _) = ping(&["-I", "127.0.0.1", "-6", "localhost"]);
    assert!(errors.contains("`127.0.0.1` has no IPv6 address"), "{errors}");
}

/// With a hosts file of its own, which takes a mount namespace, and so root.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn all_addresses_of_a_name_are_tried() {
    let net = Net::new();
    let (_server, root) = leaf(&net).await;
    let hosts = format!("{}/hosts-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let first = "::1 both.example\n192.0.2.1 both.example\n";
    fs::write(&hosts, format!("{first}{} both.example\n::1 closed.example\n", root.ip())).unwrap();
    let named = |args: &[&str]| {
        let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
        let mut command = std::process::Command::new("unshare");
        let own = ["-m", "sh", "-c", script, &hosts, env!("CARGO_BIN_EXE_tb"), "ping"];
        said(&command.args(own).args(args).env_remove("TB_SERVER").output().unwrap())
    };
    let (text, errors, code) = named(&["-c", "2", "-i", "100ms", "both.example"]);
    if errors.contains("unshare") || errors.contains("mount") {
        return skipped(&errors);
    }
    assert!(text.starts_with(&format!("PING both.example ({root}) 17 bytes")), "{text}{errors}");
    assert!(text.contains("2 packets transmitted, 2 received, 0% packet loss"), "{text}");
    assert_eq!(code, Some(0));
    let (text, _, code) = named(&["closed.example"]);
    assert!(text.contains("no answer from [::1]:3001: seq=1 port unreachable"), "{text}");
    assert_eq!(code, Some(1));
    let _ = fs::remove_file(&hosts);
}
