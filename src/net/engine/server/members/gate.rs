//! Which heartbeats are listened to: whose, and whether they are new.

use std::net::SocketAddr;
use std::time::Instant;

use super::naming::may_name_server;
use super::roster::Roster;
use crate::net::engine::Rng;
use crate::net::engine::server::auth::{Heartbeat, Trust};
use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::replay::{Freshness, ReplayFilter};
use crate::net::wire::{Ping, Pong};
use crate::types::OnLink;

/// Why a heartbeat is refused, as a [`Pong`] says it: it has no challenge that is good.
const STALE: u32 = 1;

/// Judges heartbeats.
#[derive(Debug, Default)]
pub(super) struct Gate {
    trust: Trust,
    /// Judges signed ones; `None` without keys.
    replay: Option<ReplayFilter>,
    on_link: OnLink,
}

/// Where the sender of a heartbeat may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    /// The address that it advertises.
    pub(super) advertised: Option<SocketAddr>,
    /// The address that it sends from.
    pub(super) source: Option<SocketAddr>,
}

/// What a heartbeat is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruling {
    /// It has no tag, and need have none: it counts for the node that it comes from.
    Unsigned,
    /// It is signed and new: one that may be a node is in one of these places.
    Signed(Places),
    /// It is signed, and may be old: this is answered.
    Stale(Pong),
}

impl Gate {
    /// Believes these from now on.
    pub(super) fn set_trust(&mut self, now: Instant, trust: Trust, rng: &mut Rng) {
        self.replay = (!trust.keys.is_empty()).then(|| ReplayFilter::new(now, rng));
        self.trust = trust;
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// This host is in these networks from now on.
    pub(super) fn set_on_link(&mut self, on_link: OnLink) {
        self.on_link = on_link;
    }

    pub(super) fn on_link(&self) -> &OnLink {
        &self.on_link
    }

    /// How many nodes there may be, where so many are configured: those always have room.
    pub(super) fn room(&self, configured: usize) -> usize {
        planted!(JoinsWithoutBound => usize::MAX);
        self.trust.join.as_ref().map_or(0, |join| join.max_nodes).max(configured)
    }

    /// Judges a heartbeat, where so many of the nodes are configured.
    ///
    /// # Errors
    /// Why nothing comes of it.
    pub(super) fn judge(
        &mut self,
        now: Instant,
        from: SocketAddr,
        heartbeat: &Heartbeat,
        roster: &Roster,
        configured: usize,
    ) -> Result<Ruling, DropReason> {
        if heartbeat.key.is_none() {
            return Ok(Ruling::Unsigned);
        }
        let ping = &heartbeat.ping;
        let (places, room) = match roster.get(from).is_some_and(|member| !member.has_joined()) {
            true => (Places { advertised: None, source: Some(from) }, usize::MAX),
            false => (self.places(from, ping)?, self.room(configured)),
        };
        if roster.len() >= room && !places.iter().any(|addr| roster.contains(addr)) {
            return Err(DropReason::TooManyNodes);
        }
        let Some(replay) = &mut self.replay else { return Err(DropReason::WrongTag) };
        match replay.judge(now, from, ping, room) {
            Freshness::Fresh => Ok(Ruling::Signed(places)),
            Freshness::Stale { challenge, last_seq } => {
                Ok(Ruling::Stale(Pong { seq: ping.seq, challenge, status: STALE, last_seq }))
            }
            Freshness::Replayed => Err(DropReason::Replayed),
            Freshness::Full => Err(DropReason::TooManyNodes),
        }
    }

    /// Where one may be that is not listed. One from far may not lead into a near network, as in
    /// lists.
    fn places(&self, from: SocketAddr, ping: &Ping) -> Result<Places, DropReason> {
        let join = self.trust.join.as_ref().ok_or(DropReason::StrangeHeartbeat)?;
        let allowed =
            |addr: &SocketAddr| may_name_server(&self.on_link, from, *addr) && join.allows(*addr);
        let advertised = ping.advertise.filter(|addr| *addr != from).filter(allowed);
        let source = Some(from).filter(allowed);
        if advertised.or(source).is_none() {
            return Err(DropReason::Unwanted);
        }
        Ok(Places { advertised, source })
    }

    /// Of how many addresses something is remembered.
    pub(super) fn remembered(&self) -> usize {
        self.replay.as_ref().map_or(0, ReplayFilter::len)
    }
}

impl Places {
    fn iter(&self) -> impl Iterator<Item = SocketAddr> {
        [self.advertised, self.source].into_iter().flatten()
    }
}
