//! How full the TURN server beside the server is, and whether all below it are full.

use std::time::Instant;

use super::ServerEngine;
use crate::types::{Load, NodeCondition};

impl ServerEngine {
    /// The TURN server beside it is so full; `None`: that is not known any more.
    pub fn set_load(&mut self, load: Option<Load>) {
        if self.load.exact != load {
            self.load.note(load);
            self.shown = None;
        }
    }

    /// Whether where that stands cannot be read. When it begins and ends is told elsewhere.
    pub fn set_load_unknown(&mut self, now: Instant, unknown: bool) {
        self.watch.set_load_unknown(now, unknown);
    }

    /// The TURN server beside it can serve so much beside others; 0: that is not told.
    pub fn set_weight(&mut self, weight: u32) {
        if self.load.weight != weight {
            self.load.weight = weight;
            self.shown = None;
        }
    }

    /// Whether there are nodes that answer, and all of them are full.
    pub(super) fn are_all_full(&self, now: Instant) -> bool {
        use NodeCondition::{Draining, Full};
        let turn = self.turn.statuses(now).map(|turn| turn.condition);
        let conditions = self.members.conditions().chain(turn);
        let mut here = conditions.filter(|here| matches!(here, Draining | Full)).peekable();
        here.peek().is_some() && here.all(|here| here == Full)
    }
}
