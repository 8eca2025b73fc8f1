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
        for name in ["request", "response", "stun", "token", "api_keys", "forwarded"] {
            run(name, &bytes);
        }
    }

    #[test]
    fn config(text in "([a-z.]{1,12}|\\[[a-z]{3,8}\\]|[=\"{}, \n0-9:.]){0,40}") {
        run("config", text.as_bytes());
    }

    #[test]
    fn http(text in "(below|family|service|turn|username|key|=|&|%|[0-9a-f:.]|[{}\\[\\]\",]|order|count|\n){0,30}") {
        for name in ["http_query", "ice_body", "forwarded", "api_keys"] {
            run(name, text.as_bytes());
        }
    }
}
