//! What a descent sends, paid out of its budget and counted, and what it heard in vain.

use std::net::SocketAddr;

use rand::RngExt;

use super::budget::{Quota, SendBudget, Spend};
use super::candidate_id::CandidateId;
use super::entry::Entry;
use super::options::Options;
use super::report::{Cost, Unasked};
use crate::net::engine::Rng;
use crate::net::engine::exchange::Token;

/// All that passes between a descent and the network, but for what it says.
#[derive(Debug)]
pub(super) struct Post {
    budget: SendBudget,
    cost: Cost,
    rng: Rng,
}

impl Post {
    /// Nothing sent yet.
    pub(super) fn new(options: &Options, rng: Rng) -> Self {
        let budget = SendBudget::new(options.limits.clone(), options.urls);
        Self { budget, cost: Cost::default(), rng }
    }

    /// What no other request has.
    pub(super) fn token(&mut self) -> Token {
        Token { id: self.rng.random(), nonce: self.rng.random_range(1..=u64::MAX) }
    }

    /// Pays for a datagram to a candidate. Roots, which the caller named, cost nothing of the budget.
    pub(super) fn pay(
        &mut self,
        (id, entry): (CandidateId, &Entry),
        len: usize,
        last_round: bool,
    ) -> Result<(), Unasked> {
        if entry.via.is_some() {
            let spend = self.budget.spend(entry.addr, len, last_round, Some(id));
            spend.withheld().map_or(Ok(()), Err)?;
        }
        self.count(len);
        Ok(())
    }

    /// Pays for a datagram of the last round to whoever is asked about a candidate, be it a candidate
    /// itself or not. Returns whether it may go.
    pub(super) fn pay_beside(&mut self, to: SocketAddr, asked: Option<&Entry>, len: usize) -> bool {
        planted!(UrlsWithoutEnd => true);
        let root = asked.is_some_and(|entry| entry.via.is_none());
        let host = asked.map_or(to, |entry| entry.addr);
        let goes = root || self.budget.spend(host, len, true, None) == Spend::Send;
        if goes {
            self.count(len);
        }
        goes
    }

    /// What can still be planned, beside requests of these lengths that are.
    pub(super) fn left(&self, planned: impl Iterator<Item = usize>) -> Quota {
        self.budget.left(planned)
    }

    /// Somebody has answered: returns who has waited for that.
    pub(super) fn answered(&mut self, addr: SocketAddr) -> Vec<CandidateId> {
        self.budget.answered(addr)
    }

    /// What was sent and ignored so far.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// Something was heard in vain.
    pub(super) fn note(&mut self, count: impl FnOnce(&mut Cost) -> &mut u32) {
        *count(&mut self.cost) += 1;
    }

    fn count(&mut self, len: usize) {
        self.cost.datagrams += 1;
        self.cost.bytes += len as u64;
    }
}
