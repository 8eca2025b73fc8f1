use std::time::Duration;

use clap::ValueHint;

use crate::cmd::args::{
    FamilyArgs, FormatArgs, OutputFormat, Target, VerbosityArgs, first_target, time,
};

/// Measure one balance server
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tb ping -c 4 root.example\n\nExit codes:\n  \
        0  an answer came\n  \
        1  none came\n  \
        2  could not ask: usage, name lookup, socket")]
pub(crate) struct PingArgs {
    #[arg(help = "Server to ask: HOST[:PORT], IPv6 in brackets [default: 127.0.0.1:3001]", 
        env = "TB_SERVER",
        hide_env_values = true,
        value_parser = first_target,
        value_hint = ValueHint::Hostname
    )]
    pub(super) server: Option<Target>,

    /// Stop after this many requests
    #[arg(
        short,
        long,
        value_name = "N",
        env = "TB_PING_COUNT",
        hide_env_values = true,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(super) count: Option<u64>,

    /// Time from one request to the next: seconds, or `500ms`
    #[arg(
        short,
        long,
        value_name = "TIME",
        env = "TB_PING_INTERVAL",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true,
        default_value = "1"
    )]
    pub(super) interval: Duration,

    /// How long to wait for each answer
    #[arg(
        short = 'W',
        long,
        value_name = "TIME",
        env = "TB_PING_TIMEOUT",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true,
        default_value = "1"
    )]
    pub(super) timeout: Duration,

    #[command(flatten)]
    pub(super) family: FamilyArgs,

    #[command(flatten)]
    pub(super) format: FormatArgs<OutputFormat>,

    #[command(flatten)]
    pub(crate) verbosity: VerbosityArgs,
}
