//! What comes to the broker by HTTP opens nothing to who has no secret, and is read or refused.

use std::net::IpAddr;

use turn_balance::internals::http;

use super::input::Input;

const SECRET: &[u8] = b"a secret that nobody guesses";

/// Nobody makes a token without the secret.
pub(crate) fn token(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let now = input.number();
    let text = String::from_utf8_lossy(input.bytes());
    assert_eq!(http::token(SECRET, &text, now), None, "{text}");
    assert_eq!(http::token(SECRET, &format!("{}.{text}", now.saturating_add(60)), now), None);
}

/// What is taken is an object, or nothing, and names so many servers as may be, each in numbers.
pub(crate) fn ice_body(bytes: &[u8]) {
    if let Some((order, count)) = http::ice_body(bytes) {
        assert!(bytes.is_empty() || bytes.trim_ascii_start().starts_with(b"{"));
        assert!((1..=8).contains(&count));
        assert!(order.is_none_or(|order| (1..=128).contains(&order.len())));
    }
}

/// What a query names is what it says.
pub(crate) fn http_query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(Some(below)) = http::list_query(&text) {
        assert_eq!(http::list_query(&format!("below={below}")), Some(Some(below)));
    }
    if let Some((Some(user), _)) = http::rest_query(&text) {
        assert!((1..=128).contains(&user.len()) && !user.contains(':'), "{user}");
    }
}

/// Who is not trusted is who he is, and who is counts for the last that he names.
pub(crate) fn forwarded(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let values: Vec<_> = text.split('\n').collect();
    let stranger = IpAddr::from([203, 0, 113, 7]);
    assert_eq!(http::client(stranger, &values), stranger);
    let told = [values.as_slice(), &["203.0.113.7"]].concat();
    assert_eq!(http::client([127, 0, 0, 1].into(), &told), stranger);
    http::client([127, 0, 0, 1].into(), &values);
}

/// Each key has a name and a secret of its own, which nobody guesses.
pub(crate) fn api_keys(bytes: &[u8]) {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    match http::api_keys(bytes) {
        Ok(keys) => {
            for (at, (name, secret)) in keys.iter().enumerate() {
                assert!(!name.is_empty() && secret.len() >= 16);
                assert!(keys[..at].iter().all(|(other, own)| other != name && own != secret));
            }
        }
        Err(line) => assert!((1..=lines).contains(&line)),
    }
}
