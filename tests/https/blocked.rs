//! A network that lets no UDP pass, with servers at known distances.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use turn_balance_lab::certificates::Authority;
use turn_balance_lab::far::Wire;
use turn_balance_lab::host::Lab;
use turn_balance_lab::loopback::skipped;
use turn_balance_lab::web;

use crate::{BUILT, LATER, list};

const ROOT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// The distances of eight leaves, shuffled: 6 ms between one and the next.
const DISTANCES: [u64; 8] = [54, 36, 72, 30, 60, 42, 66, 48];

/// How often it is tried: `TB_TIMES` says otherwise.
const TIMES: usize = 5;

fn leaf(n: usize) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 50 + n as u8)
}

#[test]
fn the_leaf_with_the_least_tcp_time_is_named_where_no_udp_passes() {
    let lab = match Lab::new(BUILT) {
        Ok(lab) => lab,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{error}");
            return skipped(&error.to_string());
        }
    };
    let [client, far] = ["client", "far"].map(|name| lab.host(name, &[]));
    let mut distances = BTreeMap::from([(ROOT, Duration::from_millis(20))]);
    distances.extend((0..8).map(|n| (leaf(n), Duration::from_millis(DISTANCES[n]))));
    let _wire = Wire::new((&client, Ipv4Addr::new(192, 0, 2, 1)), &far, &distances).unwrap();
    client.weather("", "meta l4proto udp counter drop");

    let authority = Authority::new(BUILT);
    let turns: Vec<_> = (0..8).map(|n| SocketAddr::from((leaf(n), 443))).collect();
    for turn in &turns {
        let certificate = authority.sign(&format!("IP:{}", turn.ip()), LATER);
        web::bindings(far.run(|| TcpListener::bind(turn)).unwrap(), &certificate);
    }
    let names: Vec<_> = (0..8).map(|n| format!("leaf-{n}")).collect();
    let urls: Vec<_> = turns.iter().map(|turn| format!("turns:{turn}?transport=tcp")).collect();
    let used: Vec<_> = turns.iter().map(|turn| format!("{}:3478", turn.ip())).collect();
    let lists: Vec<_> = (0..8).map(|n| [urls[n].as_str()]).collect();
    let rows: Vec<_> =
        (0..8).map(|n| (names[n].as_str(), used[n].as_str(), lists[n].as_slice())).collect();
    let text = list(&rows);
    let certificate = authority.sign(&format!("IP:{ROOT}"), LATER);
    let listener = far.run(|| TcpListener::bind((ROOT, 443))).unwrap();
    web::serve(listener, &certificate, move |_| web::response("200 OK", "application/json", &text));

    let file = authority.roots().display().to_string();
    let root = format!("https://{ROOT}");
    let times =
        std::env::var("TB_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(TIMES);
    let mut wrong = Vec::new();
    for time in 0..times {
        // Its first root is asked by UDP for a second, and no longer.
        let udp = ROOT.to_string();
        let mut probe = client.command(BUILT.tb);
        probe.args(["probe", "--transport", "auto", "--ca-file", &file, "--json", &root]);
        if time == 0 {
            probe.arg(&udp);
        }
        let output = probe.output().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&document["transport"], &document["verified"]),
            (&"https".into(), &true.into()),
            "{document}"
        );
        if document["name"] != "leaf-3" {
            wrong.push(document);
        }
    }
    assert!(wrong.is_empty(), "{} of {times}: {wrong:?}", wrong.len());
    assert!(client.counted()[0].0 > 0, "UDP was tried, and dropped");
}
