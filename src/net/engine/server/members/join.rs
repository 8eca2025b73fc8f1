//! What heartbeats do: they bring checks forward, and let nodes join.

use std::net::SocketAddr;
use std::time::Instant;

use super::gate::Places;
use super::member::Member;
use super::node::MemberEvent;
use super::prospect::Claim;
use super::prospects::Prospects;
use super::roster::Roster;
use crate::net::engine::server::auth::Heartbeat;
use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::news::News;
use crate::net::engine::server::trouble::{Trouble, Unfit};

/// The nodes, while some join or leave.
pub(super) struct Joining<'a> {
    pub(super) roster: &'a mut Roster,
    pub(super) prospects: &'a mut Prospects,
    pub(super) news: &'a mut News<MemberEvent>,
    /// How many nodes there may be.
    pub(super) room: usize,
}

impl Joining<'_> {
    /// Looks for a node at the address that it advertises, and where it is heard from only as long
    /// as it is not found there. Returns what is wrong with the first.
    ///
    /// # Errors
    /// There are too many nodes.
    pub(super) fn let_in(
        &mut self,
        now: Instant,
        from: SocketAddr,
        Places { advertised, unfit, source }: Places,
        heartbeat: &Heartbeat,
    ) -> Result<Option<Trouble>, DropReason> {
        let sought = match advertised {
            Some(place) => self.look_for(now, from, place, heartbeat),
            None => Sought::Nowhere,
        };
        let missed = advertised.filter(|_| matches!(sought, Sought::Nowhere));
        let bar = unfit.or(missed.map(|place| (place, Unfit::Silent)));
        let trouble = bar.map(|(place, why)| Trouble::Misadvertised { from, place, why });
        let Some(source) = source else { return Ok(trouble) };
        match sought {
            Sought::Found => self.dismiss(source),
            Sought::Awaited => {}
            Sought::Nowhere => {
                self.admit(now, source)?;
                self.knock(now, from, source, heartbeat);
            }
        }
        Ok(trouble)
    }

    /// A place has shown that a node is there, which has this key: it is asked in full at once.
    pub(super) fn found(&mut self, now: Instant, place: SocketAddr, key: Option<u32>) {
        self.prospects.found(place);
        if !self.roster.contains(place) {
            self.roster.insert(place, Member::joined(place, now));
        }
        self.roster.change(place, |member| member.appear(now, key));
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
        self.prospects.keep_newest(self.room.saturating_sub(self.roster.len() + places));
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

    /// Looks for a node at the address that it advertises. Who is not known to be there, or has gone
    /// silent, has not agreed to be asked: that is a matter of [`Prospects`].
    fn look_for(
        &mut self,
        now: Instant,
        from: SocketAddr,
        place: SocketAddr,
        heartbeat: &Heartbeat,
    ) -> Sought {
        let node = self.roster.get(place);
        if node.is_some_and(|node| node.is_present(now)) {
            self.prospects.remove(from);
            self.knock(now, from, place, heartbeat);
            let node = self.roster.get(place);
            return Sought::of(
                node.is_some_and(Member::has_offer),
                node.is_some_and(|node| node.is_looked_for(now)),
            );
        }
        let Some(key) = heartbeat.key else { return Sought::Nowhere };
        let claim = Claim { from, place, key, len: heartbeat.len, known: node.is_some() };
        let room = self.room.saturating_sub(self.roster.len());
        let prospect = self.prospects.claim(now, claim, room);
        Sought::of(false, prospect.is_some_and(|prospect| prospect.is_looked_for(now)))
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
        self.prospects.keep_newest(self.room - self.roster.len());
        Ok(())
    }
}

/// Where a node is looked for.
enum Sought {
    /// It is found at the address that it advertises.
    Found,
    /// It may be found there yet.
    Awaited,
    /// It advertises none, or has not been found there.
    Nowhere,
}

impl Sought {
    fn of(found: bool, awaited: bool) -> Self {
        match (found, awaited) {
            (true, _) => Self::Found,
            (false, true) => Self::Awaited,
            (false, false) => Self::Nowhere,
        }
    }
}
