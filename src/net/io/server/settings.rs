//! What the configuration says, as the engine takes it.

use tracing::warn;

use super::names::TurnPlans;
use crate::config::{
    BareAnswers, Cluster, KeyFile, KeyReader, RequestLimits, Turn, TurnServer, read_login,
};
use crate::error::Error;
use crate::net::engine::server::auth::{JoinPolicy, Trust};
use crate::net::engine::server::limit::LimiterSettings;
use crate::net::engine::server::turn::{HealthPlan, TurnSpec};
use crate::net::wire::MAX_ANSWER;
use crate::net::wire::auth::{Key, Keys};
use crate::types::escaped;

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

/// The TURN servers beside it.
pub(super) fn turn(config: &Turn) -> Result<Vec<TurnSpec>, Error> {
    let plan = plan(&config.server)?;
    let spec = |(public, addr)| TurnSpec { public, plan: plan.clone(), ..TurnSpec::new(addr) };
    Ok(config.checked_at().map(spec).collect())
}

/// How each node is asked that is a TURN server, in the order of the configuration.
pub(super) fn turn_plans(config: &Cluster) -> Result<TurnPlans, Error> {
    config.nodes.iter().map(|node| node.turn.as_ref().map(plan).transpose()).collect()
}

fn plan(server: &TurnServer) -> Result<HealthPlan, Error> {
    Ok(HealthPlan::new(server.health, read_login(server)?))
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
