use std::time::Duration;

use clap::ValueEnum;

use crate::cmd::args::{DescentArgs, FormatArgs, OutputFormat, VerbosityArgs, ViewArg, time};

/// Show every level of the cascade with all its candidates
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tb trace root.example\n  tb trace -c 10 root.example\n  \
        tb trace root.example | awk '$NF==\"silent\"{print $2}'\n\nExit codes:\n  \
        0  a TURN server was found\n  \
        1  nothing answered, or only dead ends did\n  \
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
