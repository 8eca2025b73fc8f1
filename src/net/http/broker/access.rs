//! Who may have credentials, how often, and from which page.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Instant, SystemTime};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use hmac::{Hmac, Mac};
use rand::RngExt as _;
use sha2::Sha256;

use super::caller::{Caller, too_often};
use super::token::{TokenFault, TokenSecret};
use crate::config::{Http, KeyError, SecretKind, read_api_keys, read_token_secret};
use crate::error::Error;
use crate::net::http::problem::HttpProblem;
use crate::net::http::quota::Allowance;
use crate::net::http::renewed::Renewed;
use crate::net::io::random;

/// Requests a second, and at once: of one API key, behind which a back end has many pages; of one user with
/// tokens, or one address that has some; and of one address with what opens nothing.
const OF_KEY: (u32, u32) = (50, 200);
const OF_TOKEN: (u32, u32) = (2, 20);
const OF_ADDRESS: (u32, u32) = (10, 100);
const OF_STRANGER: (u32, u32) = (1, 20);

/// Who may, as the configuration has it.
pub(super) struct Access {
    /// What API keys are compared by: nobody who tries some learns how near he is.
    blind: Hmac<Sha256>,
    keys: Option<Renewed<ApiKeys, KeyError>>,
    tokens: Option<Renewed<TokenSecret, KeyError>>,
    origins: Vec<String>,
    of_keys: Allowance<String>,
    of_users: Allowance<String>,
    of_addresses: Allowance<IpAddr>,
    of_strangers: Allowance<IpAddr>,
}

/// The names of those who have API keys, by these.
type ApiKeys = BTreeMap<[u8; 32], String>;

/// Who was let in, by his name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bearer {
    /// With an API key: a back end, which may name those for whom it asks.
    Key(String),
    /// With a token: a page of this user's.
    User(String),
}

impl Bearer {
    /// What stands behind the time in the name of his TURN user.
    pub(super) fn name(&self) -> &str {
        let (Self::Key(name) | Self::User(name)) = self;
        name
    }
}

impl Access {
    /// Reads who may.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::Random`].
    pub(super) fn new(config: &Http) -> Result<Self, Error> {
        let seed: [u8; 32] = random::rng()?.random();
        let blind = Hmac::new(&block_of(&seed));
        let keys = config.api_keys.as_deref().map(|file| api_keys(file, &blind)).transpose()?;
        let tokens = config.token_secret.as_deref().map(token_secret).transpose()?;
        let of = |(rate, burst)| Allowance::new(rate, burst);
        Ok(Self {
            blind,
            keys,
            tokens,
            origins: config.origins.clone(),
            of_keys: Allowance::new(OF_KEY.0, OF_KEY.1),
            of_users: Allowance::new(OF_TOKEN.0, OF_TOKEN.1),
            of_addresses: of(OF_ADDRESS),
            of_strangers: of(OF_STRANGER),
        })
    }

    /// Who shows this in an `Authorization` header.
    pub(super) fn bearer(
        &self,
        headers: &HeaderMap,
        Caller(from): Caller,
    ) -> Result<Bearer, HttpProblem> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, secret) = shown.and_then(|shown| shown.split_once(' ')).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(
                self.stranger(from, "show an API key or a token: `Authorization: Bearer ...`")
            );
        }
        let secret = secret.trim();
        if let Some(name) = self.key(secret) {
            return self.of_key(name);
        }
        let origin = headers.get(header::ORIGIN);
        let tokens = self.tokens.as_ref().map(Renewed::get);
        match tokens.as_ref().map(|tokens| tokens.judge(secret, now())) {
            Some(Ok(user)) => {
                if origin.is_some_and(|origin| !self.is_known(origin)) {
                    let detail = "pages of this origin may not ask here";
                    return Err(HttpProblem::new(StatusCode::FORBIDDEN, detail));
                }
                let at = Instant::now();
                self.of_addresses.take(&from, at).map_err(too_often)?;
                self.of_users.take(&user.to_owned(), at).map_err(too_often)?;
                Ok(Bearer::User(user.to_owned()))
            }
            Some(Err(TokenFault::Expired)) => Err(self.stranger(from, "the token has expired")),
            Some(Err(TokenFault::TooFar)) => {
                Err(self.stranger(from, "the token would be good for more than 24 h"))
            }
            Some(Err(TokenFault::Forged)) | None => {
                Err(self.stranger(from, "neither an API key nor a token of this server"))
            }
        }
    }

    /// Who shows this API key.
    pub(super) fn holder(&self, key: &str, Caller(from): Caller) -> Result<Bearer, HttpProblem> {
        match self.key(key) {
            Some(name) => self.of_key(name),
            None => Err(self.stranger(from, "no API key of this server")),
        }
    }

    /// Whether pages of an origin may ask with a token.
    pub(super) fn is_known(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes())
    }

    fn of_key(&self, name: String) -> Result<Bearer, HttpProblem> {
        self.of_keys.take(&name, Instant::now()).map_err(too_often)?;
        Ok(Bearer::Key(name))
    }

    /// Whose API key it is. What is looked up says nothing of it to who does not know `blind`.
    fn key(&self, secret: &str) -> Option<String> {
        let (keys, shown) = (self.keys.as_ref()?.get(), self.blind.clone().chain_update(secret));
        let (known, name) = keys.get_key_value(&blinded(&self.blind, secret))?;
        shown.verify_slice(known).ok().map(|()| name.clone())
    }

    /// What somebody is told who opens nothing. Who tries too often is told that alone.
    fn stranger(&self, from: IpAddr, detail: &str) -> HttpProblem {
        match self.of_strangers.take(&from, Instant::now()) {
            Ok(()) => HttpProblem::new(StatusCode::UNAUTHORIZED, detail)
                .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Err(wait) => too_often(wait),
        }
    }
}

/// Who has API keys, as their file says now.
fn api_keys(file: &Path, blind: &Hmac<Sha256>) -> Result<Renewed<ApiKeys, KeyError>, KeyError> {
    let (path, blind) = (file.to_owned(), blind.clone());
    Renewed::new(&[file], SecretKind::ApiKeys, move || {
        let keys = read_api_keys(&path)?.into_iter();
        Ok(keys.map(|key| (blinded(&blind, &key.secret), key.name)).collect())
    })
}

/// What tokens are made with, as its file says now.
fn token_secret(file: &Path) -> Result<Renewed<TokenSecret, KeyError>, KeyError> {
    let path = file.to_owned();
    Renewed::new(&[file], SecretKind::TokenSecret, move || {
        Ok(TokenSecret::new(read_token_secret(&path)?.as_bytes()))
    })
}

fn blinded(blind: &Hmac<Sha256>, secret: &str) -> [u8; 32] {
    blind.clone().chain_update(secret).finalize().into_bytes().into()
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The block that stands for a key of 32 bytes (RFC 2104, section 2).
fn block_of(seed: &[u8; 32]) -> hmac::digest::Key<Hmac<Sha256>> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    block[..32].copy_from_slice(seed);
    block
}
