//! Long-term credentials (RFC 8489, section 9.2): what a server demands, and how often it may.

use crate::net::wire::stun::{Integrity, TurnKey, TurnSignature};
use crate::types::{TurnCredentials, TurnFault};

#[derive(Debug)]
pub(super) struct Login {
    credentials: Option<TurnCredentials>,
    session: Option<Session>,
    /// Whether the server has asked for another realm's, after it had some.
    other_realm: bool,
    /// Whether the request that is out was refused for its nonce.
    renewed: bool,
}

/// What the server has handed out, and the key that it makes.
#[derive(Debug)]
struct Session {
    realm: String,
    nonce: Vec<u8>,
    key: TurnKey,
}

impl Login {
    pub(super) fn new(credentials: Option<TurnCredentials>) -> Self {
        Self { credentials, session: None, other_realm: false, renewed: false }
    }

    /// How requests are signed; `None`: they are not yet.
    pub(super) fn signature(&self) -> Option<TurnSignature<'_>> {
        let (session, credentials) = (self.session.as_ref()?, self.credentials.as_ref()?);
        Some(TurnSignature {
            username: &credentials.username,
            realm: &session.realm,
            nonce: &session.nonce,
            key: &session.key,
        })
    }

    /// How an answer is signed, where it need be.
    pub(super) fn judge(&self, datagram: &[u8]) -> Integrity {
        self.session.as_ref().map_or(Integrity::Right, |session| session.key.judge(datagram))
    }

    /// A signed request was granted: the next one may have a new nonce.
    pub(super) fn accepted(&mut self) {
        self.renewed = false;
    }

    /// The server has refused a request. Whether there is something new to ask it with.
    pub(super) fn challenged(
        &mut self,
        code: u16,
        realm: Option<String>,
        nonce: Option<Vec<u8>>,
    ) -> Result<(), TurnFault> {
        match (code, &mut self.session) {
            (401, None) => self.begin(realm, nonce),
            (401, Some(session)) if realm.as_ref().is_some_and(|realm| *realm != session.realm) => {
                if self.other_realm {
                    return Err(TurnFault::OtherRealm);
                }
                self.other_realm = true;
                self.begin(realm, nonce)
            }
            (401, Some(_)) if self.other_realm => Err(TurnFault::OtherRealm),
            (401, Some(_)) => Err(TurnFault::WrongCredentials),
            (438, Some(session)) if !self.renewed => {
                self.renewed = true;
                session.nonce = nonce.ok_or(TurnFault::Refused(code))?;
                Ok(())
            }
            _ => Err(TurnFault::of_code(code)),
        }
    }

    fn begin(&mut self, realm: Option<String>, nonce: Option<Vec<u8>>) -> Result<(), TurnFault> {
        let credentials = self.credentials.as_ref().ok_or(TurnFault::NoCredentials)?;
        let (Some(realm), Some(nonce)) = (realm, nonce) else {
            return Err(TurnFault::Refused(401));
        };
        let key = TurnKey::new(&credentials.username, &credentials.password, &realm);
        self.session = Some(Session { realm, nonce, key });
        Ok(())
    }
}
