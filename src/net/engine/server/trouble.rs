//! What is wrong, as far as a server can see it: told when it begins, rarely while it lasts, and when it is
//! over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::refusal::TagRefusal;
use crate::net::wire::Notice;
use crate::types::Name;

/// Between two times that one is told of that lasts.
pub const REMIND: Duration = Duration::from_secs(600);

/// How long one that shows in datagrams is not seen until it is over: ten heartbeats, and three rounds of
/// checks of a node that is not online.
pub const QUIET: Duration = Duration::from_secs(30);

/// How many are known at most, and of those how many that datagrams show: who has a key, or has recorded
/// what was signed with it, fills neither the log nor the place of others.
const MOST: usize = 64;
const MOST_SEEN: usize = 32;

/// How many are told in any second, for a log that somebody is to read.
const MOST_TOLD: usize = 8;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The server has neither nodes nor a TURN server, and lets nobody join.
    Barren,
    /// It has superiors, and none of them checks it.
    Unchecked {
        /// Whether any has since the start.
        ever: bool,
    },
    /// The TURN server beside it is not offered. When that begins is told with its fault.
    TurnDown {
        /// Where clients are told it is.
        public: SocketAddr,
    },
    /// How full that is cannot be read. When that begins is told with the reason.
    LoadUnknown,
    /// What a peer sends is dropped for its tag.
    Refused {
        /// Who.
        peer: SocketAddr,
        /// What, and why.
        refusal: TagRefusal,
    },
    /// Who has a key would be a node, and may not.
    Unwelcome {
        /// Where its heartbeats come from.
        from: SocketAddr,
        /// Why.
        why: Unfit,
    },
    /// A superior does not take this server as a node, or not where it advertises.
    NotTaken {
        /// Which.
        superior: SocketAddr,
        /// The address that this is about, as the superior knows it.
        addr: SocketAddr,
        /// Why; `None`: for a reason that this version does not know.
        why: Option<Unfit>,
    },
    /// A node is not found where it wants to be.
    Misadvertised {
        /// Where its heartbeats come from.
        from: SocketAddr,
        /// The address that it advertises.
        place: SocketAddr,
        /// Why it is not taken.
        why: Unfit,
    },
    /// What a node names is not passed on.
    LeftOut {
        /// The node.
        node: SocketAddr,
        /// The first address of those.
        named: SocketAddr,
        /// Why.
        why: Unfit,
    },
    /// Nodes have one name.
    SameName {
        /// Which.
        name: Name,
        /// Two of them.
        nodes: [SocketAddr; 2],
    },
    /// A node that is a TURN server has the address of one that is a balance server, and only that one is
    /// listed.
    SameAddress {
        /// Which.
        addr: SocketAddr,
    },
}

/// Why an address is not taken, or not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// It is in none of the prefixes of those who may join.
    Prefix,
    /// It is nobody's.
    Nobody,
    /// It is in a nearer network than who names it.
    Near,
    /// Another service has its port, and answers everything.
    Port,
    /// There is no room for one more.
    Room,
    /// It is no node's, and nobody may join.
    Closed,
    /// Nothing answers there.
    Silent,
}

/// One of them, at a moment that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TroubleEvent {
    /// What is wrong.
    pub trouble: Trouble,
    /// Whether it is so still.
    pub stage: TroubleStage,
    /// For how long it is, or was.
    pub lasts: Duration,
}

/// When one is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleStage {
    /// It has begun.
    Begins,
    /// It goes on.
    Lasts,
    /// It is over.
    Over,
}

/// All that are known.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    known: BTreeMap<Trouble, KnownTrouble>,
    /// When something is due of each.
    due: BTreeSet<(Instant, Trouble)>,
    events: VecDeque<TroubleEvent>,
    seen: usize,
    /// When those were told that were told last, the latest at the end.
    told: VecDeque<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct KnownTrouble {
    since: Instant,
    /// When it is told next.
    next: Instant,
    /// When it is over unless it is seen again; `None`: it is told when it is.
    ends: Option<Instant>,
    /// Whether it is over, and only still known so that it is told rarely if it comes again.
    over: bool,
    /// Whether it was told since it began.
    told: bool,
}

impl KnownTrouble {
    fn due(&self) -> Instant {
        self.ends.filter(|_| !self.over).map_or(self.next, |ends| ends.min(self.next))
    }
}

impl Troubles {
    /// It is so, or is not, from now on.
    pub(super) fn set(&mut self, now: Instant, trouble: Trouble, wrong: bool) {
        self.set_told(now, trouble, wrong, false);
    }

