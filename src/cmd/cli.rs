use clap::{ArgAction, ColorChoice, CommandFactory as _, Parser, Subcommand};

use super::completions::CompletionsArgs;
use super::healthcheck::HealthcheckArgs;
use super::output::{self, CommandError, Printer};
use super::ping::PingArgs;
use super::probe::ProbeArgs;
use super::report::{Exit, Problem};
use super::serve::ServeArgs;
use super::status::StatusArgs;
use super::trace::TraceArgs;

/// Names the best TURN server for whoever asks
#[derive(Debug, Parser)]
#[command(
    name = "tb",
    bin_name = "tb",
    version,
    after_help = "Example:\n  tb probe root.example\n\nExit codes:\n  \
        0  done\n  \
        1  asked, and the answer is no\n  \
        2  could not ask: usage, configuration, name lookup, socket\n\n\
        Every option has a variable, such as TB_TIMEOUT for --timeout."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Only the answer and errors; twice: the exit code alone
    #[arg(short, long, action = ArgAction::Count)]
    quiet: u8,

    /// Say more on stderr; twice: still more
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,

    /// When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        env = "TB_COLOR",
        hide_env_values = true,
        default_value = "auto",
        display_order = 900 // below a command's own
    )]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    Probe(ProbeArgs),
    Trace(TraceArgs),
    Ping(PingArgs),
    Serve(ServeArgs),
    Status(StatusArgs),
    Healthcheck(HealthcheckArgs),
    Completions(CompletionsArgs),
}

impl Cli {
    /// Runs the command and says why where it fails; without one, shows help.
    pub(crate) fn run(self) -> Exit {
        output::color::choose(self.color);
        let Some(command) = self.command else {
            return output::unfinished(Self::command().render_help());
        };
        let said = (self.quiet, self.verbose);
        match command {
            Command::Probe(args) => finish(args.verbosity.printer(said), |to| args.run(to)),
            Command::Trace(args) => finish(args.verbosity.printer(said), |to| args.run(to)),
            Command::Ping(args) => finish(args.verbosity.printer(said), |to| args.run(to)),
            Command::Serve(_) if said != (0, 0) => finish(Printer::default(), |_| {
                let message = "`tb serve` has a log: `--log-level` says how much it tells";
                Err(Problem::usage(message).into())
            }),
            Command::Serve(args) => finish(Printer::default(), |to| args.run(to)),
            Command::Status(args) => finish(args.verbosity.printer(said), |to| args.run(to)),
            Command::Healthcheck(args) => finish(args.verbosity.printer(said), |to| args.run(to)),
            Command::Completions(args) => finish(Printer::default(), |to| args.run(to)),
        }
    }
}

fn finish(printer: Printer, command: impl FnOnce(&Printer) -> Result<Exit, CommandError>) -> Exit {
    command(&printer).unwrap_or_else(|error| printer.error(&error))
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn refused(line: &[&str]) -> ErrorKind {
        Cli::try_parse_from(line).unwrap_err().kind()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_unfinished_line_shows_help_or_usage() {
        for words in [vec!["tb"], vec!["tb", "--color", "never"]] {
            let cli = Cli::try_parse_from(words).unwrap();
            assert_eq!(cli.run(), Exit::Unable);
        }
        assert_eq!(refused(&["tb", "probe", "--timeout"]), ErrorKind::InvalidValue);
    }

    #[test]
    fn the_two_families_exclude_each_other() {
        assert_eq!(refused(&["tb", "probe", "-4", "-6"]), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn a_count_of_nothing_is_refused() {
        assert_eq!(refused(&["tb", "ping", "-c", "0"]), ErrorKind::ValueValidation);
        assert_eq!(refused(&["tb", "trace", "-c", "0"]), ErrorKind::ValueValidation);
    }

    #[test]
    fn how_much_is_said_stands_before_a_command_or_behind_it() {
        for words in [["tb", "-v", "probe"], ["tb", "probe", "-v"]] {
            assert!(Cli::try_parse_from(words).is_ok(), "{words:?}");
        }
        let serve = Cli::try_parse_from(["tb", "-v", "serve", "--print-config"]).unwrap();
        assert_eq!(serve.run(), Exit::Unable);
    }

    #[test]
    fn only_trace_draws() {
        assert!(Cli::try_parse_from(["tb", "trace", "--format", "dot"]).is_ok());
        assert_eq!(refused(&["tb", "probe", "--format", "dot"]), ErrorKind::InvalidValue);
    }

    #[test]
    fn every_option_of_a_client_has_a_variable() {
        let exempt = ["help", "version", "json", "ipv4", "ipv6"]; // TB_FORMAT and TB_FAMILY
        let cli = Cli::command();
        for name in ["probe", "trace", "ping", "status", "healthcheck"] {
            let command = cli.find_subcommand(name).unwrap();
            for arg in command.get_arguments() {
                let id = arg.get_id().as_str();
                let variable = arg.get_env().and_then(|variable| variable.to_str());
                let fine = exempt.contains(&id) || variable.is_some_and(|v| v.starts_with("TB_"));
                assert!(fine, "`tb {name}`: {id} has no variable");
            }
        }
    }

    #[test]
    fn every_help_gives_an_example_and_the_exit_codes() {
        let mut cli = Cli::command();
        for name in ["probe", "trace", "ping", "serve", "status", "healthcheck", "completions"] {
            let help = cli.find_subcommand_mut(name).unwrap().render_long_help();
            let help = help.to_string();
            assert!(help.contains("Example"), "{help}");
            assert!(help.contains("Exit codes:\n  0"), "{help}");
        }
    }
}
