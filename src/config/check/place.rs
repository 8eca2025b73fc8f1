/// Where in a configuration a value stands. The reader of a file knows the text that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) enum Place {
    /// `net.bind` as a whole.
    Binds,
    /// One address of `net.bind`.
    Bind(usize),
    /// `net.workers`.
    Workers,
    /// `net.drain`.
    Drain,
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
    /// `cluster.state`.
    State,
    /// One address of `turn.bind`.
    Turn(usize),
    /// One address of `turn.check`.
    TurnCheck(usize),
    /// The `health` of a TURN server.
    Health(TurnOf),
    /// The `user` that its checks are.
    User(TurnOf),
    /// The `password-file` of a TURN server.
    PasswordFile(TurnOf),
    /// The `secret-file` of a TURN server.
    SecretFile(TurnOf),
    /// The `ca-file` of a TURN server.
    CaFile(TurnOf),
    /// One of the `urls` of a TURN server.
    Url(TurnOf, usize),
    /// `turn.capacity`.
    Capacity,
    /// `turn.weight`.
    Weight,
    /// `turn.load`.
    Load,
    /// Its `file`.
    LoadFile,
    /// One address of `http.bind`.
    HttpBind(usize),
    /// `http.cert`.
    Cert,
    /// `http.key`.
    PrivateKey,
    /// `http.plain`.
    Plain,
    /// `http.api-keys`.
    ApiKeys,
    /// `http.token-secret`.
    TokenSecret,
    /// `http.turn-secret`.
    MintSecret,
    /// The `node` of one of `http.turn-secrets`.
    NodeSecret(usize),
    /// Its `file`.
    NodeSecretFile,
    /// `http.ttl`.
    Ttl,
    /// One of `http.origins`.
    Origin(usize),
    /// `http.trusted-proxies`.
    Proxies,
    /// `http.demo`.
    Demo,
    /// `admin.bind`.
    AdminBind,
    /// `admin.allow`.
    Allow,
    /// `admin.token-file`.
    AdminToken,
    /// `limits.bare-bytes`.
    BareBytes,
}

/// Whose keys these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) enum TurnOf {
    /// Those of `[turn]`.
    Leaf,
    /// Those of one of `cluster.nodes`.
    Node(usize),
}

impl Place {
    /// What stands there, as messages call it.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Binds | Self::Bind(_) => "bind address",
            Self::Workers => "number of workers",
            Self::Drain => "`drain`",
            Self::Superior(_) => "superior",
            Self::Node(_) => "node",
            Self::Public(_) => "public address",
            Self::CheckBind => "check port",
            Self::Advertise => "advertised address",
            Self::Key(_) => "key",
            Self::RequireAuth => "`require-auth`",
            Self::Join => "`join`",
            Self::MaxNodes => "`max-nodes`",
            Self::State => "`state`",
            Self::Turn(_) => "turn address",
            Self::TurnCheck(_) => "check address",
            Self::Health(_) => "`health`",
            Self::User(_) => "`user`",
            Self::PasswordFile(_) => "`password-file`",
            Self::SecretFile(_) => "`secret-file`",
            Self::CaFile(_) => "`ca-file`",
            Self::Url(..) => "URL",
            Self::Capacity => "`capacity`",
            Self::Weight => "`weight`",
            Self::Load => "`load`",
            Self::LoadFile => "`file`",
            Self::HttpBind(_) => "broker address",
            Self::Cert => "`cert`",
            Self::PrivateKey => "`key`",
            Self::Plain => "`plain`",
            Self::ApiKeys => "`api-keys`",
            Self::TokenSecret => "`token-secret`",
            Self::MintSecret => "`turn-secret`",
            Self::NodeSecret(_) => "`turn-secrets`",
            Self::NodeSecretFile => "`file`",
            Self::Ttl => "`ttl`",
            Self::Origin(_) => "`origins`",
            Self::Proxies => "`trusted-proxies`",
            Self::Demo => "`demo`",
            Self::AdminBind => "admin address",
            Self::Allow => "`allow`",
            Self::AdminToken => "`token-file`",
            Self::BareBytes => "`bare-bytes`",
        }
    }

    /// Whether it is an address that the server listens on.
    pub(super) fn is_bind(self) -> bool {
        matches!(self, Self::Bind(_))
    }
}
