use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{ValueEnum, ValueHint};
use turn_balance::{Config, ConfigError, ListenAddr, LogLevel, Name};

use crate::cmd::args::CommaSeparated;

/// Where the configuration is when nothing says otherwise.
pub(super) const DEFAULT_CONFIG: &str = "/etc/turn-balance/balance.toml";

/// What a configuration without a file is called.
pub(super) const DEFAULTS: &str = "defaults";

/// Run a balance server
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tb serve -c balance.toml\n  tb serve -c balance.toml --check\n\n\
        Signals:\n  \
        HUP   read the configuration again, and go on with it\n  \
        USR1  drain: ask not to be chosen, and go on answering\n  \
        USR2  drain no more\n  \
        TERM  drain for as long as net.drain says, and end; again: within a second\n  \
        INT   end within a second; again: at once\n\n\
        Exit codes:\n  \
        0  stopped on request; --check: the configuration is fine\n  \
        1  could not go on\n  \
        2  could not start: usage, configuration, socket"
)]
pub(crate) struct ServeArgs {
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
    pub(super) check: bool,

    /// Print the configuration with all defaults, and leave
    #[arg(long)]
    pub(super) print_config: bool,

    /// Listen here instead of at net.bind; may be repeated
    #[arg(long, value_name = "ADDR", env = "TB_BIND", hide_env_values = true)]
    bind: Vec<CommaSeparated<ListenAddr>>,

    /// What traces show instead of net.name
    #[arg(long, env = "TB_NAME", hide_env_values = true)]
    name: Option<Name>,

    /// Where superiors are to find it instead of at cluster.advertise
    #[arg(long, value_name = "ADDR", env = "TB_ADVERTISE", hide_env_values = true)]
    advertise: Option<SocketAddr>,

    /// The TURN server beside it instead of turn.bind; may be repeated
    #[arg(long, value_name = "ADDR", env = "TB_TURN_BIND", hide_env_values = true)]
    turn_bind: Vec<CommaSeparated<SocketAddr>>,

    /// Log this instead of log.level
    #[arg(long, value_name = "LEVEL", env = "TB_LOG_LEVEL", hide_env_values = true)]
    log_level: Option<LogLevelArg>,

    /// Log one level more; twice: two more
    #[arg(short, long, env = "TB_VERBOSE", hide_env_values = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl ServeArgs {
    /// The file to read; `None`: the defaults apply. One that was named is read, come what may.
    pub(super) fn file(&self) -> Option<&Path> {
        let default = Path::new(DEFAULT_CONFIG);
        self.config.as_deref().or_else(|| is_meant(default).then_some(default))
    }

    /// What the file says, and what the command line says instead.
    pub(super) fn effective(&self, file: Option<&Path>) -> Result<Config, ConfigError> {
        let mut config = file.map_or_else(|| Ok(Config::default()), Config::load)?;
        if let Some(level) = self.log_level {
            config.log.level = level.into();
        }
        config.log.level = raised(config.log.level, self.verbose);
        config.net.name = self.name.clone().or(config.net.name);
        config.cluster.advertise = self.advertise.or(config.cluster.advertise);
        outweigh(&self.bind, &mut config.net.bind);
        outweigh(&self.turn_bind, &mut config.turn.bind);
        if !(self.bind.is_empty() && self.turn_bind.is_empty() && self.advertise.is_none()) {
            config.validate()?;
        }
        Ok(config)
    }
}

fn outweigh<T: Clone>(given: &[CommaSeparated<T>], configured: &mut Vec<T>) {
    if !given.is_empty() {
        *configured = given.iter().flat_map(|CommaSeparated(items)| items).cloned().collect();
    }
}

/// Whether somebody has put a file there, though none may be read: a link that leads nowhere, for the
/// file or a folder, is no wish for the defaults.
fn is_meant(file: &Path) -> bool {
    let is_missing = |path: &Path| matches!(path.try_exists(), Ok(false));
    !is_missing(file) || file.ancestors().any(|path| path.is_symlink() && is_missing(path))
}

