//! Faults to plant, for the one test that asks whether the tests would find them.
//!
//! With the feature `faults` one of them may be planted in a thread; without it `planted` is false
//! when the compiler runs, and nothing of them is left in the code.
//!
//! Each is planted in one way: in a function that decides one thing and is named for it, whose
//! first line says what it returns where the fault is.
//!
//! ```ignore
//! fn may_join(addr: SocketAddr) -> bool {
//!     planted!(AnybodyJoins => true);
//!     listed(addr)
//! }
//! ```
//!
//! A reader of the product passes over these lines.

/// Returns this from the function that it is the first line of, where that fault is planted.
macro_rules! planted {
    ($fault:ident => $result:expr) => {
        if $crate::net::fault::planted($crate::net::fault::Fault::$fault) {
            return $result;
        }
    };
}

/// Defines an enum, and lists all that it may be, in order.
macro_rules! listed {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $word:ident,)* }) => {
        $(#[$meta])*
        pub enum $name {
            $($(#[$doc])* $word,)*
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$word),*];
        }
    };
}

listed! {
/// A mistake that somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A bare request is answered also where nothing is online.
    EmptyAnswer,
    /// A bare probe from a node or superior is answered.
    PeerAnswered,
    /// An answer may be ten times as large as its request.
    Amplification,
    /// A request from port 0 is answered.
    PortZeroAnswered,
    /// A request from a port that answers everything is answered.
    LoopPortAnswered,
    /// A server answers its own check.
    OwnCheckAnswered,
    /// A reply is read as a request.
    ReplyAnswered,
    /// A request of any length is answered.
    LongRequestAnswered,
    /// An answer that sends away may be larger than its request.
    RetryLarger,
    /// One bare id is answered again and again.
    RepeatAnswered,
    /// A cookie is good for any address.
    CookieForAnybody,
    /// A cookie is good for any port of its address.
    CookieForAnyPort,
    /// Who asks for the first time waits behind its neighbours.
    NeighboursFirst,
    /// Bare requests from exempt addresses are answered without end.
    ExemptLoop,
    /// Bare requests are answered without end while their ids alternate.
    IdsAlternate,
    /// Peer messages are charged to their source before their tag is judged.
    TagJudgedLast,
    /// An address has no budget.
    NoAddressBudget,
    /// A network has no budget: IPv4 /24, IPv6 /56 and /48.
    NoNetworkBudget,
    /// A heartbeat that is refused draws two answers.
    TwoAnswers,
    /// A heartbeat draws an answer that is longer.
    PongLarger,
    /// Who has not signed is told, too, that nobody may join.
    StrangerTold,
    /// A heartbeat puts a node online.
    HeartbeatIsClaim,
    /// A bare request is answered also by who asks not to be chosen.
    DrainingBare,
    /// That a server asks not to be chosen is not told at once.
    DrainingNotTold,
    /// A node that asks not to be chosen stays online.
    DrainingListed,
    /// A client takes a leaf that asks not to be chosen as it takes any other.
    DrainingChosen,
    /// A client takes a TURN server whatever the caller's policy says.
    PolicyUnheeded,
    /// A client asks whom the caller's policy rules out, and goes down into them.
    RuledOutAsked,
    /// A client takes the nearest, whatever is preferred.
    PreferenceIgnored,
    /// By HTTPS a client takes a TURN server whatever the caller's policy says.
    HttpsPolicyUnheeded,
    /// A leaf whose TURN server is full is offered.
    FullOffered,
    /// A client draws among servers that are not as near as one another.
    FarDrawn,
    /// A right answer is good for 20 s.
    LateExpiry,
    /// A TURN server is down only after six checks that fail.
    LateTurnExpiry,
    /// A TURN server is taken to live, and never asked.
    TurnUnasked,
    /// Bare askers are told of TURN servers as if they were balance servers.
    TurnIsHost,
    /// A balance server is offered as a TURN server.
    ImpostorOffered,
    /// A TURN server that answers Binding is offered, whatever its deep checks say.
    DeepErrorIgnored,
    /// A node that says that it offers nothing stays online.
    OfflineIgnored,
    /// The nonce of an answer to a check is not compared.
    CheckNonceIgnored,
    /// The id of an answer to a check is not compared.
    CheckIdIgnored,
    /// An answer to a check may come twice.
    CheckAnswerKept,
    /// A check that stays without answer is not repeated.
    CheckNotRepeated,
    /// A tag is not compared.
    TagIgnored,
    /// A heartbeat without a tag counts although one is required.
    RequireIgnored,
    /// An answer to a check without a tag counts although one is required.
    UnsignedAnswer,
    /// The challenge of a heartbeat is not compared.
    ChallengeIgnored,
    /// The number of a heartbeat is not compared.
    SequenceIgnored,
    /// What one superior says of its last number moves those for all.
    NumbersShared,
    /// A Pong counts from whomever it comes.
    PongOfAnybody,
    /// A number of a heartbeat may be as high as can be.
    NumbersWithoutEnd,
    /// Whoever names a node in a heartbeat says which key it has.
    KeyFromAnybody,
    /// What a heartbeat advertises is checked more often than the heartbeat pays for.
    ProspectUnpaid,
    /// A node is checked as soon as it has news, however often that is.
    HurriesWithoutEnd,
    /// What is offered is encoded at each change, however often that is.
    EncodesWithoutEnd,
    /// What is wrong is told every second.
    TroubleToldOften,
    /// A list that fits no answer is kept.
    LongListKept,
    /// As many nodes join as like.
    JoinsWithoutBound,
    /// As many numbers of heartbeats are remembered as come.
    NumbersWithoutBound,
    /// A start is not told to the superiors.
    StartNotTold,
    /// A node is passed on however often it was.
    HopsWithoutEnd,
    /// One more than the most hops is none.
    HopsWrap,
    /// A part of a list is taken for the whole.
    SampleMerged,
    /// A superior passes on addresses that a node may not name.
    RefusedListed,
    /// A superior passes on what is in a network of its own.
    OnLinkListed,
    /// A superior passes on what is at a port whose service answers anything.
    LoopPortListed,
    /// An IPv4-mapped address is taken for one of IPv6.
    MappedKept,
    /// A TURN server that does not answer is named.
    HealthIgnored,
    /// The transaction of a TURN server's answer is not compared.
    TransactionIgnored,
    /// The client asks whatever a list names.
    RefusedAsked,
    /// The client asks what is in a network of its own.
    OnLinkAsked,
    /// The client asks what is at a port whose service answers anything.
    LoopPortAsked,
    /// The client sends any number of datagrams.
    DatagramsWithoutEnd,
    /// The client sends any number of bytes.
    BytesWithoutEnd,
    /// The client sends any number of datagrams to one that is silent.
    SilenceWithoutEnd,
    /// The client goes down any number of levels.
    DepthWithoutEnd,
    /// The client waits longer than it was told to.
    TimeoutIgnored,
    /// The client keeps lists of any length.
    ListWithoutEnd,
    /// The client does not compare the nonce of an answer.
    ClientNonceIgnored,
    /// The client forgets that a server has returned a nonce.
    ClientNonceForgotten,
    /// The client does not compare the id of an answer.
    ClientIdIgnored,
    /// The client does not compare the source of an answer.
    ClientSourceIgnored,
    /// The client asks any number of times for URLs whoever is said to know them.
    UrlsWithoutEnd,
    /// The client believes of URLs whoever answers, from wherever.
    UrlsOfAnybody,
    /// The client keeps any number of URLs of one TURN server.
    UrlsKeptWithoutEnd,
    /// The client keeps URLs whatever they name.
    UrlsUnjudged,
    /// The client believes a bare answer about URLs of one that has returned a nonce.
    UrlNonceForgotten,
    /// What a leaf says of itself beside its URLs changes nothing.
    StateBesideUrlsUnheard,
    /// The client names a TURN server that has not answered, where it is told not to.
    UnverifiedNamed,
    /// The client begins any number of TCP connections.
    ConnectsWithoutEnd,
    /// The client begins any number of them to one host that is silent.
    SilenceConnected,
    /// Of the times that connections took, the last counts, not the least.
    LastConnectCounts,
    /// The client waits longer by HTTPS than it was told to.
    HttpsTimeoutIgnored,
    /// Whoever stays moves to anybody who is nearer, by however little.
    WatchFlaps,
    /// Whoever stays moves after one measurement.
    WatchHasty,
    /// Whoever stays leaves a TURN server that has not answered once.
    WatchLeavesEarly,
    /// Whoever stays takes a leaf's answer for that of the TURN server.
    WatchTurnIgnored,
    /// Whoever stays does not leave who asks not to be chosen.
    WatchStays,
    /// Whoever stays goes down again and again where that finds nothing.
    WatchHurries,
}
}

/// Whether a fault is planted: never, without the feature `faults`.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub(crate) const fn planted(_fault: Fault) -> bool {
    false
}

#[cfg(feature = "faults")]
mod planting {
    use std::cell::Cell;

    use super::Fault;

    std::thread_local! {
        static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Whether this fault is planted in this thread.
    pub(crate) fn planted(fault: Fault) -> bool {
        PLANTED.get() == Some(fault)
    }

    /// Plants a fault in this thread, in the place of the one before, or none. Returns that one.
    pub fn plant(fault: Option<Fault>) -> Option<Fault> {
        PLANTED.replace(fault)
    }
}

#[cfg(feature = "faults")]
pub use planting::plant;
#[cfg(feature = "faults")]
pub(crate) use planting::planted;
