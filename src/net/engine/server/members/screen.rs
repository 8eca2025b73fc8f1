//! Who has joined and may not any more, because the server believes others now.

use super::join::Joining;
use super::member::Member;
use crate::net::engine::server::auth::Trust;

impl Joining<'_> {
    /// Takes out who may not join by what is believed now, and was let in by what was before: nobody may,
    /// his key is gone, or another has its number, or he is in no network that nodes may be in.
    pub(super) fn screen(&mut self, before: &Trust, now: &Trust) {
        // As long as nobody has been let in nobody is to go.
        if before.keys.is_empty() {
            return;
        }
        let stays = |id: u32| {
            let both = before.keys.get(id).zip(now.keys.get(id));
            both.is_some_and(|(before, now)| before.is_same(now))
        };
        let may_be = |addr| now.join.as_ref().is_some_and(|join| join.unfit(addr).is_none());
        let unwelcome = |member: &Member| member.has_joined() && !member.has_key(stays);
        let gone = self
            .roster
            .iter()
            .filter(|(addr, member)| unwelcome(member) || member.has_joined() && !may_be(*addr));
        for addr in Vec::from_iter(gone.map(|(addr, _)| addr)) {
            self.dismiss(addr);
        }
        self.prospects.retain(|prospect| stays(prospect.key()) && may_be(prospect.place()));
        self.make_room(0);
    }
}
