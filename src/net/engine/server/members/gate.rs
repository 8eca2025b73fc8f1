//! Which heartbeats are listened to: whose, and whether they are new.

use std::net::SocketAddr;
use std::time::Instant;

use super::naming::unfit;
use super::roster::Roster;
use crate::net::engine::Rng;
use crate::net::engine::server::auth::{Heartbeat, Trust};
use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::replay::{Freshness, ReplayFilter};
use crate::net::engine::server::trouble::Unfit;
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
    /// The address that it advertises, if that may be one.
    pub(super) advertised: Option<SocketAddr>,
    /// The same, where it may not, and why.
    pub(super) unfit: Option<(SocketAddr, Unfit)>,
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
    /// Believes these from now on. What was heard stays heard as long as there are keys. Returns what it
    /// believed before.
    pub(super) fn set_trust(&mut self, now: Instant, trust: Trust, rng: &mut Rng) -> Trust {
        let filter = self.replay.take();
        let judges = !trust.keys.is_empty();
        self.replay = judges.then(|| filter.unwrap_or_else(|| ReplayFilter::new(now, rng)));
        std::mem::replace(&mut self.trust, trust)
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
            true => {
                let places = Places { advertised: None, unfit: None, source: Some(from) };
                (places, usize::MAX)
            }
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
        let bars = |addr| join.unfit(addr).or_else(|| unfit(&self.on_link, from, addr, false));
        let wanted = ping.advertise.filter(|addr| *addr != from).map(|addr| (addr, bars(addr)));
        let advertised = wanted.filter(|(_, bar)| bar.is_none()).map(|(addr, _)| addr);
        let unfit = wanted.and_then(|(addr, bar)| Some((addr, bar?)));
        let source = Some(from).filter(|from| bars(*from).is_none());
        if advertised.or(source).is_none() {
            return Err(DropReason::Unwanted);
        }
        Ok(Places { advertised, unfit, source })
    }

    /// Why whoever has signed this is not let in, by the reason that its heartbeat was dropped for.
    pub(super) fn unwelcome(&self, from: SocketAddr, reason: DropReason) -> Option<Unfit> {
        match reason {
            DropReason::TooManyNodes => Some(Unfit::Room),
            DropReason::StrangeHeartbeat => Some(Unfit::Closed),
            DropReason::Unwanted => {
                let join = self.trust.join.as_ref()?;
                join.unfit(from).or_else(|| unfit(&self.on_link, from, from, false))
            }
            _ => None,
        }
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
