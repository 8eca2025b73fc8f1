//! Credentials for TURN servers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use super::access::{Bearer, now};
use crate::config::{Http, KeyError, SecretKind, secret_line};
use crate::error::Error;
use crate::net::engine::client::descent::IceServer;
use crate::net::engine::client::list::ListedServer;
use crate::net::http::renewed::Renewed;
use crate::types::{ServerUrl, TurnCredentials, TurnSecret};

/// What they are minted with.
#[derive(Debug)]
pub(super) struct Mint {
    all: Option<SecretFile>,
    /// Of those that have another, by the TURN server or the leaf.
    by_node: BTreeMap<SocketAddr, SecretFile>,
    /// How long they are good for, in seconds.
    pub(super) ttl: u64,
}

/// A secret, as its file says now.
type SecretFile = Renewed<TurnSecret, KeyError>;

impl Mint {
    /// Reads the secrets.
    ///
    /// # Errors
    /// [`Error::Key`].
    pub(super) fn new(config: &Http) -> Result<Self, Error> {
        let by_node = config.turn_secrets.iter();
        let by_node = by_node.map(|secret| Ok((secret.node, secret_file(&secret.file)?)));
        Ok(Self {
            all: config.turn_secret.as_deref().map(secret_file).transpose()?,
            by_node: by_node.collect::<Result<_, Error>>()?,
            ttl: config.ttl.as_secs(),
        })
    }

    /// Whether it can for a TURN server.
    pub(super) fn can(&self, server: &ListedServer) -> bool {
        self.secret(server).is_some()
    }

    /// A TURN server with credentials for somebody; `None`: there is no secret of it, or it is none.
    pub(super) fn ice_server(&self, server: &ListedServer, who: &Bearer) -> Option<IceServer> {
        let credentials = Some(self.credentials(server, who.name())?);
        let urls = server.ways();
        let urls: Vec<_> = urls.iter().filter_map(ServerUrl::turn).cloned().collect();
        (!urls.is_empty()).then_some(IceServer { urls, credentials })
    }

    /// Credentials for one of this name.
    pub(super) fn credentials(&self, server: &ListedServer, name: &str) -> Option<TurnCredentials> {
        let expiry = now().saturating_add(self.ttl);
        server.turn.and(self.secret(server)).map(|secret| secret.get().mint(expiry, name))
    }

    /// Whether what is minted for one is good for another.
    pub(super) fn share_a_secret(&self, one: &ListedServer, other: &ListedServer) -> bool {
        self.own_secret(one) == self.own_secret(other)
    }

    fn secret(&self, server: &ListedServer) -> Option<&SecretFile> {
        match self.own_secret(server) {
            Some(addr) => self.by_node.get(&addr),
            None => self.all.as_ref(),
        }
    }

    /// By which address it has a secret of its own.
    fn own_secret(&self, server: &ListedServer) -> Option<SocketAddr> {
        let addrs = [server.turn, Some(server.addr)].into_iter().flatten();
        addrs.into_iter().find(|addr| self.by_node.contains_key(addr))
    }
}

fn secret_file(file: &Path) -> Result<SecretFile, KeyError> {
    let (kind, path) = (SecretKind::TurnSecret, file.to_owned());
    Renewed::new(&[file], kind, move || secret_line(&path, kind).map(TurnSecret::new))
}
