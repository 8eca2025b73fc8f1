//! A broker that nobody could ask, or that would tell what it must not.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::mistake::Mistake;
use super::place::Place;
use crate::config::model::{Config, Http};

const ADD_TURN_SECRET: &str =
    "add `turn-secret`, the file with the TURN servers' `static-auth-secret`";

/// What is wrong with the broker of a configuration.
pub(super) fn bad_http(config: &Config) -> Vec<Mistake> {
    let http = &config.http;
    if http.bind.is_empty() {
        return without_bind(http);
    }
    let mut mistakes = bad_binds(http);
    mistakes.extend(bad_tls(http));
    mistakes.extend(bad_secrets(http));
    if !(Http::MIN_TTL..=Http::MAX_TTL).contains(&http.ttl) {
        mistakes.push(Mistake::at(Place::Ttl, "`ttl` is not a minute to seven days".into()));
    }
    mistakes.extend(bad_origins(http));
    mistakes
}

/// Keys of a broker that there is not.
fn without_bind(http: &Http) -> Vec<Mistake> {
    let set = [
        (http.cert.is_some(), Place::Cert),
        (http.key.is_some(), Place::PrivateKey),
        (http.plain, Place::Plain),
        (http.api_keys.is_some(), Place::ApiKeys),
        (http.token_secret.is_some(), Place::TokenSecret),
        (http.turn_secret.is_some(), Place::MintSecret),
        (!http.turn_secrets.is_empty(), Place::NodeSecret(0)),
        (http.ttl != Http::default().ttl, Place::Ttl),
        (!http.origins.is_empty(), Place::Origin(0)),
        (!http.trusted_proxies.is_empty(), Place::Proxies),
        (http.demo, Place::Demo),
    ];
    let first = set.into_iter().find(|(set, _)| *set);
    let mistake = first.map(|(_, place)| Mistake {
        hint: Some("add one: `bind = \"0.0.0.0:8443\"`"),
        ..Mistake::at(place, format!("{} is of no use without `http.bind`", place.role()))
    });
    mistake.into_iter().collect()
}

fn bad_binds(http: &Http) -> Vec<Mistake> {
    let (mut first, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (i, bind) in http.bind.iter().enumerate() {
        let (addr, place) = (bind.addr(), Place::HttpBind(i));
        let before = *first.entry(bind.to_string()).or_insert(place);
        if addr.ip().is_multicast() || addr.ip() == IpAddr::from([255; 4]) {
            let message = format!("{} `{bind}` is nobody's address", place.role());
            mistakes.push(Mistake::at(place, message));
        } else if before != place && addr.port() != 0 {
            mistakes.push(Mistake {
                related: Some((before, "first listed here")),
                ..Mistake::at(place, format!("{} `{bind}` is listed twice", place.role()))
            });
        }
    }
    mistakes
}

fn bad_tls(http: &Http) -> Option<Mistake> {
    let beyond = http.bind.iter().position(|bind| !bind.addr().ip().is_loopback());
    match (&http.cert, &http.key) {
        (Some(_), None) => Some(Mistake::at(Place::Cert, "`cert` has no `key`".into())),
        (None, Some(_)) => Some(Mistake::at(Place::PrivateKey, "`key` has no `cert`".into())),
        (Some(_), Some(_)) if http.plain => {
            Some(Mistake::at(Place::Plain, "`plain` beside `cert`".into()))
        }
        (None, None) if !http.plain => {
            let i = beyond?;
            let message = format!("broker address `{}` has no TLS", http.bind[i]);
            let hint = "add `cert` and `key`, or `plain = true` behind a proxy that has them";
            Some(Mistake { hint: Some(hint), ..Mistake::at(Place::HttpBind(i), message) })
        }
        _ => None,
    }
}

fn bad_secrets(http: &Http) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let minted = http.turn_secret.is_some() || !http.turn_secrets.is_empty();
    let asked = http.api_keys.is_some() || http.token_secret.is_some();
    let asks = if http.api_keys.is_some() { Place::ApiKeys } else { Place::TokenSecret };
    if asked && !minted {
        mistakes.push(Mistake {
            hint: Some(ADD_TURN_SECRET),
            ..Mistake::at(asks, format!("{} opens nothing without `turn-secret`", asks.role()))
        });
    }
    if minted && !asked {
        let mint = http.turn_secret.as_ref().map_or(Place::NodeSecret(0), |_| Place::MintSecret);
        mistakes.push(Mistake {
            hint: Some("add `api-keys`, or `token-secret`"),
            ..Mistake::at(mint, format!("nobody may have what {} makes", mint.role()))
        });
    }
    if http.token_secret.is_none() && !http.origins.is_empty() {
        let message = "`origins` is of no use without `token-secret`".into();
        mistakes.push(Mistake::at(Place::Origin(0), message));
    }
    let mut first = BTreeMap::new();
    for (i, secret) in http.turn_secrets.iter().enumerate() {
        let before = *first.entry(secret.node).or_insert(i);
        if before != i {
            mistakes.push(Mistake {
                related: Some((Place::NodeSecret(before), "first listed here")),
                ..Mistake::at(
                    Place::NodeSecret(i),
                    format!("the secret of `{}` is listed twice", secret.node),
                )
            });
        }
    }
    mistakes
}

fn bad_origins(http: &Http) -> Vec<Mistake> {
    let bad = |(i, origin): (usize, &String)| {
        (!is_origin(origin)).then(|| Mistake {
            hint: Some("as browsers write it: `https://app.example`, with a port if it has one"),
            ..Mistake::at(
                Place::Origin(i),
                format!("{} is not the origin of a page", crate::types::quoted(origin)),
            )
        })
    };
    http.origins.iter().enumerate().filter_map(bad).collect()
}

/// Whether a browser may send it (RFC 6454, section 6.2): scheme, host, and a port where it is not the
/// scheme's own.
fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let default = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
    !rest.is_empty() && rest.bytes().all(plain) && !rest.ends_with(default) && !rest.ends_with(':')
}
