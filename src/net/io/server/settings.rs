//! What the configuration says, as the engine takes it.

use tracing::warn;

use crate::config::{
    BareAnswers, Cluster, KeyFile, KeyReader, RequestLimits, TurnKeys, read_login,
};
use crate::error::Error;
use crate::net::engine::server::auth::{JoinPolicy, Trust};
use crate::net::engine::server::limit::LimiterSettings;
use crate::net::wire::MAX_ANSWER;
use crate::net::wire::auth::{Key, Keys};
use crate::types::{TurnLogin, escaped};

/// Reads the keys, and what they are to open.
pub(super) fn trust(config: &Cluster) -> Result<Trust, Error> {
    let mut reader = KeyReader::default();
    let keys = config.keys.iter().map(|file| read(&mut reader, file));
    let keys = keys.collect::<Result<Vec<_>, Error>>()?;
    let prefixes = config.join_prefixes.as_slice().into();
    let join = config.join.then_some(JoinPolicy { max_nodes: config.max_nodes, prefixes });
    Ok(Trust { keys: Keys::new(keys), require: config.require_auth, join })
}

fn read(reader: &mut KeyReader, key: &KeyFile) -> Result<Key, Error> {
    let secret = reader.read(key)?;
    if secret.group_may_write {
        let file = escaped(&key.file.to_string_lossy());
        warn!(%file, "a group may write this key file, and so choose the key");
    }
    Ok(Key::new(key.id, &secret.bytes))
}

/// Reads who the server is to a TURN server that it checks; `None`: nobody.
pub(super) fn turn_login(keys: &TurnKeys<'_>) -> Result<Option<TurnLogin>, Error> {
    Ok(read_login(keys)?)
}

// One answer is the least that the configuration lets pass.
const _: () = assert!(RequestLimits::MIN_BARE_BYTES as usize == MAX_ANSWER);

/// What strangers are allowed.
pub(super) fn limiter(limits: &RequestLimits) -> LimiterSettings {
    let bare_bytes = match limits.bare_answers {
        BareAnswers::Sample => 0,
        BareAnswers::Full => limits.bare_bytes.into(),
    };
    LimiterSettings {
        rates: limits.rates,
        exempt: limits.exempt.clone(),
        bare_bytes,
        ..LimiterSettings::default()
    }
}
