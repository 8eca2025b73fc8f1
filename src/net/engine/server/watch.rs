//! What looks for what is wrong, in one place: who is missing, who does not check, what does not fit.

use std::net::SocketAddr;
use std::time::Instant;

use super::event::ServerEvent;
use super::inspection::{Inspection, inspect};
use super::oversight::Oversight;
use super::reason::Absentee;
use super::refusal::{TagFault, TagRefusal, TaggedMessage};
use super::roll_call::{Attendance, RollCall};
use super::suspicions::Suspicions;
use super::trouble::{Trouble, Troubles};
use crate::net::wire::Node;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Watch {
    roll_call: RollCall,
    oversight: Oversight,
    inspection: Inspection,
    troubles: Troubles,
    suspicions: Suspicions,
    attendance: Option<Attendance>,
}

impl Watch {
    /// Whether the configuration has anything that could ever be offered.
    pub(super) fn set_barren(&mut self, now: Instant, barren: bool) {
        self.troubles.set(now, Trouble::Barren, barren);
    }

    /// Whether it cannot be read how full the TURN server beside it is.
    pub(super) fn set_load_unknown(&mut self, now: Instant, unknown: bool) {
        self.troubles.set_quiet(now, Trouble::LoadUnknown, unknown);
    }

    /// There are nodes, which must be online some time from now.
    pub(super) fn await_nodes(&mut self, now: Instant) {
        self.roll_call.begin(now);
    }

    /// These are the superiors from now on.
    pub(super) fn set_superiors(&mut self, now: Instant, addrs: &[SocketAddr]) {
        self.oversight.set_superiors(now, addrs, &mut self.troubles);
    }

    /// The list is another, and superiors are told that there is one.
    pub(super) fn set_list(&mut self, now: Instant, told: bool) {
        self.oversight.set_telling(now, told, &mut self.troubles);
        self.inspection.begin(now);
    }

    /// A superior's check came, with this wrong with its tag.
    pub(super) fn note_check(&mut self, now: Instant, from: SocketAddr, fault: Option<TagFault>) {
        self.oversight.note(now, from, &mut self.troubles);
        if let Some(fault) = fault {
            self.refuse(now, from, TagRefusal { message: TaggedMessage::Check, fault });
        }
    }

    /// A peer has sent what is not believed.
    pub(super) fn refuse(&mut self, now: Instant, peer: SocketAddr, refusal: TagRefusal) {
        self.troubles.see(now, Trouble::Refused { peer, refusal });
    }

    /// Nodes or superiors have shown this to be wrong.
    pub(super) fn see(&mut self, now: Instant, sights: impl IntoIterator<Item = Trouble>) {
        for trouble in sights {
            if !trouble.may_pass() || self.suspicions.last(now, &trouble) {
                self.troubles.see(now, trouble);
            }
        }
    }

    /// Lets time pass; these TURN servers stand beside the server, each with whether it may be offered.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        absent: impl Iterator<Item = Absentee>,
        own: impl Iterator<Item = (SocketAddr, bool)>,
    ) {
        self.attendance = self.roll_call.handle_timeout(now, absent).or(self.attendance.take());
        for (public, fit) in own {
            self.troubles.set_quiet(now, Trouble::TurnDown { public }, !fit);
        }
        self.oversight.handle_timeout(now, &mut self.troubles);
        self.troubles.handle_timeout(now);
    }

    /// Looks at what is listed, if it is time for it; `hidden`: TURN servers that are nodes, and not
    /// listed where a balance server has the same address.
    pub(super) fn inspect(
        &mut self,
        now: Instant,
        listed: &[Node],
        turn: impl Iterator<Item = SocketAddr>,
    ) {
        if self.inspection.is_due(now) {
            inspect(now, listed, turn, &mut self.troubles);
        }
    }

    /// When to call [`Watch::handle_timeout`] and [`Watch::inspect`] next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let own = [self.roll_call.poll_timeout(), self.oversight.poll_timeout()];
        let wrong = [self.inspection.poll_timeout(), self.troubles.poll_timeout()];
        own.into_iter().chain(wrong).flatten().min()
    }

    pub(super) fn poll_event(&mut self) -> Option<ServerEvent> {
        let attendance = self.attendance.take().map(|attendance| match attendance {
            Attendance::Missing(absentees) => ServerEvent::Missing(absentees),
            Attendance::Complete => ServerEvent::Complete,
        });
        attendance.or_else(|| self.troubles.poll_event().map(ServerEvent::Trouble))
    }

    pub(super) fn has_events(&self) -> bool {
        self.attendance.is_some() || self.troubles.has_events()
    }

    /// What is wrong now, and since when.
    pub(super) fn troubles(&self) -> impl Iterator<Item = (&Trouble, Instant)> {
        self.troubles.iter()
    }

    /// Whether a superior has checked of late.
    pub(super) fn has_checked(&self, now: Instant, superior: SocketAddr) -> bool {
        self.oversight.has_checked(now, superior)
    }

    /// The superiors, and when each was last seen to check.
    pub(super) fn superiors(&self) -> impl Iterator<Item = (SocketAddr, Option<Instant>)> {
        self.oversight.iter()
    }
}
