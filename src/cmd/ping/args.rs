use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueHint;
use clap::builder::BoolishValueParser;

use crate::cmd::args::{
    FamilyArgs, FormatArgs, OutputFormat, PingTarget, TurnLoginArgs, VerbosityArgs, ping_target,
    time,
};

/// Measure one balance server, or check one TURN server
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tb ping -c 4 root.example\n  \
        tb ping -c 1 turn:turn.example --turn-secret-file turn.secret\n\nExit codes:\n  \
        0  an answer came; of a TURN server, that it relays\n  \
        1  none came, or with --deadline not all of --count\n  \
        2  could not ask: usage, name lookup, socket")]
pub(crate) struct PingArgs {
    #[arg(help = "Server to ask: HOST[:PORT], IPv6 in brackets [default: 127.0.0.1:3001]; or a TURN \
            server: turn:HOST[:PORT][?transport=tcp], turns:HOST, stun:HOST, stuns:HOST",
        env = "TB_SERVER",
        hide_env_values = true,
        value_parser = ping_target,
        value_hint = ValueHint::Hostname
    )]
    pub(super) server: Option<PingTarget>,

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

    /// Time from one request to the next: seconds, `500ms` or `1m`
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

    /// After how long an answer is called missing, though it still counts: 1 s if left out; of a TURN
    /// server 5 s, and then it is given up
    #[arg(
        short = 'W',
        long,
        value_name = "TIME",
        env = "TB_PING_TIMEOUT",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true
    )]
    pub(super) timeout: Option<Duration>,

    /// Stop after this time, whatever has come
    #[arg(
        short = 'w',
        long,
        value_name = "TIME",
        env = "TB_PING_DEADLINE",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true
    )]
    pub(super) deadline: Option<Duration>,

    /// Send from this address, or by way of this interface
    #[arg(
        short = 'I',
        long,
        value_name = "FROM",
        env = "TB_PING_SOURCE",
        hide_env_values = true,
        value_hint = ValueHint::Other
    )]
    source: Option<PingSource>,

    /// Begin each line with the time of day, in seconds since 1970
    #[arg(
        short = 'D',
        long,
        env = "TB_PING_TIMESTAMPS",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub(super) timestamps: bool,

    #[command(flatten)]
    pub(super) turn: TurnLoginArgs,

    /// With turns: or stuns:: file of certificates (PEM) that the server's may be signed with, in place of the
    /// system's
    #[arg(
        long,
        value_name = "FILE",
        env = "TB_TURN_CA_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    pub(super) turn_ca_file: Option<PathBuf>,

    #[command(flatten)]
    pub(super) family: FamilyArgs,

    #[command(flatten)]
    pub(super) format: FormatArgs<OutputFormat>,

    #[command(flatten)]
    pub(crate) verbosity: VerbosityArgs,
}

impl PingArgs {
    /// Has a builder send from where it is to.
    pub(super) fn leave_from<B>(
        &self,
        builder: B,
        source: fn(B, IpAddr) -> B,
        interface: fn(B, String) -> B,
    ) -> B {
        match self.source.clone() {
            Some(PingSource::Addr(ip)) => source(builder, ip),
            Some(PingSource::OnLink(ip, name)) => interface(source(builder, ip), name),
            Some(PingSource::Interface(name)) => interface(builder, name),
            None => builder,
        }
    }

    /// What is wrong with flags that this target has no use for.
    pub(super) fn misplaced(&self, target: &PingTarget) -> Option<&'static str> {
        let (turn, secure) = match target {
            PingTarget::Balance(_) => (false, false),
            PingTarget::Turn(url) => (url.is_turn(), url.is_secure()),
        };
        if self.turn.is_given() && !turn {
            return Some("credentials are for a TURN server: `turn:HOST` or `turns:HOST`");
        }
        (self.turn_ca_file.is_some() && !secure).then_some(
            "certificates are judged inside of TLS alone: `--turn-ca-file` is for `turns:` and `stuns:`",
        )
    }
}

/// Where requests leave from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PingSource {
    Addr(IpAddr),
    /// A link-local address, and the interface that has it.
    OnLink(IpAddr, String),
    Interface(String),
}

impl FromStr for PingSource {
    type Err = &'static str;

    /// What is no address may be the name of an interface: the system knows which there are. None
    /// is longer, or has one of these in it (Linux: dev_valid_name).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(addr) = text.parse() {
            return Ok(Self::Addr(addr));
        }
        let name = |text: &str| {
            let is_name = (1..=15).contains(&text.len())
                && !text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace());
            is_name.then(|| text.to_owned())
        };
        let on_link = text.split_once('%').and_then(|(ip, link)| Some((ip.parse().ok()?, link)));
        let source = match on_link {
            Some((ip, link)) => name(link).map(|link| Self::OnLink(ip, link)),
            None => name(text).map(Self::Interface),
        };
        source.ok_or("neither an address nor the name of an interface")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_requests_leave_from() {
        let ip: IpAddr = "fe80::7".parse().unwrap();
        for (text, source) in [
            ("fe80::7", Ok(PingSource::Addr(ip))),
            ("fe80::7%eth0", Ok(PingSource::OnLink(ip, "eth0".into()))),
            ("eth0", Ok(PingSource::Interface("eth0".into()))),
            ("eth%d", Ok(PingSource::Interface("eth%d".into()))),
            ("fe80::7%", Err("neither an address nor the name of an interface")),
            ("fe80::g%eth0", Err("neither an address nor the name of an interface")),
        ] {
            assert_eq!(text.parse(), source, "{text}");
        }
    }
}
