use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ValueEnum, ValueHint};
use turn_balance::AdminUrl;

use crate::cmd::args::{DescentArgs, FormatArgs, OutputFormat, VerbosityArgs, ViewArg, time};

/// Show every level of the cascade with all its candidates
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tb trace root.example\n  tb trace -c 10 root.example\n  \
        tb trace root.example | awk '$NF==\"silent\"{print $2}'\n  \
        tb trace --all root.example\n\nExit codes:\n  \
        0  a TURN server was found; with --all: nothing is wrong\n  \
        1  nothing answered, or only dead ends did; with --all: something is wrong\n  \
        2  could not ask: usage, name lookup, socket")]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    pub(super) descent: DescentArgs,

    /// Which lists to ask for
    #[arg(long, env = "TB_VIEW", hide_env_values = true, default_value = "subordinates")]
    pub(super) view: ViewArg,

    /// Go down this often and count
    #[arg(
        short,
        long,
        value_name = "N",
        env = "TB_TRACE_COUNT",
        hide_env_values = true,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(super) count: Option<u64>,

    /// With --count: time from one start to the next
    #[arg(
        short,
        long,
        value_name = "TIME",
        env = "TB_TRACE_INTERVAL",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true,
        default_value = "1"
    )]
    pub(super) interval: Duration,

    #[arg(
        help = "Ask every server of the cascade for its list, and say what is wrong with each",
        long,
        env = "TB_TRACE_ALL",
        hide_env_values = true,
        value_parser = BoolishValueParser::new(),
        conflicts_with_all = [
            "count", "interval", "view", "strategy", "verify", "transport", "ca_file", "require", "prefer",
            "exclude",
        ]
    )]
    pub(super) all: bool,

    #[arg(
        help = "With --all: the admin interface of the first server, which says why nodes are not online",
        long,
        value_name = "URL",
        env = "TB_ADMIN",
        hide_env_values = true,
        value_hint = ValueHint::Url,
        requires = "all"
    )]
    pub(super) admin: Option<AdminUrl>,

    /// The file with the token that the admin interface wants to be shown
    #[arg(
        long,
        value_name = "FILE",
        env = "TB_ADMIN_TOKEN_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath,
        requires = "all"
    )]
    pub(super) token_file: Option<PathBuf>,

    #[command(flatten)]
    pub(super) format: FormatArgs<TraceFormat>,

    #[command(flatten)]
    pub(crate) verbosity: VerbosityArgs,
}

/// What `tb trace` can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TraceFormat {
    /// For people and awk
    Text,
    /// One JSON document
    Json,
    /// One JSON document a level
    Jsonl,
    /// A tree for Graphviz
    Dot,
    /// A tree for Mermaid
    Mermaid,
}

impl From<OutputFormat> for TraceFormat {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Text => Self::Text,
            OutputFormat::Json => Self::Json,
            OutputFormat::Jsonl => Self::Jsonl,
        }
    }
}
