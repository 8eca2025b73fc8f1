use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use turn_balance::TurnCredentials;

use crate::cmd::args::{
    DescentArgs, FormatArgs, GivenLogin, OutputFormat, TurnLoginArgs, VerbosityArgs, time,
};
use crate::cmd::output::CommandError;
use crate::cmd::report::Problem;

/// How long minted credentials are good: what the draft recommends, so that a long call can go on.
const TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// How many runners-up are printed: browsers test all that they are given.
const RUNNERS_UP: u8 = 1;

/// How many `--watch` can name: it measures each every 5 s.
const MOST_WATCHED: u8 = 7;

/// Print the address of the best TURN server, or what a WebRTC client needs for it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  turn=$(tb probe root.example) || exit\n  \
        tb probe --format ice --turn-secret-file turn.secret root.example\n  \
        tb probe --watch root.example | while read turn; do echo \"use $turn\"; done\n\nExit codes:\n  \
        0  a TURN server was found, or --watch ends after one was\n  \
        1  nothing answered, or only dead ends did\n  \
        2  could not ask: usage, a file, name lookup, socket")]
pub(crate) struct ProbeArgs {
    #[command(flatten)]
    pub(super) descent: DescentArgs,

    #[command(flatten)]
    pub(super) format: FormatArgs<ProbeFormat>,

    /// With --format ice or gst: how many runners-up to wait for and to print behind the best: 1 if left out; with --watch 7 at most
    #[arg(long, value_name = "N", env = "TB_PROBE_COUNT", hide_env_values = true)]
    count: Option<u8>,

    #[arg(
        help = "Stay: measure the choice every 5 s beside two that stand by, and print again whenever another is to be used, or named",
        long,
        env = "TB_PROBE_WATCH",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub(super) watch: bool,

    #[command(flatten)]
    credentials: TurnLoginArgs,

    /// With --turn-secret-file: how long the credentials are good: 24h if left out
    #[arg(
        long,
        value_name = "TIME",
        env = "TB_TURN_TTL",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true
    )]
    ttl: Option<Duration>,

    #[command(flatten)]
    pub(crate) verbosity: VerbosityArgs,
}

/// What `tb probe` can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProbeFormat {
    /// The address alone
    Text,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
    /// An RTCConfiguration for WebRTC clients, in JSON
    Ice,
    /// URIs for GStreamer's webrtcbin, one a line
    Gst,
    /// Variables for a shell
    Env,
}

impl From<OutputFormat> for ProbeFormat {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Text => Self::Text,
            OutputFormat::Json => Self::Json,
            OutputFormat::Jsonl => Self::Jsonl,
        }
    }
}

impl ProbeFormat {
    /// Whether it is for a WebRTC client, and how the TURN servers are reached is to be asked.
    pub(super) fn is_for_a_client(self) -> bool {
        matches!(self, Self::Ice | Self::Gst | Self::Env)
    }
}

impl ProbeArgs {
    /// How many runners-up to print.
    pub(super) fn runners_up(&self) -> usize {
        match self.format.get() {
            ProbeFormat::Ice | ProbeFormat::Gst => self.count.unwrap_or(RUNNERS_UP).into(),
            _ => 0,
        }
    }

    /// Reads who the WebRTC client is to be; `None`: that was not said.
    ///
    /// # Errors
    /// Where the flags contradict one another, or a file cannot be used.
    pub(super) fn login(&self) -> Result<Option<GivenLogin>, CommandError> {
        let format = self.format.get();
        let wrong = |message: &str| Err(Problem::usage(message).into());
        if !format.is_for_a_client() && (self.credentials.is_given() || self.ttl.is_some()) {
            return wrong("credentials are printed with `--format ice`, `gst` or `env` alone");
        }
        if self.count.is_some() && !matches!(format, ProbeFormat::Ice | ProbeFormat::Gst) {
            return wrong("`--count` is for `--format ice` and `gst`, which can hold several");
        }
        if self.watch && self.count.is_some_and(|count| count > MOST_WATCHED) {
            return wrong("`--watch` names 7 runners-up at most: `--count` asks for more");
        }
        if self.ttl.is_some() && !self.credentials.is_minted() {
            return wrong("only minted credentials end: `--ttl` needs `--turn-secret-file`");
        }
        self.credentials.read()
    }

    /// Its credentials; minted ones are good from now on.
    pub(super) fn credentials(&self, login: Option<&GivenLogin>) -> Option<TurnCredentials> {
        let ttl = self.ttl.unwrap_or(TTL);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Of the second that has begun the rest is theirs.
        let expiry = (now + ttl).as_secs() + 1;
        login.map(|login| login.credentials(expiry))
    }
}