    /// The same, where something else tells when it begins and ends.
    pub(super) fn set_quiet(&mut self, now: Instant, trouble: Trouble, wrong: bool) {
        self.set_told(now, trouble, wrong, true);
    }

    fn set_told(&mut self, now: Instant, trouble: Trouble, wrong: bool, quiet: bool) {
        match (self.known.get(&trouble), wrong) {
            (None, true) if self.known.len() < MOST => {
                let next = if quiet { now + REMIND } else { now };
                let known = KnownTrouble { since: now, next, ends: None, over: false, told: false };
                self.put(trouble, known);
                self.handle_timeout(now);
            }
            (Some(known), false) => {
                let known = *known;
                self.remove(&trouble);
                if known.told && !quiet {
                    self.tell(now, trouble, known, TroubleStage::Over);
                }
            }
            _ => {}
        }
    }

    /// A datagram shows that it is so.
    pub(super) fn see(&mut self, now: Instant, trouble: Trouble) {
        let ends = Some(now + QUIET);
        let known = match self.known.get(&trouble) {
            Some(known) if known.over => {
                KnownTrouble { since: now, ends, over: false, told: false, ..*known }
            }
            Some(known) => KnownTrouble { ends, ..*known },
            None if self.seen < MOST_SEEN => {
                KnownTrouble { since: now, next: now, ends, over: false, told: false }
            }
            None => return,
        };
        self.put(trouble, known);
        self.handle_timeout(now);
    }

    /// Those that this is said of, and that are set, are no more.
    pub(super) fn keep(&mut self, now: Instant, stays: impl Fn(&Trouble) -> bool) {
        let gone =
            self.known.iter().filter(|(trouble, known)| known.ends.is_none() && !stays(trouble));
        for trouble in Vec::from_iter(gone.map(|(trouble, _)| trouble.clone())) {
            self.set(now, trouble, false);
        }
    }

    /// Lets time pass.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some((due, trouble)) = self.due.first().cloned()
            && due <= now
            && self.may_tell_from() <= Some(now)
        {
            let Some(mut known) = self.known.get(&trouble).copied() else {
                self.due.remove(&(due, trouble));
                continue;
            };
            if known.over {
                self.remove(&trouble);
            } else if known.ends.is_some_and(|ends| ends <= now) {
                known.over = true;
                known.next = known.next.max(now);
                self.put(trouble.clone(), known);
                if known.told {
                    self.tell(now, trouble, known, TroubleStage::Over);
                }
            } else {
                let waited = now.saturating_duration_since(known.since);
                let begins = !known.told && waited < QUIET;
                let stage = if begins { TroubleStage::Begins } else { TroubleStage::Lasts };
                known.next = again(now);
                known.told = true;
                self.put(trouble.clone(), known);
                self.tell(now, trouble, known, stage);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let (due, _) = self.due.first()?;
        Some(self.may_tell_from().map_or(*due, |from| from.max(*due)))
    }

    /// From when on one more may be told; `None`: from the start.
    fn may_tell_from(&self) -> Option<Instant> {
        let full = self.told.len() == MOST_TOLD;
        self.told.front().filter(|_| full).map(|first| *first + Duration::from_secs(1))
    }

    pub(super) fn poll_event(&mut self) -> Option<TroubleEvent> {
        self.events.pop_front()
    }

    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// What is wrong now, and since when.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Trouble, Instant)> {
        let lasting = self.known.iter().filter(|(_, known)| !known.over);
        lasting.map(|(trouble, known)| (trouble, known.since))
    }

    fn tell(&mut self, now: Instant, trouble: Trouble, known: KnownTrouble, stage: TroubleStage) {
        let lasts = now.saturating_duration_since(known.since);
        if self.told.len() == MOST_TOLD {
            self.told.pop_front();
        }
        self.told.push_back(now);
        self.events.push_back(TroubleEvent { trouble, stage, lasts });
    }

    fn put(&mut self, trouble: Trouble, known: KnownTrouble) {
        self.remove(&trouble);
        self.due.insert((known.due(), trouble.clone()));
        self.seen += usize::from(known.ends.is_some());
        self.known.insert(trouble, known);
    }

    fn remove(&mut self, trouble: &Trouble) {
        if let Some(known) = self.known.remove(trouble) {
            self.seen -= usize::from(known.ends.is_some());
            self.due.remove(&(known.due(), trouble.clone()));
        }
    }
}

