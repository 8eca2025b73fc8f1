//! What heartbeats do: they bring checks forward, and let nodes join.

use std::net::SocketAddr;
use std::time::Instant;

use super::gate::Places;
use super::member::Member;
use super::news::News;
use super::node::MemberEvent;
use super::roster::Roster;
use crate::net::engine::server::auth::Heartbeat;
use crate::net::engine::server::drop::DropReason;

/// The nodes, while some join or leave.
pub(super) struct Joining<'a> {
    pub(super) roster: &'a mut Roster,
    pub(super) news: &'a mut News,
    /// How many nodes there may be.
    pub(super) room: usize,
}

impl Joining<'_> {
    /// Looks for a node at the address that it advertises, and where it is heard from only as long
    /// as it is not found there.
    ///
    /// # Errors
    /// There are too many nodes.
    pub(super) fn let_in(
        &mut self,
        now: Instant,
        from: SocketAddr,
        Places { advertised, source }: Places,
        heartbeat: &Heartbeat,
    ) -> Result<(), DropReason> {
        if let Some(advertised) = advertised {
            self.admit(now, advertised)?;
            self.knock(now, from, advertised, heartbeat);
        }
        let Some(source) = source else { return Ok(()) };
        match advertised.and_then(|addr| self.roster.get(addr)) {
            Some(found) if found.has_offer() => self.dismiss(source),
            Some(found) if found.is_looked_for(now) => {}
            _ => {
                self.admit(now, source)?;
                self.knock(now, from, source, heartbeat);
            }
        }
        Ok(())
    }

    /// Brings the next check of a node forward, where it could bring something new.
    pub(super) fn knock(
        &mut self,
        now: Instant,
        from: SocketAddr,
        addr: SocketAddr,
        heartbeat: &Heartbeat,
    ) {
        if self.roster.change(addr, |member| member.knock(now, from, heartbeat)) == Some(true) {
            self.news.revise();
        }
    }

    /// Makes places for nodes of the configuration: those that had joined and were not heard from
    /// for longest lose theirs.
    pub(super) fn make_room(&mut self, places: usize) {
        let heard = |(addr, member): (_, &Member)| Some((member.last_heard()?, addr));
        let mut joined: Vec<_> = self.roster.iter().filter_map(heard).collect();
        joined.sort_unstable();
        let excess = (self.roster.len() + places).saturating_sub(self.room);
        joined.into_iter().take(excess).for_each(|(_, addr)| self.dismiss(addr));
    }

    /// Takes a node out that had joined: it is found at another address, or nowhere.
    pub(super) fn dismiss(&mut self, addr: SocketAddr) {
        if !self.roster.get(addr).is_some_and(Member::has_joined) {
            return;
        }
        if self.roster.remove(addr).is_some_and(|member| member.has_offer()) {
            self.news.revise();
        }
        self.news.tell(MemberEvent::Forgotten { addr });
    }

    /// Makes an address that of a node, if there is room.
    fn admit(&mut self, now: Instant, addr: SocketAddr) -> Result<(), DropReason> {
        if self.roster.change(addr, |member| member.heard(now)).is_some() {
            return Ok(());
        }
        if self.roster.len() >= self.room {
            return Err(DropReason::TooManyNodes);
        }
        self.roster.insert(addr, Member::joined(addr, now));
        Ok(())
    }
}
