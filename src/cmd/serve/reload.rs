//! SIGHUP: the file is read again, and what it says counts from then on.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tracing::{error, info, warn};
use turn_balance::{
    AdminListener, Broker, Config, ConfigError, Difference, Error, Reloaded, Server, escaped,
};

use super::args::{DEFAULTS, ServeArgs};
use crate::cmd::output::log;
use crate::cmd::report::Problem;

/// How many errors of a file a reload tells: whoever mends them has `--check`.
const MOST_TOLD: usize = 10;

/// What of a running server the command keeps itself.
pub(super) struct RunningServer<'a> {
    pub(super) args: &'a ServeArgs,
    /// What it was started with: that it is gone is no wish for the defaults.
    pub(super) file: Option<&'a Path>,
    pub(super) server: &'a Server,
    /// How long it drains before it ends.
    pub(super) drain: Duration,
}

impl RunningServer<'_> {
    /// Takes what the file says now, all of it or nothing.
    pub(super) async fn reload(&mut self) {
        let file = self.file.or_else(|| self.args.file());
        if let Some((file, cause)) = file.and_then(|file| Some((file, unfit(file)?))) {
            let file = escaped(&file.to_string_lossy());
            return error!(%file, %cause, "cannot reload, nothing has changed");
        }
        match self.try_reload(file).await {
            Ok(reloaded) => tell(file, &reloaded),
            Err(Error::Config(error)) => complain_of_config(&error),
            Err(error) => {
                let Problem { message, causes, .. } = Problem::from(&error);
                let error = [vec![message], causes].concat().join(": ");
                error!(%error, "cannot reload, nothing has changed");
            }
        }
    }

    async fn try_reload(&mut self, file: Option<&Path>) -> Result<Reloaded, Error> {
        let config = self.args.read(file)?;
        let (drain, level) = (drain_time(&config), config.log.level);
        // What these say for the next start.
        Broker::check(&config.http)?;
        AdminListener::check(&config.admin)?;
        let reloaded = self.server.reload(config).await?;
        self.drain = drain;
        log::set_level(level);
        Ok(reloaded)
    }
}

/// Why a file is not worth reading again. One that cannot be read at all is none of these.
fn unfit(file: &Path) -> Option<&'static str> {
    let metadata = fs::metadata(file).ok()?;
    match metadata.is_file() {
        // It may keep whoever opens it waiting, or have nothing to say a second time.
        false if !metadata.is_dir() => {
            Some("it is no regular file, and is read at the start alone")
        }
        // Nobody means the defaults so: a full disk has left it, or who writes it is not done.
        true if metadata.len() == 0 => Some("it is empty"),
        _ => None,
    }
}

/// How long it drains before it ends: nobody is told by a server without a superior.
pub(super) fn drain_time(config: &Config) -> Duration {
    let told = !config.cluster.superiors.is_empty();
    let default = if told { Duration::from_secs(5) } else { Duration::ZERO };
    config.net.drain.unwrap_or(default)
}

fn tell(file: Option<&Path>, Reloaded { nodes, superiors, keys, changed, kept, .. }: &Reloaded) {
    if !kept.is_empty() {
        let keys = kept.join(" ");
        warn!(%keys, "the old value holds until a restart");
    }
    let some = |difference: &Difference| {
        (!difference.is_none()).then(|| tracing::field::display(*difference))
    };
    let changed = (!changed.is_empty()).then(|| tracing::field::display(changed.join(" ")));
    info!(
        config = %escaped(&file.unwrap_or(Path::new(DEFAULTS)).to_string_lossy()),
        nodes = some(nodes),
        superiors = some(superiors),
        keys = some(keys),
        changed,
        "reloaded"
    );
}

/// A line for each error, as a compiler has it.
fn complain_of_config(error: &ConfigError) {
    if let Some(cause) = error.unreadable() {
        let file = escaped(error.origin());
        return error!(%file, %cause, "cannot reload, nothing has changed");
    }
    let diagnostics = error.diagnostics();
    for diagnostic in diagnostics.iter().take(MOST_TOLD) {
        let at = error.line_col(diagnostic).map_or_else(String::new, |(line, column)| {
            format!("{}:{line}:{column}", escaped(error.origin()))
        });
        let hint = diagnostic.hint().map(tracing::field::display);
        error!(%at, error = %diagnostic.message(), hint, "cannot reload, nothing has changed");
    }
    let more = diagnostics.len().saturating_sub(MOST_TOLD);
    if more > 0 {
        error!(more, "more errors of the file are not shown");
    }
}
