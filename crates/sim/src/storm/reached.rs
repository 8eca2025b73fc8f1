//! What a client may say of how TURN servers are reached: what it was told by who knows, if it may be said.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use turn_balance::TurnUrl;
use turn_balance::internals::engine::client::descent::Selection;

/// The most URLs of one TURN server.
const MOST: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// Who was asked, by which id, and about which TURN server; `None`: that beside the one who is asked.
    asked: BTreeMap<(SocketAddr, u32), Option<SocketAddr>>,
    /// What was told of a TURN server, or by the leaf beside it.
    told: BTreeSet<(SocketAddr, String)>,
}

impl Reached {
    /// Somebody is asked for URLs.
    pub(crate) fn asks(&mut self, to: SocketAddr, id: u32, of: Option<SocketAddr>) {
        self.asked.insert((to, id), of);
    }

    /// A right answer came. Returns whose URLs it is about, if it is about URLs.
    pub(crate) fn hears(
        &mut self,
        from: SocketAddr,
        id: u32,
        urls: &[String],
    ) -> Option<SocketAddr> {
        let of = self.asked.get(&(from, id))?;
        let whose = of.unwrap_or(from);
        let urls = urls.iter().filter_map(|text| text.parse::<TurnUrl>().ok());
        self.told.extend(urls.map(|url| (whose, url.to_string())));
        Some(whose)
    }

    /// What is wrong with what is said of the chosen one. `may`: whether an address may be named.
    pub(crate) fn wrong(
        &self,
        selection: &Selection,
        may: impl Fn(SocketAddr) -> bool,
    ) -> Option<String> {
        let Selection { turn, ref urls, ref path, .. } = *selection;
        if urls.len() > MOST {
            return Some(format!("{} URLs of {turn}", urls.len()));
        }
        let leaf = path.last().map(|hop| hop.addr);
        let told = |url: &TurnUrl| {
            let text = url.to_string();
            let by = [Some(turn), leaf].into_iter().flatten();
            by.into_iter().any(|whose| self.told.contains(&(whose, text.clone())))
        };
        let wrong = urls.iter().find(|url| {
            let near = url.ip().is_some_and(|ip| !may(SocketAddr::new(ip, url.port())));
            **url != TurnUrl::udp(turn) && (near || !told(url))
        });
        wrong.map(|url| format!("{url} is said to be of {turn}"))
    }
}
