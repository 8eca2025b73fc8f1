/// Where in a configuration a value stands. The reader of a file knows the text that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) enum Place {
    /// `net.bind` as a whole.
    Binds,
    /// One address of `net.bind`.
    Bind(usize),
    /// `net.workers`.
    Workers,
    /// One of `cluster.superiors`.
    Superior(usize),
    /// The `addr` of one of `cluster.nodes`.
    Node(usize),
    /// The `public` of one of `cluster.nodes`.
    Public(usize),
    /// `cluster.check-bind`.
    CheckBind,
    /// `cluster.advertise`.
    Advertise,
    /// The `id` of one of `cluster.keys`.
    Key(usize),
    /// `cluster.require-auth`.
    RequireAuth,
    /// `cluster.join`.
    Join,
    /// `cluster.max-nodes`.
    MaxNodes,
    /// `turn.bind`.
    Turn,
    /// `limits.bare-bytes`.
    BareBytes,
}

impl Place {
    /// What stands there, as messages call it.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Binds | Self::Bind(_) => "bind address",
            Self::Workers => "number of workers",
            Self::Superior(_) => "superior",
            Self::Node(_) => "node",
            Self::Public(_) => "public address",
            Self::CheckBind => "check port",
            Self::Advertise => "advertised address",
            Self::Key(_) => "key",
            Self::RequireAuth => "`require-auth`",
            Self::Join => "`join`",
            Self::MaxNodes => "`max-nodes`",
            Self::Turn => "turn address",
            Self::BareBytes => "`bare-bytes`",
        }
    }

    /// Whether it is an address that the server listens on.
    pub(super) fn is_bind(self) -> bool {
        matches!(self, Self::Bind(_))
    }
}