/// When one is told again that was told now.
fn again(now: Instant) -> Instant {
    planted!(TroubleToldOften => now + Duration::from_secs(1));
    now + REMIND
}

impl Trouble {
    /// What the sender of the heartbeat with this number is told that has shown it.
    pub(super) fn notice(&self, seq: u64) -> Option<Notice> {
        let (addr, why) = match self {
            Self::Unwelcome { from: addr, why } | Self::Misadvertised { place: addr, why, .. } => {
                (*addr, *why)
            }
            _ => return None,
        };
        Some(Notice { seq, addr: Some(addr), why: why.number() })
    }

    /// What a superior says is wrong.
    pub(super) fn from_notice(
        superior: SocketAddr,
        Notice { addr, why, .. }: Notice,
    ) -> Option<Self> {
        Some(Self::NotTaken { superior, addr: addr?, why: Unfit::from_number(why) })
    }

    /// Whether it may be over before anybody could mend it: it is told once it has lasted.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unwelcome { .. } => true,
            Self::NotTaken { why, .. } => *why != Some(Unfit::Silent),
            _ => false,
        }
    }

    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Barren => "nothing-configured",
            Self::Unchecked { .. } => "unchecked",
            Self::TurnDown { .. } => "turn-down",
            Self::LoadUnknown => "load-unknown",
            Self::Refused { refusal, .. } => refusal.fault.as_str(),
            Self::Unwelcome { .. } => "unwelcome",
            Self::NotTaken { .. } => "not-taken",
            Self::Misadvertised { .. } => "advertise",
            Self::LeftOut { .. } => "left-out",
            Self::SameName { .. } => "same-name",
            Self::SameAddress { .. } => "same-address",
        }
    }
}

/// A sentence.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barren => {
                f.write_str("it has neither nodes nor a TURN server, and nobody may join")
            }
            Self::Unchecked { ever: false } => f.write_str("no superior has checked it"),
            Self::Unchecked { ever: true } => f.write_str("no superior checks it any more"),
            Self::TurnDown { public } => write!(f, "the TURN server {public} is down"),
            Self::LoadUnknown => f.write_str("how full its TURN server is cannot be read"),
            Self::Refused { peer, refusal } => {
                let TagRefusal { message, fault } = refusal;
                write!(f, "the {} of {peer} is not believed: its tag {fault}", message.as_str())
            }
            Self::Unwelcome { from, why } => {
                write!(f, "{from} has the key and may not join: its address {why}")
            }
            Self::NotTaken { superior, addr, why: Some(why) } => {
                write!(f, "its superior {superior} does not take it: {addr} {why}")
            }
            Self::NotTaken { superior, addr, why: None } => {
                write!(f, "its superior {superior} does not take it at {addr}")
            }
            Self::Misadvertised { from, place, why } => {
                write!(f, "{from} advertises {place}, but that address {why}")
            }
            Self::LeftOut { node, named, why } => {
                write!(f, "{named}, which {node} names, is not passed on: that address {why}")
            }
            Self::SameName { name, nodes: [first, second] } => {
                write!(f, "{first} and {second} have one name, {name}")
            }
            Self::SameAddress { addr } => {
                write!(f, "the TURN server {addr} is not listed: a balance server has its address")
            }
        }
    }
}

impl Unfit {
    /// All of them; a [`Notice`] has their places here, counted from 1.
    const ALL: [Self; 7] = [
        Self::Closed,
        Self::Prefix,
        Self::Room,
        Self::Silent,
        Self::Near,
        Self::Port,
        Self::Nobody,
    ];

    fn number(self) -> u32 {
        Self::ALL.iter().zip(1..).find_map(|(why, n)| (*why == self).then_some(n)).unwrap_or(0)
    }

    fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().zip(1..).find_map(|(why, n)| (n == number).then_some(*why))
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefix => "join-prefixes",
            Self::Nobody => "nobody",
            Self::Near => "near",
            Self::Port => "port",
            Self::Room => "max-nodes",
            Self::Closed => "join",
            Self::Silent => "silent",
        }
    }
}

/// The rest of a sentence that begins with the address.
impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prefix => "is in none of the `join-prefixes`",
            Self::Nobody => "is nobody's",
            Self::Near => "is in a nearer network than who names it",
            Self::Port => "has the port of another service",
            Self::Room => "is one more than `max-nodes`",
            Self::Closed => "is none of `nodes`, and `join` is off",
            Self::Silent => "does not answer checks",
        })
    }
}
