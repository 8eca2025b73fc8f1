use std::net::SocketAddr;
use std::path::PathBuf;

use crate::types::{MetricsUrl, ServerUrl, TurnHealth};

/// `[turn]`: the TURN server beside a leaf.
///
/// Part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Turn {
    /// The TURN server's addresses, as clients must see them, one a family; empty: there is none.
    pub bind: Vec<SocketAddr>,
    /// Where it is checked, one address a family; where a family has none here, that is in `bind`.
    pub check: Vec<SocketAddr>,
    /// How it is checked, and its URLs.
    pub server: TurnServer,
    /// How many allocations it can serve, or whatever else `load` counts.
    pub capacity: Option<u32>,
    /// How much it can serve beside others; `None`: `capacity`, or as good as 1.
    pub weight: Option<u32>,
    /// Where stands how many it serves; `None`: nowhere, or the program that runs this server tells
    /// ([`Server::set_load`](crate::Server::set_load)).
    pub load: Option<LoadSource>,
}

/// Where stands how many clients a TURN server serves. It is read every 5 s.
///
/// Part of a [`Turn`], where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadSource {
    /// What a server answers to a GET of HTTP, in the text format of Prometheus or OpenMetrics.
    Url {
        /// Where.
        url: MetricsUrl,
        /// The gauge; if it has labels, all of it together.
        metric: String,
    },
    /// A file.
    File {
        /// Its path.
        file: PathBuf,
        /// The gauge, if it has that format; `None`: it has one number.
        metric: Option<String>,
    },
}

/// How a TURN server is checked, and its URLs, wherever it stands: beside a leaf, or among
/// `cluster.nodes` with no balance server beside it.
///
/// Part of a [`Turn`] and of a [`NodeEntry`](crate::NodeEntry), where an example is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TurnServer {
    /// How deep it is checked.
    pub health: TurnHealth,
    /// Who a check is: a user of the TURN server, with `password_file`; with `secret_file`, what stands
    /// behind the time in the user that is made.
    pub user: Option<String>,
    /// Where the password of `user` stands.
    pub password_file: Option<PathBuf>,
    /// Where the secret stands that the TURN server makes passwords from (TURN REST).
    pub secret_file: Option<PathBuf>,
    /// Certificates that its URLs are judged by; `None`: those of the system.
    pub ca_file: Option<PathBuf>,
    /// Its URLs, beside those that are made from its addresses.
    pub urls: Vec<ServerUrl>,
}

impl Turn {
    /// How much it can serve beside others, as clients are told; 0: they are not.
    pub(crate) fn told_weight(&self) -> u32 {
        self.weight.or(self.capacity).unwrap_or(0)
    }

    /// Where the TURN server is checked that clients find at each address of `bind`, in its order.
    pub(crate) fn checked_at(&self) -> impl Iterator<Item = (SocketAddr, SocketAddr)> {
        self.bind.iter().map(|bind| {
            let of_family = |addr: &&SocketAddr| addr.is_ipv4() == bind.is_ipv4();
            (*bind, *self.check.iter().find(of_family).unwrap_or(bind))
        })
    }
}
