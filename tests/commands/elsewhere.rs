//! Answers that come from another address than was asked.

use std::net::{SocketAddr, UdpSocket};
use std::thread;

use serde_json::Value;
use turn_balance::internals::wire::{Request, RequestBody};
use turn_balance_lab::loopback::{Net, answer_probe};

use crate::{client, said};

/// A server whose answers leave from elsewhere, until the test ends; `forges`: whoever makes them has not
/// seen the nonce that was sent.
fn server(at: SocketAddr, from: SocketAddr, forges: bool) {
    let (asked, answering) = (UdpSocket::bind(at).unwrap(), UdpSocket::bind(from).unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((len, client)) = asked.recv_from(&mut buffer) {
            let turn = SocketAddr::new(at.ip(), 3478);
            let Ok(Request { id, body: RequestBody::Probe(mut probe) }) =
                Request::decode(&buffer[..len])
            else {
                continue;
            };
            probe.nonce ^= u64::from(forges);
            let request = Request { id, body: RequestBody::Probe(probe) }.encode(0);
            let answer = answer_probe(&request, turn).unwrap();
            answering.send_to(&answer, client).unwrap();
        }
    });
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    said(client(args).output().unwrap())
}

#[test]
fn it_is_said_from_where() {
    let net = Net::new();
    let (at, from) = (net.server(1), SocketAddr::new(net.ip(2), 4001));
    server(at, from, false);
    let [asked, elsewhere] = [at, from].map(|addr| addr.to_string());
    for command in ["probe", "trace"] {
        let (code, _, errors) = run(&[command, "--timeout", "300ms", &asked]);
        assert_eq!(code, Some(1), "{errors}");
        let cause =
            format!("did not answer within 300 ms, but an answer came from `{elsewhere}`\n");
        assert!(errors.contains(&cause), "{errors}");
        let hint = format!(
            "hint: only an answer from the address that was asked counts: ask `{elsewhere}`"
        );
        assert!(errors.contains(&hint), "{errors}");
    }
    let (_, table, errors) = run(&["trace", "--timeout", "300ms", &asked]);
    assert!(table.contains("misplaced"), "{table}");
    let line = format!("misplaced: asked {asked}, answered from {elsewhere}\n");
    assert!(errors.contains(&line), "{errors}");

    let json = |args: &[&str]| -> Value { serde_json::from_str(&run(args).1).unwrap() };
    let trace = json(&["trace", "--json", "--timeout", "300ms", &asked]);
    let row = &trace["candidates"][0];
    assert_eq!(
        (&row["state"], &row["answered_from"]),
        (&"misplaced".into(), &elsewhere.as_str().into())
    );
    let probe = json(&["probe", "--json", "--timeout", "300ms", &asked]);
    assert_eq!((&probe["candidates"], &probe["silent"]), (&1.into(), &0.into()), "{probe}");
    assert!(probe["error"]["message"].as_str().unwrap().contains(&elsewhere), "{probe}");

    let (code, text, errors) = run(&["ping", "-c", "1", "-W", "300ms", &asked]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("seq=1 timeout=300ms (one came from {elsewhere})\n")), "{text}");
    assert!(errors.contains(&format!("ask `{elsewhere}`")), "{errors}");
    let ping = json(&["ping", "--json", "-c", "1", "-W", "300ms", &asked]);
    assert_eq!(ping["replies"][0]["answered_from"], elsewhere.as_str(), "{ping}");
}

#[test]
fn also_where_it_is_the_address_of_another_and_not_where_it_proves_nothing() {
    let net = Net::new();
    let (at, other) = (net.server(1), net.server(2));
    server(at, other, false);
    let asked = [at, other].map(|addr| addr.to_string());
    let rows = |roots: &[&str]| {
        let args = [&["trace", "--json", "--timeout", "300ms"], roots].concat();
        let trace: Value = serde_json::from_str(&run(&args).1).unwrap();
        let rows = trace["candidates"].as_array().unwrap().clone();
        let state = |addr: &str| rows.iter().find(|row| row["addr"] == addr).unwrap().clone();
        state(roots[0])
    };
    let row = rows(&[&asked[0], &asked[1]]);
    assert_eq!(
        (&row["state"], &row["answered_from"]),
        (&"misplaced".into(), &asked[1].as_str().into())
    );

    server(net.server(3), SocketAddr::new(net.ip(4), 4001), true);
    let forged = net.server(3).to_string();
    let row = rows(&[&forged]);
    assert_eq!((&row["state"], &row["answered_from"]), (&"silent".into(), &Value::Null));
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_network_says_is_no_silence() {
    let net = Net::new();
    let _silent = UdpSocket::bind(net.server(1)).unwrap();
    let [silent, closed] = [1, 2].map(|n| net.server(n).to_string());
    let json = |command| -> Value {
        let args = [command, "--json", "--timeout", "300ms", &silent, &closed];
        serde_json::from_str(&run(&args).1).unwrap()
    };
    let probe = json("probe");
    assert_eq!((&probe["candidates"], &probe["silent"]), (&2.into(), &1.into()), "{probe}");
    let trace = json("trace");
    let states =
        trace["candidates"].as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap());
    let mut states: Vec<_> = states.collect();
    states.sort_unstable();
    assert_eq!(states, ["silent", "unreachable"]);
}
