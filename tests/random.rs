//! What must hold whatever comes, on random input: the bodies of the fuzz targets. The fuzzer goes
//! much further (docs/security.md).

use proptest::prelude::*;
use turn_balance_sim::invariants;

fn run(name: &str, bytes: &[u8]) {
    let (_, body) = invariants::ALL.iter().find(|(known, _)| *known == name).unwrap();
    body(bytes);
}

/// Bytes: whole strings of small ones lead further into what reads them as decisions.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), 0..16u8];
    proptest::collection::vec(byte, 0..1500)
}

/// A server as a list by HTTPS names it, or nearly.
fn any_server() -> impl Strategy<Value = String> {
    let kind = "(balance|leaf|turn|x)";
    let addr = "(203\\.0\\.113\\.[1-9]|127\\.0\\.0\\.1|10\\.0\\.0\\.1|\\[(::1|fe80::1|2001:db8::1|::ffff:10\\.0\\.0\\.1)\\]):[1-9][0-9]{1,3}";
    let url = "(turn|turns|stun|https)(:|://)(203\\.0\\.113\\.[1-9]|127\\.0\\.0\\.1|localhost|a\\.example|\\[::1\\])(:[0-9]{1,5})?(\\?transport=(tcp|udp))?";
    let urls = proptest::collection::vec(url, 0..6);
    (addr, kind, addr, urls, "(null|-1|0|8\\.5|1e9|1e99)").prop_map(|(addr, kind, turn, urls, rtt)| {
        format!(r#"{{"addr":"{addr}","kind":"{kind}","turn":"{turn}","urls":{urls:?},"rtt_ms":{rtt}}}"#)
    })
}

proptest! {
    #[test]
    fn auth(bytes in any_bytes()) {
        run("auth", &bytes);
    }

    #[test]
    fn client(bytes in any_bytes()) {
        run("client", &bytes);
    }

    #[test]
    fn scope(bytes in any_bytes()) {
        run("scope", &bytes);
    }

    #[test]
    fn server(bytes in any_bytes()) {
        run("server", &bytes);
    }

    #[test]
    fn turn(bytes in any_bytes()) {
        run("turn", &bytes);
    }

    #[test]
    fn decoders(bytes in any_bytes()) {
        for name in ["request", "response", "stun", "token", "api_keys", "forwarded", "servers"] {
            run(name, &bytes);
        }
    }

    #[test]
    fn config(text in "([a-z.]{1,12}|\\[[a-z]{3,8}\\]|[=\"{}, \n0-9:.]){0,40}") {
        run("config", text.as_bytes());
    }

    #[test]
    fn lists(servers in proptest::collection::vec(any_server(), 0..12)) {
        let list = format!(r#"{{"schema":"tb.servers/1","servers":[{}]}}"#, servers.join(","));
        run("servers", list.as_bytes());
    }

    #[test]
    fn http(text in "(below|family|service|turn|username|key|=|&|%|[0-9a-f:.]|[{}\\[\\]\",]|order|count|\n){0,30}") {
        for name in ["http_query", "ice_body", "forwarded", "api_keys"] {
            run(name, text.as_bytes());
        }
    }
}
