mod args;
mod beside;
mod manager;
mod reload;
mod signals;

pub(crate) use args::ServeArgs;

use std::path::Path;

use turn_balance::{AdminListener, Broker, Config, ConfigError, Server, escaped};

use self::args::{DEFAULT_CONFIG, DEFAULTS};
use super::output::{CommandError, Printer, log, text};
use super::report::{Exit, Problem};
use super::runtime::{block_on, end_at_the_next_signal};
use beside::Beside;
use reload::{RunningServer, drain_time};
use signals::Signals;

impl ServeArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        let file = self.file();
        let config = self.read(file).map_err(turn_balance::Error::from)?;
        if self.print_config {
            printer.answer(&config.to_toml())?;
            return Ok(Exit::Done);
        }
        if self.check {
            Broker::check(&config.http)?;
            AdminListener::check(&config.admin)?;
            printer.answer(&text::config::check_passed(
                file.unwrap_or(Path::new(DEFAULTS)),
                &config,
            ))?;
            return Ok(Exit::Done);
        }
        log::install(config.log.level, config.log.format)
            .map_err(|error| Problem::system("cannot start the log", &error))?;
        log_start(file, &config);
        block_on(self.serve(config, file))
    }

    /// Serves until a signal asks it to stop, or it cannot go on.
    async fn serve(&self, config: Config, file: Option<&Path>) -> Result<Exit, CommandError> {
        let mut signals = Signals::new()?;
        let (drain, http, admin) = (drain_time(&config), config.http.clone(), config.admin.clone());
        let server = tokio::select! {
            server = Server::start(config) => server?,
            () = signals.end() => return Ok(stopped()),
        };
        let beside = Beside::start(http, admin, &server).await?;
        let mut running = RunningServer { args: self, file, server: &server, drain };
        manager::ready();
        tokio::select! {
            error = server.failed() => return Err(error.into()),
            error = beside.failed() => return Err(error.into()),
            () = manager::keep_alive(&server) => {}
            () = signals.obey(&mut running) => {}
        }
        // Whoever asks again has waited long enough.
        tokio::join!(beside.stop(), server.stop(), end_at_the_next_signal());
        Ok(stopped())
    }

    /// Reads the configuration.
    fn read(&self, file: Option<&Path>) -> Result<Config, ConfigError> {
        let config = self.effective(file);
        give_back();
        config
    }
}

/// Gives the system back what is free: where 10,000 nodes are tables, reading them takes 18 MB for a moment,
/// which glibc else keeps for this thread. Others give it back by themselves.
fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "there is no other way to ask the allocator")]
    // SAFETY: it takes a number, and touches nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn stopped() -> Exit {
    tracing::info!("stopped");
    Exit::Done
}

fn log_start(file: Option<&Path>, config: &Config) {
    if file.is_none() {
        tracing::info!(looked_at = %DEFAULT_CONFIG,
            "no configuration file, the defaults apply"
        );
    }
    let turn: Vec<_> = config.turn.bind.iter().map(ToString::to_string).collect();
    let turn = if turn.is_empty() { "none".to_owned() } else { turn.join(" ") };
    tracing::info!(
        version = %env!("CARGO_PKG_VERSION"),
        config = %escaped(&file.unwrap_or(Path::new(DEFAULTS)).to_string_lossy()),
        nodes = config.cluster.nodes.len(),
        superiors = config.cluster.superiors.len(),
        %turn,
        "starting"
    );
}
