//! Another configuration, while the server runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;

use super::load::LoadPlan;
use super::names::{NewCluster, TurnPlans};
use super::settings;
use super::shared::SharedState;
use super::url_checks::{NewUrls, UrlChecks};
use crate::config::{Config, Difference, Reloaded};
use crate::error::Error;
use crate::net::engine::server::auth::Trust;
use crate::net::engine::server::reload::Reload;
use crate::net::engine::server::turn::TurnSpec;
use crate::net::wire::auth::Keys;

/// What this task is called where it has ended.
const TASK: &str = "reload";

/// How many may wait for the one that goes on. Whoever is one more waits for a place.
const WAITING: usize = 4;

/// A configuration that is wanted, and who waits to hear what comes of it.
type Wish = (Config, oneshot::Sender<Result<Reloaded, Error>>);

/// Where to wish for another configuration.
#[derive(Debug, Clone)]
pub(super) struct Wishes(mpsc::Sender<Wish>);

/// Reads what configurations name, and hands it to those whose it is.
pub(super) struct Reloader {
    pub(super) shared: Arc<SharedState>,
    /// What runs.
    pub(super) config: Arc<Config>,
    pub(super) keys: Keys,
    /// The number of its first entry of `cluster.nodes`: those of each configuration are others.
    pub(super) first_entry: usize,
    pub(super) names: mpsc::Sender<NewCluster>,
    pub(super) urls: mpsc::Sender<NewUrls>,
    pub(super) load: watch::Sender<Option<LoadPlan>>,
}

/// A configuration, and what its files hold.
struct Read {
    config: Config,
    trust: Trust,
    turn: Vec<TurnSpec>,
    plans: TurnPlans,
    urls: UrlChecks,
}

impl Wishes {
    /// Waits until another configuration counts.
    pub(super) async fn wish(&self, config: Config) -> Result<Reloaded, Error> {
        let ended = || Error::Task { task: TASK };
        let (told, hears) = oneshot::channel();
        self.0.send((config, told)).await.map_err(|_| ended())?;
        hears.await.unwrap_or_else(|_| Err(ended()))
    }
}

impl Reloader {
    /// Starts it.
    pub(super) fn spawn(mut self) -> Wishes {
        let (wishes, mut wished) = mpsc::channel::<Wish>(WAITING);
        let shared = self.shared.clone();
        shared.parts.spawn(TASK, async move {
            while let Some((config, told)) = wished.recv().await {
                // Who does not wait any more has its wish all the same.
                let _ = told.send(self.reload(config).await);
            }
            // Nobody can wish any more.
            std::future::pending().await
        });
        Wishes(wishes)
    }

    /// All that can fail comes first: then either all of it counts or nothing.
    async fn reload(&mut self, mut config: Config) -> Result<Reloaded, Error> {
        let mut reloaded = self.config.reload(&mut config);
        config.validate()?;
        let first_entry = self.first_entry + self.config.cluster.nodes.len();
        // On a thread of its own: checks go on meanwhile.
        let read = spawn_blocking(move || Read::new(config, first_entry)).await;
        let Read { config, trust, turn, plans, urls } =
            read.unwrap_or(Err(Error::Task { task: TASK }))?;
        reloaded.keys = difference(&self.keys, &trust.keys);

        let limits = settings::limiter(&config.limits);
        if limits != settings::limiter(&self.config.limits) {
            let limiter = self.shared.limiter.load().reload(limits);
            self.shared.limiter.store(Arc::new(limiter));
        }
        let ended = |_| Error::Task { task: TASK };
        // Before the nodes: what their URLs are is known when they are.
        let (done, is_done) = oneshot::channel();
        let _ = self.urls.send(NewUrls { checks: urls, done }).await;
        is_done.await.map_err(ended)?;
        self.keys = trust.keys.clone();
        let plan = LoadPlan::new(&config.turn);
        self.load.send_if_modified(|now| std::mem::replace(now, plan.clone()) != plan);
        let nobody = config.cluster.nodes.is_empty() && trust.join.is_none();
        let engine = Reload {
            barren: nobody && turn.is_empty(),
            name: config.net.name.clone(),
            labels: config.net.labels.clone(),
            trust,
            advertise: config.cluster.advertise,
            turn,
            weight: config.turn.told_weight(),
            first_entry,
            ..Reload::default()
        };
        self.shared.joined_file.set_path(config.cluster.state.clone());
        let (done, is_done) = oneshot::channel();
        (self.config, self.first_entry) = (Arc::new(config), first_entry);
        let config = self.config.clone();
        let _ = self.names.send(NewCluster { config, plans, engine, done }).await;
        is_done.await.map_err(ended)?;
        Ok(reloaded)
    }
}

impl Read {
    fn new(config: Config, first_entry: usize) -> Result<Self, Error> {
        Ok(Self {
            trust: settings::trust(&config.cluster)?,
            turn: settings::turn(&config.turn)?,
            plans: settings::turn_plans(&config.cluster)?,
            urls: UrlChecks::new(&config, first_entry)?,
            config,
        })
    }
}

/// What is another among keys: one whose file has another secret, too, and one that signs, as the first does, and
/// did not, or the other way round.
fn difference(before: &Keys, now: &Keys) -> Difference {
    let by_id = |keys: &Keys| -> BTreeMap<_, _> {
        let keys = keys.iter().enumerate();
        keys.map(|(i, key)| (key.id(), (i == 0, key.clone()))).collect()
    };
    Difference::between(&by_id(before), &by_id(now), |(signed, before), (signs, now)| {
        signed == signs && before.is_same(now)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::wire::auth::Key;

    #[test]
    fn each_step_of_a_change_of_keys_is_told() {
        let keys = |ids: &[u8]| Keys::new(ids.iter().map(|id| Key::new((*id).into(), &[*id; 32])));
        let told = |before: &[u8], now: &[u8]| difference(&keys(before), &keys(now)).to_string();
        let steps: [&[u8]; 4] = [&[1], &[1, 2], &[2, 1], &[2]];
        let told: Vec<_> = steps.windows(2).map(|pair| told(pair[0], pair[1])).collect();
        assert_eq!(told, ["+1", "~2", "-1"]);
        let again = Keys::new([Key::new(1, &[9; 32])]);
        assert_eq!(difference(&keys(&[1]), &again).to_string(), "~1");
        assert_eq!(difference(&again, &again).to_string(), "-");
    }
}
