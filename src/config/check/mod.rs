//! What a configuration means, judged as a whole: one piece of code for files and for
//! configurations made by a program.

mod addresses;
mod admin;
mod binds;
mod http;
mod keys;
pub(super) mod mistake;
pub(super) mod place;
mod turn;
mod written;

pub(super) use self::addresses::PORT_ZERO;
use self::addresses::{bad_addresses, bad_check_port};
use self::admin::bad_admin;
use self::binds::bad_binds;
use self::http::bad_http;
use self::keys::bad_keys;
use self::mistake::Mistake;
use self::place::Place;
use self::turn::bad_turn;
use self::written::written_over;
use super::diagnostic::Diagnostic;
use super::error::ConfigError;
use super::model::{Admin, BareAnswers, Config, Net, RequestLimits};
use crate::types::ListenAddr;

/// The most threads that answer at one address: no machine's network feeds more.
const MAX_WORKERS: u16 = 64;

/// What `net.workers` must be.
pub(super) const WORKERS: &str = "a number of workers, expected 1 to 64";

impl Config {
    /// Checks a configuration that was made by a program.
    ///
    /// # Errors
    /// [`ConfigError`], whose diagnostics have no labels: there is no text to point at.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mistakes = check(self);
        if mistakes.is_empty() {
            return Ok(());
        }
        Err(ConfigError::in_program(mistakes.into_iter().map(Diagnostic::from).collect()))
    }
}

impl Admin {
    /// Checks this section alone.
    ///
    /// # Errors
    /// [`ConfigError`], as [`Config::validate`] has it.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        match bad_admin(self) {
            mistakes if mistakes.is_empty() => Ok(()),
            mistakes => {
                Err(ConfigError::in_program(mistakes.into_iter().map(Diagnostic::from).collect()))
            }
        }
    }
}

/// Labels of what says itself what it is labelled with.
fn bad_labels(config: &Config) -> impl Iterator<Item = Mistake> {
    let nodes = config.cluster.nodes.iter().enumerate();
    nodes.filter(|(_, node)| node.turn.is_none() && !node.labels.is_empty()).map(|(i, _)| {
        let hint = Some("a balance server has them in its own configuration");
        let message = "only a node that is a TURN server has labels here".into();
        Mistake { hint, ..Mistake::at(Place::Node(i), message) }
    })
}

/// Everything that is wrong with a configuration.
pub(super) fn check(config: &Config) -> Vec<Mistake> {
    let binds: Vec<_> = config.net.bind.iter().map(ListenAddr::endpoint).collect();
    let mut mistakes = Vec::new();
    if binds.is_empty() {
        mistakes.push(Mistake::at(Place::Binds, "`net.bind` names no address".into()));
    }
    mistakes.extend(bad_addresses(config, &binds));
    mistakes.extend(bad_labels(config));
    let workers = config.net.workers;
    if !(1..=MAX_WORKERS).contains(&workers) {
        mistakes.push(Mistake::at(Place::Workers, format!("`{workers}` is not {WORKERS}")));
    }
    if config.net.drain.is_some_and(|drain| drain > Net::MAX_DRAIN) {
        let message = "`drain` is longer than an hour".into();
        mistakes.push(Mistake::at(Place::Drain, message));
    }
    if let Some(port) = config.cluster.check_bind {
        mistakes.extend(bad_check_port(port));
    }
    mistakes.extend(bad_binds(&config.net, &config.cluster));
    mistakes.extend(bad_keys(&config.cluster));
    mistakes.extend(bad_turn(&config.turn, &config.cluster));
    mistakes.extend(bad_http(config));
    mistakes.extend(bad_admin(&config.admin));
    mistakes.extend(written_over(config));
    let limits = &config.limits;
    let least = RequestLimits::MIN_BARE_BYTES;
    if limits.bare_answers == BareAnswers::Full && limits.bare_bytes < least {
        let message = format!("`bare-bytes` leaves no room for an answer of {least} bytes");
        mistakes.push(Mistake::at(Place::BareBytes, message));
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::config::model::NodeEntry;
    use crate::types::Endpoint;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// Where the mistakes of a configuration are that binds there and has these nodes.
    fn places(bind: &str, nodes: &[Endpoint]) -> Vec<(Place, Option<Place>)> {
        let mut config = Config::default();
        config.net.bind = vec![addr(bind).into()];
        config.cluster.nodes = nodes.iter().cloned().map(NodeEntry::from).collect();
        let mistakes = check(&config).into_iter();
        mistakes.map(|mistake| (mistake.place, mistake.related.map(|(place, _)| place))).collect()
    }

    #[test]
    fn the_default_is_sound() {
        assert!(check(&Config::default()).is_empty());
    }

    #[test]
    fn a_program_may_write_an_address_in_ways_that_a_file_cannot() {
        let name = |host: &str| Endpoint::Name(host.into(), 3001);
        let mapped = Endpoint::Addr(addr("[::ffff:127.0.0.1]:3001"));
        for (nodes, expected) in [
            (vec![mapped], (Place::Node(0), Some(Place::Bind(0)))),
            (vec![name("no host")], (Place::Node(0), None)),
            (vec![name("256.1.1.1")], (Place::Node(0), None)),
            (
                vec![name("LEAF.example"), name("leaf.example")],
                (Place::Node(1), Some(Place::Node(0))),
            ),
        ] {
            assert_eq!(places("127.0.0.1:3001", &nodes), [expected], "{nodes:?}");
        }
        let mapped_bind = places("[::ffff:127.0.0.1]:3001", &[addr("127.0.0.1:3001").into()]);
        assert_eq!(mapped_bind, [(Place::Node(0), Some(Place::Bind(0)))]);
    }

    #[test]
    fn the_same_address_may_stand_in_two_places() {
        let mut config = Config::default();
        let node = |node, public| NodeEntry::new(addr(node)).public(addr(public));
        config.cluster.nodes = vec![
            node("203.0.113.7:3001", "203.0.113.7:3001"),
            node("203.0.113.8:3001", "127.0.0.1:3001"),
        ];
        config.turn.bind = vec![addr("203.0.113.8:3478")];
        config.turn.check = config.turn.bind.clone();
        assert!(check(&config).is_empty());
    }

    #[test]
    fn a_program_gets_hints_and_no_labels() {
        let mut config = Config::default();
        config.turn.bind = vec![addr("0.0.0.0:3478")];
        config.cluster.check_bind = Some(3001);
        config.net.workers = 65;
        let error = config.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "turn address `0.0.0.0:3478` is unspecified\n\
             `65` is not a number of workers, expected 1 to 64\n\
             check port `3001` is taken by this server itself"
        );
        assert!(error.diagnostics()[0].hint().is_some());
        assert!(error.diagnostics().iter().all(|diagnostic| diagnostic.labels().is_empty()));
    }
}
