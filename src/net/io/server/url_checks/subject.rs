//! Whose URLs are checked, and as what.

use std::net::{IpAddr, SocketAddr};

use tracing::warn;

use crate::config::{Config, KeyError, TurnServer, read_login};
use crate::error::Error;
use crate::net::engine::server::answer::UrlsOf;
use crate::net::io::turn::TlsRoots;
use crate::types::{ServerUrl, TurnHealth, TurnLogin};

/// A TURN server, or those of one name, and how their URLs are checked.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) of: UrlsOf,
    /// As the log calls it.
    pub(super) called: String,
    pub(super) level: TurnHealth,
    pub(super) login: Option<TurnLogin>,
    /// `None`: nobody is trusted, for the system has no certificates.
    pub(super) roots: Option<TlsRoots>,
    /// Where this server finds what clients find elsewhere.
    inside: Vec<(IpAddr, IpAddr)>,
}

impl Subject {
    /// Where this server reaches an address of a URL's host.
    pub(super) fn reached_at(&self, mut addr: SocketAddr) -> SocketAddr {
        if let Some((_, inside)) = self.inside.iter().find(|(outside, _)| *outside == addr.ip()) {
            addr.set_ip(*inside);
        }
        addr
    }
}

/// All that have URLs, in the order of what they are of, and these. `first`: the number of the first entry
/// of `cluster.nodes`.
pub(super) fn subjects(
    config: &Config,
    first: usize,
) -> Result<Vec<(Subject, Vec<ServerUrl>)>, Error> {
    let (mut subjects, mut system) = (Vec::new(), None);
    let mut add = |of, called: String, server: &TurnServer, inside| {
        if !server.urls.is_empty() {
            let (level, login) = (server.health, read_login(server)?);
            let roots = roots(server, &mut system)?;
            let subject = Subject { of, called, level, login, roots, inside };
            subjects.push((subject, server.urls.clone()));
        }
        Ok::<(), Error>(())
    };
    let turn = &config.turn;
    let called = turn.bind.first().map(ToString::to_string).unwrap_or_default();
    let ips = turn.checked_at().map(|(bind, check)| (bind.ip(), check.ip()));
    add(UrlsOf::Beside, called, &turn.server, ips.collect())?;
    for (entry, node) in config.cluster.nodes.iter().enumerate() {
        if let Some(turn) = &node.turn {
            let called = node.name.as_ref().map_or(node.addr.to_string(), ToString::to_string);
            add(UrlsOf::Entry(first + entry), called, turn, Vec::new())?;
        }
    }
    Ok(subjects)
}

/// Whom to trust where a certificate is to be judged; the system's are read once.
fn roots(
    server: &TurnServer,
    system: &mut Option<Option<TlsRoots>>,
) -> Result<Option<TlsRoots>, Error> {
    if server.health == TurnHealth::None || !server.urls.iter().any(ServerUrl::is_secure) {
        return Ok(None);
    }
    if let Some(file) = &server.ca_file {
        let unreadable = |source| Error::Key(KeyError::certificates(file, source));
        return TlsRoots::file(file).map(Some).map_err(unreadable);
    }
    let read = || {
        let none = |error: &_| {
            warn!(%error, "the system trusts no certificate: `turns:` and `https:` URLs without `ca-file` fail");
        };
        TlsRoots::system().inspect_err(none).ok()
    };
    Ok(system.get_or_insert_with(read).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_goes_where_it_checks_and_each_entry_has_its_own() {
        let text = "[turn]\nbind = '203.0.113.52:3478'\ncheck = '127.0.0.1:3478'\n\
                    urls = ['turn:turn.example?transport=tcp']\n\
                    [cluster]\nnodes = ['127.0.0.1:3002', { turn = '203.0.113.9' },\n\
                    { turn = '203.0.113.10', name = 'nyc', health = 'none', urls = ['turns:nyc.example'] }]";
        let config = Config::parse(text, "").unwrap();
        let subjects = subjects(&config, 0).unwrap();
        let of: Vec<_> = subjects.iter().map(|(subject, _)| subject.of).collect();
        assert_eq!(of, [UrlsOf::Beside, UrlsOf::Entry(2)]);
        let [(leaf, urls), (nyc, _)] = &subjects[..] else { panic!() };
        let reached = |addr: &str| leaf.reached_at(addr.parse().unwrap()).to_string();
        assert_eq!(reached("203.0.113.52:443"), "127.0.0.1:443", "not round by the NAT");
        assert_eq!(reached("203.0.113.53:443"), "203.0.113.53:443");
        assert_eq!((leaf.called.as_str(), nyc.called.as_str()), ("203.0.113.52:3478", "nyc"));
        assert_eq!((urls.len(), nyc.roots.is_none()), (1, true));
    }
}
