//! Which of a TURN server's URLs take streams, and which of them is best.

use std::net::{IpAddr, Ipv4Addr};

use crate::types::{ServerUrl, TurnTransport, TurnUrl};

/// How many ways to one TURN server are tried: one by TLS at 443, one elsewhere, one by TCP, and one to spare.
pub(super) const MOST_WAYS: usize = 4;

/// How many URLs of one TURN server are kept, as in a descent by UDP.
const MOST_URLS: usize = 8;

/// What a URL is good for where UDP is blocked, the best first: few networks let anything but TLS at 443 pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Means {
    /// TURN inside of TLS, at the port of HTTPS.
    Tls443,
    /// TURN inside of TLS.
    Tls,
    /// TURN over TCP.
    Tcp,
    /// A web server beside it, which tells its distance alone.
    Web,
    /// Nothing.
    Udp,
}

impl Means {
    pub(super) fn of(url: &ServerUrl) -> Self {
        let ServerUrl::Turn(url) = url else { return Self::Web };
        match (url.transport(), url.is_secure(), url.port()) {
            (TurnTransport::Udp, _, _) => Self::Udp,
            (TurnTransport::Tcp, true, 443) => Self::Tls443,
            (TurnTransport::Tcp, true, _) => Self::Tls,
            (TurnTransport::Tcp, false, _) => Self::Tcp,
        }
    }

    /// Whether TURN is spoken there.
    pub(super) fn is_turn(self) -> bool {
        matches!(self, Self::Tls443 | Self::Tls | Self::Tcp)
    }
}

/// What is kept of a stranger's URLs: each once, those of STUN left out, that name no host which is this
/// one by name (RFC 6761, section 6.3). Addresses are judged where they are known.
pub(super) fn kept(urls: Vec<ServerUrl>) -> Vec<ServerUrl> {
    let mut kept: Vec<ServerUrl> = Vec::new();
    for url in urls {
        let of_turn = url.turn().is_none_or(TurnUrl::is_turn);
        if of_turn && !is_local(&url) && !kept.contains(&url) && kept.len() < MOST_URLS {
            kept.push(url);
        }
    }
    kept
}

/// The URLs to try, the best first: those of TURN, or, where it has none that takes streams, those of a web
/// server beside it.
pub(super) fn ways(urls: &[ServerUrl]) -> Vec<&ServerUrl> {
    let mut ways: Vec<_> = urls.iter().filter(|url| Means::of(url) != Means::Udp).collect();
    ways.sort_by_key(|url| Means::of(url));
    if ways.first().is_some_and(|url| Means::of(url).is_turn()) {
        ways.retain(|url| Means::of(url).is_turn());
    }
    ways.truncate(MOST_WAYS);
    ways
}

/// The address in a URL, if it has one.
pub(super) fn ip(url: &ServerUrl) -> Option<IpAddr> {
    url.ip()
}

fn is_local(url: &ServerUrl) -> bool {
    let name = url.host().trim_end_matches('.');
    name == "localhost"
        || name.ends_with(".localhost")
        || ip(url) == Some(Ipv4Addr::UNSPECIFIED.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<ServerUrl> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn tried(texts: &[&str]) -> Vec<String> {
        ways(&urls(texts)).into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tls_at_443_comes_first_and_udp_never() {
        let all = [
            "turn:a.example?transport=udp",
            "turn:a.example?transport=tcp",
            "turns:a.example?transport=tcp",
            "turns:a.example:443?transport=tcp",
            "turns:a.example:443?transport=udp",
            "https://a.example/",
        ];
        assert_eq!(
            tried(&all),
            [
                "turns:a.example:443?transport=tcp",
                "turns:a.example?transport=tcp",
                "turn:a.example?transport=tcp"
            ]
        );
        assert_eq!(tried(&["turn:a.example", "https://a.example/"]), ["https://a.example/"]);
        assert!(tried(&["turn:a.example"]).is_empty());
    }

    #[test]
    fn what_is_kept_of_a_stranger_s_urls() {
        let many: Vec<_> = (0..20).map(|n| format!("turn:{n}.example")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(kept(urls(&many)).len(), MOST_URLS);
        let some = ["stun:a.example", "turns:LOCALHOST", "https://a.localhost./", "turn:a.example"];
        assert_eq!(kept(urls(&some)), urls(&["turn:a.example"]));
        assert_eq!(kept(urls(&["turn:a.example", "turn:a.example"])).len(), 1);
    }
}
