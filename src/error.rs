use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(any(feature = "client", feature = "server"))]
use std::path::PathBuf;

#[cfg(feature = "server")]
use crate::config::{ConfigError, KeyError};
#[cfg(feature = "client")]
use crate::net::engine::client::descent::{Failure, Transport};
use crate::types::{EndpointError, Family, UnresolvedRoot, escaped};

/// What can go wrong, for a caller to match on; its [`source`](std::error::Error::source) is what the
/// system said.
///
/// [How it is matched](crate#when-it-fails).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[cfg(feature = "client")]
    /// The descent ended without a TURN server: nothing answered, or only dead ends did.
    #[error(transparent)]
    NotFound(#[from] Failure),
    /// A host name could not be looked up.
    #[error("cannot look up `{}`", escaped(.host))]
    #[non_exhaustive]
    Resolve {
        /// The name, without a port.
        host: String,
        /// What the resolver said.
        source: io::Error,
        /// The other roots of a descent, of which none has an address either.
        others: Vec<UnresolvedRoot>,
    },
    /// A host has no address of the family asked for.
    #[error("`{}` has no {family} address", escaped(.host))]
    #[non_exhaustive]
    NoAddress {
        /// The name or address, without a port.
        host: String,
        /// The family that was asked for.
        family: Family,
    },
    /// What a program made for an address can be asked nowhere: it has port 0, or no host.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// No root was given.
    #[error("no root server to ask")]
    NoRoots,
    #[cfg(feature = "client")]
    /// There are roots, but none by the transport that alone is to be used.
    #[error("no root to ask by {}", match .transport { Transport::Udp => "UDP", Transport::Https => "HTTPS" })]
    #[non_exhaustive]
    NoRootBy {
        /// By which.
        transport: Transport,
    },
    /// A socket could not be opened or used.
    #[error("cannot {operation} `{addr}` (udp)")]
    #[non_exhaustive]
    Socket {
        /// What was tried.
        operation: SocketOperation,
        /// The address it was tried with.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] io::Error),
    #[cfg(feature = "client")]
    /// Whom to trust with certificates is not known: the file cannot be used, or the system trusts nobody.
    #[error("cannot read whom to trust with certificates from {}", Store(.file))]
    #[non_exhaustive]
    Roots {
        /// Which file; `None`: the system's own.
        file: Option<PathBuf>,
        /// Why not.
        source: io::Error,
    },
    #[cfg(feature = "server")]
    /// The broker or the admin interface cannot listen at an address.
    #[error("cannot listen on `{addr}` (tcp)")]
    #[non_exhaustive]
    Listen {
        /// Which address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    #[cfg(feature = "server")]
    /// The admin interface cannot listen at a path.
    #[error("cannot listen on `unix:{}`", escaped(&.path.to_string_lossy()))]
    #[non_exhaustive]
    ListenUnix {
        /// Which path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    #[cfg(feature = "server")]
    /// The broker's certificate cannot be read, or is not that of its key.
    #[error(
        "cannot use the certificate in `{}` with the key in `{}`",
        escaped(&.file.to_string_lossy()),
        escaped(&.key.to_string_lossy())
    )]
    #[non_exhaustive]
    Certificate {
        /// Where the certificate is.
        file: PathBuf,
        /// Where its key is.
        key: PathBuf,
        /// Why not.
        source: io::Error,
    },
    #[cfg(feature = "server")]
    /// The system gave the server no thread, or none that can wait.
    #[error("cannot start a thread of the server")]
    Thread(#[source] io::Error),
    #[cfg(feature = "server")]
    /// A worker of the server stopped where it must not.
    #[error("the worker on `{addr}` stopped")]
    #[non_exhaustive]
    Worker {
        /// Where it listened.
        addr: SocketAddr,
    },
    #[cfg(feature = "server")]
    /// A part of the server that only waits stopped where it must not.
    #[error("the {task} of the server stopped")]
    #[non_exhaustive]
    Task {
        /// What it does.
        task: &'static str,
    },
    #[cfg(feature = "server")]
    /// The configuration is not one that can run.
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[cfg(feature = "server")]
    /// A key file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Error {
    /// One word for it, for programs: that of the `Failure`, or `resolve`, `no_address`, `endpoint`,
    /// `no_roots`, `no_root_by`, `socket`, `random` or `roots`; of servers `listen`, `certificate`, `thread`,
    /// `worker`, `task`, `config` or `key`.
    pub fn kind(&self) -> &'static str {
        match self {
            #[cfg(feature = "client")]
            Self::NotFound(failure) => failure.kind(),
            Self::Resolve { .. } => "resolve",
            Self::NoAddress { .. } => "no_address",
            Self::Endpoint(_) => "endpoint",
            Self::NoRoots => "no_roots",
            #[cfg(feature = "client")]
            Self::NoRootBy { .. } => "no_root_by",
            Self::Socket { .. } => "socket",
            Self::Random(_) => "random",
            #[cfg(feature = "client")]
            Self::Roots { .. } => "roots",
            #[cfg(feature = "server")]
            Self::Listen { .. } | Self::ListenUnix { .. } => "listen",
            #[cfg(feature = "server")]
            Self::Certificate { .. } => "certificate",
            #[cfg(feature = "server")]
            Self::Thread(_) => "thread",
            #[cfg(feature = "server")]
            Self::Worker { .. } => "worker",
            #[cfg(feature = "server")]
            Self::Task { .. } => "task",
            #[cfg(feature = "server")]
            Self::Config(_) => "config",
            #[cfg(feature = "server")]
            Self::Key(_) => "key",
        }
    }

    /// Whom to trust is not known.
    #[cfg(feature = "client")]
    pub(crate) fn roots(file: Option<&PathBuf>, source: io::Error) -> Self {
        Self::Roots { file: file.cloned(), source }
    }

    /// What the system says of an operation that it refuses.
    pub(crate) fn socket(
        operation: SocketOperation,
        addr: SocketAddr,
    ) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self::Socket { operation, addr, source }
    }
}

/// Where certificates are.
#[cfg(feature = "client")]
struct Store<'a>(&'a Option<PathBuf>);

#[cfg(feature = "client")]
impl fmt::Display for Store<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(file) => write!(f, "`{}`", escaped(&file.to_string_lossy())),
            None => f.write_str("this system"),
        }
    }
}

/// What was tried with a socket, in [`Error::Socket`].
///
/// [How errors are matched](crate#with-options-and-how-it-was-found).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketOperation {
    /// To open one to ask the address from.
    Open,
    /// To use the one that the application gave.
    Use,
    /// To send to the address.
    Send,
    /// To listen on the address, where a server answers.
    Listen,
    /// To answer from the address.
    Answer,
    /// To send checks of nodes from the address.
    SendChecks,
    /// To ask the TURN server beside a leaf from the address.
    AskTurn,
}

impl fmt::Display for SocketOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open a socket for",
            Self::Use => "use",
            Self::Send => "send to",
            Self::Listen => "listen on",
            Self::Answer => "answer from",
            Self::SendChecks => "send checks from",
            Self::AskTurn => "ask the TURN server from",
        })
    }
}