/// `log.level` as a flag.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogLevelArg {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogLevelArg> for LogLevel {
    fn from(level: LogLevelArg) -> Self {
        match level {
            LogLevelArg::Error => Self::Error,
            LogLevelArg::Warn => Self::Warn,
            LogLevelArg::Info => Self::Info,
            LogLevelArg::Debug => Self::Debug,
            LogLevelArg::Trace => Self::Trace,
        }
    }
}

/// The level that says so much more; the last one says most.
fn raised(level: LogLevel, by: u8) -> LogLevel {
    use LogLevel::{Debug, Error, Info, Trace, Warn};

    let levels = [Error, Warn, Info, Debug, Trace];
    let mut from_here = levels.into_iter().skip_while(|candidate| *candidate != level);
    from_here.nth(by.into()).unwrap_or(Trace)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: ServeArgs,
    }

    fn effective(words: &[&str]) -> Config {
        let line = Line::try_parse_from(["tb"].iter().chain(words)).unwrap();
        line.args.effective(None).unwrap()
    }

    #[test]
    fn the_command_line_outweighs_the_file() {
        let config = effective(&["--bind", "127.0.0.2:0,[::1]:3001", "--bind", "[fe80::1%eth0]:1"]);
        let bind: Vec<String> = config.net.bind.iter().map(ListenAddr::to_string).collect();
        assert_eq!(bind, ["127.0.0.2:0", "[::1]:3001", "[fe80::1%eth0]:1"]);
        let config = effective(&["--name", "fra", "--advertise", "203.0.113.52:3001"]);
        assert_eq!(config.net.name, Some("fra".parse().unwrap()));
        assert_eq!(config.cluster.advertise, Some("203.0.113.52:3001".parse().unwrap()));
        let config = effective(&["--turn-bind", "203.0.113.52:3478,[2001:db8::52]:3478"]);
        let turn = ["203.0.113.52:3478", "[2001:db8::52]:3478"].map(|addr| addr.parse().unwrap());
        assert_eq!(config.turn.bind, turn);
        assert_eq!(effective(&["-v"]).log.level, LogLevel::Debug);
        assert_eq!(effective(&["-vvv"]).log.level, LogLevel::Trace);
        let config = effective(&["--log-level", "error", "-v"]);
        assert_eq!(config.log.level, LogLevel::Warn);
    }

    #[test]
    fn what_the_command_line_says_is_judged_too() {
        for words in [["--turn-bind", "0.0.0.0:3478"], ["--advertise", "203.0.113.52:0"]] {
            let line = Line::try_parse_from(["tb"].iter().chain(&words)).unwrap();
            assert!(line.args.effective(None).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_file_that_is_named_is_the_one() {
        let line = Line::try_parse_from(["tb", "-c", "balance.toml"]).unwrap();
        assert_eq!(line.args.file(), Some(Path::new("balance.toml")));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_meant_to_be_read() {
        use std::fs;
        use std::os::unix::fs::symlink;
        let root = std::env::temp_dir().join(format!("tb-meant-{}", std::process::id()));
        fs::create_dir_all(root.join("there")).unwrap();
        symlink("nowhere", root.join("there/dangling.toml")).unwrap();
        symlink("nowhere", root.join("gone")).unwrap();
        fs::write(root.join("there/file.toml"), "").unwrap();
        let meant = |file| is_meant(&root.join(file));
        let all = ["there/file.toml", "there/dangling.toml", "gone/file.toml"].map(meant);
        let none = ["there/no.toml", "no/file.toml"].map(meant);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!((all, none), ([true; 3], [false; 2]));
    }

    #[test]
    fn check_and_print_exclude_each_other() {
        let line = Line::try_parse_from(["tb", "--check", "--print-config"]);
        assert!(line.is_err());
    }
}
