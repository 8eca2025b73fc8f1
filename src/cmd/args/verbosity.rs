use clap::Args;

use crate::cmd::output::Printer;

/// How much is said.
#[derive(Debug, Args)]
pub(crate) struct VerbosityArgs {
    /// Only the answer and errors; twice: the exit code alone
    #[arg(short, long, env = "TB_QUIET", hide_env_values = true, action = clap::ArgAction::Count)]
    quiet: u8,

    /// Say more on stderr; twice: still more
    #[arg(short, long, env = "TB_VERBOSE", hide_env_values = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl VerbosityArgs {
    /// `before`: how often `-q` and `-v` stand before the command.
    pub(crate) fn printer(&self, before: (u8, u8)) -> Printer {
        let (quiet, verbose) = before;
        Printer::new(self.quiet.saturating_add(quiet), self.verbose.saturating_add(verbose))
    }
}
