//! What the configuration says, as the engine takes it.

use crate::config::{BareAnswers, Cluster, KeyFile, RequestLimits};
use crate::error::Error;
use crate::net::engine::server::auth::{JoinPolicy, Trust};
use crate::net::engine::server::limit::LimiterSettings;
use crate::net::wire::MAX_ANSWER;
use crate::net::wire::auth::{Key, Keys};

/// Reads the keys, and what they are to open.
pub(super) fn trust(config: &Cluster) -> Result<Trust, Error> {
    let keys = config.keys.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
    let prefixes = config.join_prefixes.as_slice().into();
    let join = config.join.then_some(JoinPolicy { max_nodes: config.max_nodes, prefixes });
    Ok(Trust { keys: Keys::new(keys), require: config.require_auth, join })
}

fn read(file: &KeyFile) -> Result<Key, Error> {
    Ok(Key::new(file.id, &file.read()?))
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
