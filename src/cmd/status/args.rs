use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;
use turn_balance::AdminUrl;

use crate::cmd::args::{FormatArgs, OutputFormat, VerbosityArgs, time};

/// Say what a server and its nodes are doing now
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tb status\n  tb status unix:/run/tb.sock\n  \
        tb status --json http://10.0.0.7:9301 --token-file admin.token\n\nExit codes:\n  \
        0  the server said it\n  \
        1  nothing answered, or it refused\n  \
        2  could not ask: usage, a file, name lookup")]
pub(crate) struct StatusArgs {
    #[arg(
        help = "Its admin interface, `admin.bind`: http://HOST[:PORT] or unix:PATH [default: http://127.0.0.1:9301]",
        env = "TB_ADMIN",
        hide_env_values = true,
        value_hint = ValueHint::Url
    )]
    pub(super) admin: Option<AdminUrl>,

    /// The file with the token that the server wants to be shown
    #[arg(
        long,
        value_name = "FILE",
        env = "TB_ADMIN_TOKEN_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    pub(super) token_file: Option<PathBuf>,

    /// Give up after this time: seconds, `500ms` or `1m`
    #[arg(
        long,
        value_name = "TIME",
        env = "TB_TIMEOUT",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true,
        default_value = "10"
    )]
    pub(super) timeout: Duration,

    #[command(flatten)]
    pub(super) format: FormatArgs<OutputFormat>,

    #[command(flatten)]
    pub(crate) verbosity: VerbosityArgs,
}
