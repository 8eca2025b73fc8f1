//! What heartbeats do: they bring checks forward, and let nodes join.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Member, MemberEvent, Members, NodeSpec, ONLINE, Offered};
use crate::net::engine::server::auth::{Heartbeat, Trust};
use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::replay::Freshness;
use crate::net::fault::{Fault, planted};
use crate::net::wire::{Ping, Pong};
use crate::types::Scope;

/// After its last heartbeat or right answer a node that has joined is forgotten: late enough that
/// a restart or a partition shows as "offline" in the log, soon enough that a fleet whose
/// addresses change leaves no heap behind. More than a challenge lives, so that no heartbeat that
/// was recorded before brings it back.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// How long a node is looked for at the address that it advertises alone: the first round of
/// checks.
const DOOR_PATIENCE: Duration = Duration::from_secs(4);

/// Why a heartbeat is refused, as a [`Pong`] says it: it has no challenge that is good.
const STALE: u32 = 1;

/// What is known of a node because it has joined.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined {
    since: Instant,
    heard: Instant,
}

impl Joined {
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }
}

impl Members {
    /// A heartbeat came: brings the next check forward where it could bring something new.
    /// Returns what a node must do for its heartbeats to be accepted.
    ///
    /// # Errors
    /// Why nothing comes of it.
    pub fn handle_heartbeat(
        &mut self,
        now: Instant,
        from: SocketAddr,
        heartbeat: &Heartbeat,
    ) -> Result<Option<Pong>, DropReason> {
        let ping = &heartbeat.ping;
        let listed = self.members.get(&from).is_some_and(|member| member.joined.is_none());
        if heartbeat.key.is_none() {
            // From a listed node, where no tag is required.
            self.knock(now, from, heartbeat);
            return Ok(None);
        }
        let (places, room) = match listed {
            true => ([None, Some(from)], usize::MAX),
            false => (places(&self.trust, from, ping)?, self.room()),
        };
        let known = |addr: &SocketAddr| self.members.contains_key(addr);
        if self.members.len() >= room && !places.iter().flatten().any(known) {
            return Err(DropReason::TooManyNodes);
        }
        let Some(replay) = &mut self.replay else { return Err(DropReason::WrongTag) };
        match replay.judge(now, from, ping, room) {
            Freshness::Fresh => self.let_in(now, places, heartbeat)?,
            Freshness::Stale { challenge, last_seq } => {
                let (seq, status) = (ping.seq, STALE);
                return Ok(Some(Pong { seq, challenge, status, last_seq }));
            }
            Freshness::Replayed => return Err(DropReason::Replayed),
            Freshness::Full => return Err(DropReason::TooManyNodes),
        }
        Ok(None)
    }

    /// How many nodes there may be; those of the configuration always have room.
    fn room(&self) -> usize {
        let most = self.trust.join.as_ref().map_or(0, |join| join.max_nodes);
        if planted(Fault::JoinsWithoutBound) { usize::MAX } else { most.max(self.configured) }
    }

    /// Makes places for nodes of the configuration: those that had joined and were not heard from for
    /// longest lose theirs.
    pub(super) fn make_room(&mut self, places: usize) {
        let joined = self.members.iter().filter_map(|(addr, m)| Some((m.joined?.heard, *addr)));
        let mut joined: Vec<_> = joined.collect();
        joined.sort_unstable();
        let excess = (self.members.len() + places).saturating_sub(self.room());
        joined.into_iter().take(excess).for_each(|(_, addr)| self.dismiss(addr));
    }

    /// Looks for a node at the address that it advertises, and where it is heard from only as long
    /// as it is not found there.
    fn let_in(
        &mut self,
        now: Instant,
        [door, source]: [Option<SocketAddr>; 2],
        heartbeat: &Heartbeat,
    ) -> Result<(), DropReason> {
        if let Some(door) = door {
            self.admit(now, door)?;
            self.knock(now, door, heartbeat);
        }
        let found = door.and_then(|door| self.members.get(&door));
        match (found, source) {
            (Some(member), Some(source)) if member.offer.is_some() => self.dismiss(source),
            (Some(Member { joined: None, .. }), _) => {}
            (Some(Member { joined: Some(joined), .. }), _)
                if now < joined.since + DOOR_PATIENCE => {}
            (_, Some(source)) => {
                self.admit(now, source)?;
                self.knock(now, source, heartbeat);
            }
            (_, None) => {}
        }
        Ok(())
    }

    /// Makes an address that of a node, if there is room.
    fn admit(&mut self, now: Instant, addr: SocketAddr) -> Result<(), DropReason> {
        if let Some(member) = self.members.get_mut(&addr) {
            if let Some(joined) = &mut member.joined {
                joined.heard(now);
            }
            return Ok(());
        }
        if self.members.len() >= self.room() {
            return Err(DropReason::TooManyNodes);
        }
        let spec = NodeSpec { addr, public: addr, name: None };
        self.insert(now, spec, Some(Joined { since: now, heard: now }));
        Ok(())
    }

    /// Brings the next check of a node forward, where it could bring something new.
    fn knock(&mut self, now: Instant, addr: SocketAddr, Heartbeat { ping, key, .. }: &Heartbeat) {
        let Some(member) = self.members.get_mut(&addr) else { return };
        member.key = key.or(member.key);
        if planted(Fault::HeartbeatIsClaim) {
            member.offer = Some(Offered::claimed(now + ONLINE));
            self.revision += 1;
        }
        let known = member.offer.as_ref().filter(|offer| offer.until > now);
        let news = known.is_none_or(|offer| ping.version != 0 && ping.version != offer.version);
        if news {
            member.check.bring_forward(now);
            member.schedule(addr, &mut self.deadlines);
        }
    }

    /// Forgets a node that had joined and has been silent for long.
    pub(super) fn forget(&mut self, now: Instant, addr: SocketAddr) {
        let joined = self.members.get(&addr).and_then(|member| member.joined);
        if joined.is_some_and(|joined| joined.heard + FORGOTTEN <= now) {
            self.dismiss(addr);
        }
    }

    /// Takes a node out that had joined: it is found at another address, or nowhere.
    fn dismiss(&mut self, addr: SocketAddr) {
        let joined = |member: &Member| member.joined.is_some();
        if !self.members.get(&addr).is_some_and(joined) {
            return;
        }
        if let Some(member) = self.members.remove(&addr) {
            self.deadlines.remove(&(member.deadline, addr));
            self.revision += u64::from(member.offer.is_some());
            self.events.push_back(MemberEvent::Forgotten { addr });
        }
    }
}

/// Where a node that is not listed may be: the address that it advertises, and its source. One from
/// far may not lead into a near network, as in lists.
fn places(
    trust: &Trust,
    from: SocketAddr,
    ping: &Ping,
) -> Result<[Option<SocketAddr>; 2], DropReason> {
    let Some(join) = &trust.join else { return Err(DropReason::StrangeHeartbeat) };
    let reach = Scope::of(from.ip()).unwrap_or(Scope::Global);
    let allowed = |addr: &SocketAddr| reach.allows(addr.ip()) && join.allows(*addr);
    let door = ping.advertise.filter(|door| *door != from).filter(allowed);
    match [door, Some(from).filter(allowed)] {
        [None, None] => Err(DropReason::Unwanted),
        places => Ok(places),
    }
}
