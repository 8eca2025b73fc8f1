use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{ValueEnum, ValueHint};
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use turn_balance::{Config, LogLevel, Server};

use super::output::{Exit, Fault, Printer, Report, default_signals, log, text};

/// Where the configuration is when nothing says otherwise.
const DEFAULT_CONFIG: &str = "/etc/turn-balance/balance.toml";

/// What a configuration without a file is called.
const DEFAULTS: &str = "defaults";

/// Run a balance server
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tb serve -c balance.toml\n  tb serve -c balance.toml --check\n\n\
        Exit codes:\n  \
        0  stopped on request; --check: the configuration is fine\n  \
        1  could not go on\n  \
        2  could not start: usage, configuration, socket"
)]
pub(crate) struct Args {
    /// The configuration [default: /etc/turn-balance/balance.toml, where there is one]
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "TB_CONFIG",
        hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    config: Option<PathBuf>,

    /// Say whether the configuration is fine, and leave
    #[arg(long, conflicts_with = "print_config")]
    check: bool,

    /// Print the configuration with all defaults, and leave
    #[arg(long)]
    print_config: bool,

    /// Listen here instead of at net.bind; may be repeated
    #[arg(
        long,
        value_name = "ADDR",
        env = "TB_BIND",
        hide_env_values = true,
        value_delimiter = ','
    )]
    bind: Vec<SocketAddr>,

    /// Log this instead of log.level
    #[arg(long, value_name = "LEVEL", env = "TB_LOG_LEVEL", hide_env_values = true)]
    log_level: Option<Level>,

    /// Log one level more; twice: two more
    #[arg(short, long, env = "TB_VERBOSE", hide_env_values = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Args {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, Fault> {
        let file = self.file();
        let config = self.effective(file).map_err(turn_balance::Error::from)?;
        if self.print_config {
            printer.answer(&config.to_toml())?;
            return Ok(Exit::Done);
        }
        if self.check {
            printer.answer(&text::config::verdict(file.unwrap_or(Path::new(DEFAULTS)), &config))?;
            return Ok(Exit::Done);
        }
        log::install(config.log.level, config.log.format);
        start_line(file, &config);
        // On this thread alone: no task is busy for long, and those that answer are threads of
        // their own.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Report::system("cannot start", &error))?;
        let done = runtime.block_on(serve(config));
        runtime.shutdown_background();
        done
    }

    /// The file to read; none: the defaults apply. One that was named is read, come what may.
    fn file(&self) -> Option<&Path> {
        let default = Path::new(DEFAULT_CONFIG);
        let there = || !matches!(default.try_exists(), Ok(false));
        self.config.as_deref().or_else(|| there().then_some(default))
    }

    /// What the file says, and what the command line says instead.
    fn effective(&self, file: Option<&Path>) -> Result<Config, turn_balance::ConfigError> {
        let mut config = file.map_or_else(|| Ok(Config::default()), Config::load)?;
        if let Some(level) = self.log_level {
            config.log.level = level.into();
        }
        config.log.level = raised(config.log.level, self.verbose);
        if !self.bind.is_empty() {
            config.net.bind.clone_from(&self.bind);
            config.validate()?;
        }
        Ok(config)
    }
}

/// Serves until a signal asks it to stop, or it cannot go on.
async fn serve(config: Config) -> Result<Exit, Fault> {
    let deaf = |error| Report::system("cannot listen for signals", &error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(deaf)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(deaf)?;
    let mut server = tokio::select! {
        server = Server::start(config) => server?,
        () = either(&mut interrupt, &mut terminate) => return Ok(stopped()),
    };
    tokio::select! {
        error = server.failed() => return Err(error.into()),
        () = either(&mut interrupt, &mut terminate) => {}
    }
    // Whoever asks again has waited long enough.
    default_signals();
    server.stop().await;
    Ok(stopped())
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

fn stopped() -> Exit {
    tracing::info!("stopped");
    Exit::Done
}

fn start_line(file: Option<&Path>, config: &Config) {
    if file.is_none() {
        tracing::info!(looked_at = %DEFAULT_CONFIG,
            "no configuration file, the defaults apply"
        );
    }
    let turn = config.turn.bind.map(|turn| turn.to_string());
    tracing::info!(
        version = %env!("CARGO_PKG_VERSION"),
        config = %file.unwrap_or(Path::new(DEFAULTS)).display(),
        nodes = config.cluster.nodes.len(),
        superiors = config.cluster.superiors.len(),
        turn = %turn.as_deref().unwrap_or("none"),
        "starting"
    );
}

fn raised(level: LogLevel, by: u8) -> LogLevel {
    use LogLevel::{Debug, Error, Info, Trace, Warn};

    let levels = [Error, Warn, Info, Debug, Trace];
    let mut from_here = levels.into_iter().skip_while(|candidate| *candidate != level);
    from_here.nth(by.into()).unwrap_or(Trace)
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn effective(words: &[&str]) -> Config {
        let line = Line::try_parse_from(["tb"].iter().chain(words)).unwrap();
        line.args.effective(None).unwrap()
    }

    #[test]
    fn the_command_line_outweighs_the_file() {
        let config = effective(&["--bind", "127.0.0.2:0", "--bind", "[::1]:3001"]);
        let bind: Vec<String> = config.net.bind.iter().map(SocketAddr::to_string).collect();
        assert_eq!(bind, ["127.0.0.2:0", "[::1]:3001"]);
        assert_eq!(effective(&["-v"]).log.level, LogLevel::Debug);
        assert_eq!(effective(&["-vvv"]).log.level, LogLevel::Trace);
        let config = effective(&["--log-level", "error", "-v"]);
        assert_eq!(config.log.level, LogLevel::Warn);
    }

    #[test]
    fn a_file_that_is_named_is_the_one() {
        let line = Line::try_parse_from(["tb", "-c", "balance.toml"]).unwrap();
        assert_eq!(line.args.file(), Some(Path::new("balance.toml")));
    }

    #[test]
    fn check_and_print_exclude_each_other() {
        let line = Line::try_parse_from(["tb", "--check", "--print-config"]);
        assert!(line.is_err());
    }
}
