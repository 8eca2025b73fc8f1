//! What one address is asked by a crawl: as a balance server, or as a TURN server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::turn_question::{TurnQuestion, TurnTold};
use crate::net::engine::client::descent::Obstacle;
use crate::net::engine::client::list::{About, Inquiry, Told};
use crate::net::engine::{Rng, Transmit};
use crate::types::OnLink;

/// How long each is awaited: four requests, the last of them for longer than a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// As what an address is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AskedAs {
    Server,
    Turn,
}

#[derive(Debug)]
pub(super) enum CrawlQuestion {
    Server(Box<Inquiry>),
    Turn(Box<TurnQuestion>),
}

/// What came of one.
#[derive(Debug)]
pub(super) enum CrawlAnswer {
    Server(Told),
    Turn(TurnTold),
}

impl CrawlQuestion {
    pub(super) fn new(addr: SocketAddr, asked: AskedAs, now: Instant, rng: Rng) -> Self {
        match asked {
            AskedAs::Server => {
                // Whom it may name is judged by the root, where its list is taken.
                let on_link = OnLink::default();
                let inquiry = Inquiry::new(addr, About::Whole, PATIENCE, on_link, now, rng);
                Self::Server(Box::new(inquiry))
            }
            AskedAs::Turn => Self::Turn(Box::new(TurnQuestion::new(addr, PATIENCE, now, rng))),
        }
    }

    pub(super) fn answer(&self) -> Option<CrawlAnswer> {
        match self {
            Self::Server(inquiry) => inquiry.told().cloned().map(CrawlAnswer::Server),
            Self::Turn(question) => question.told().map(CrawlAnswer::Turn),
        }
    }

    pub(super) fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        match self {
            Self::Server(inquiry) => inquiry.handle_datagram(now, from, datagram),
            Self::Turn(question) => question.handle_datagram(now, datagram),
        }
    }

    pub(super) fn handle_unreachable(&mut self) {
        match self {
            Self::Server(inquiry) => inquiry.handle_unreachable(),
            Self::Turn(question) => question.handle_unreachable(),
        }
    }

    pub(super) fn handle_icmp(&mut self, to: SocketAddr, obstacle: Obstacle, quoted: &[u8]) {
        match self {
            Self::Server(inquiry) => inquiry.handle_icmp(to, obstacle, quoted),
            Self::Turn(question) => question.handle_icmp(obstacle, quoted),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Server(inquiry) => inquiry.handle_timeout(now),
            Self::Turn(question) => question.handle_timeout(now),
        }
    }

    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        match self {
            Self::Server(inquiry) => inquiry.poll_transmit(now),
            Self::Turn(question) => question.poll_transmit(now),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Server(inquiry) => inquiry.poll_timeout(),
            Self::Turn(question) => question.poll_timeout(),
        }
    }

    /// When it is given up.
    pub(super) fn end(&self) -> Instant {
        match self {
            Self::Server(inquiry) => inquiry.end(),
            Self::Turn(question) => question.end(),
        }
    }
}
