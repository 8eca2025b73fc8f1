//! The flags that client commands share.

mod choices;
mod target;

pub(crate) use choices::{Format, Strategy, Switch, View};
pub(crate) use target::{Target, first_target};

use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum, ValueHint};
use turn_balance::{Family, Limits, Prefix};

use self::choices::Version;
use super::output::Printer;
use super::time;

/// Whom to ask, and how.
#[derive(Debug, Args)]
pub(crate) struct Reach {
    #[arg(help = "Roots to ask, all at once: HOST[:PORT], IPv6 in brackets [default: 127.0.0.1:3001]", 
        value_name = "SERVER",
        env = "TB_SERVER",
        hide_env_values = true,
        value_delimiter = ',',
        value_hint = ValueHint::Hostname
    )]
    servers: Vec<Target>,

    /// How long to try: seconds, or `500ms`
    #[arg(
        long,
        value_name = "TIME",
        env = "TB_TIMEOUT",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true,
        default_value = "10"
    )]
    pub(crate) timeout: Duration,

    /// How to choose
    #[arg(long, env = "TB_STRATEGY", hide_env_values = true, default_value = "best")]
    pub(crate) strategy: Strategy,

    /// Whether the TURN servers themselves are asked at the end, with STUN Binding
    #[arg(long, env = "TB_VERIFY", hide_env_values = true, default_value = "on")]
    pub(crate) verify: Switch,

    /// Ask addresses in these prefixes too, wherever they are listed, such as 10.0.0.0/8
    #[arg(
        long,
        value_name = "CIDR",
        env = "TB_ALLOW",
        hide_env_values = true,
        value_delimiter = ','
    )]
    allow: Vec<Prefix>,

    /// The same for all private addresses: a root on the internet may list a network of one's own
    #[arg(
        long,
        env = "TB_ALLOW_PRIVATE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    allow_private: bool,

    #[command(flatten)]
    pub(crate) family: FamilyArgs,
}

impl Reach {
    /// What descents may send, and where to.
    pub(crate) fn limits(&self) -> Limits {
        let allow = self.allow.clone();
        Limits::default().allow(allow).allow_private(self.allow_private)
    }

    /// The roots; the default one where none was named.
    pub(crate) fn roots(&self) -> Vec<Target> {
        match self.servers.as_slice() {
            [] => vec![Target::default()],
            servers => servers.to_vec(),
        }
    }

    /// Whether the roots are the caller's own choice.
    pub(crate) fn is_default(&self) -> bool {
        self.servers.is_empty()
    }
}

/// Which addresses to use.
#[derive(Debug, Args)]
pub(crate) struct FamilyArgs {
    /// Use addresses of this IP version only
    #[arg(long, value_name = "VERSION", env = "TB_FAMILY", hide_env_values = true)]
    family: Option<Version>,

    /// Short for `--family 4`
    #[arg(short = '4', conflicts_with = "ipv6")]
    ipv4: bool,

    /// Short for `--family 6`
    #[arg(short = '6')]
    ipv6: bool,
}

impl FamilyArgs {
    pub(crate) fn get(&self) -> Option<Family> {
        match self {
            Self { ipv4: true, .. } => Some(Family::V4),
            Self { ipv6: true, .. } => Some(Family::V6),
            Self { family, .. } => family.map(Family::from),
        }
    }
}

/// What the answer looks like.
#[derive(Debug, Args)]
pub(crate) struct FormatArgs<F>
where
    F: ValueEnum + From<Format> + Send + Sync + 'static,
{
    /// What to print
    #[arg(long, env = "TB_FORMAT", hide_env_values = true, default_value = "text")]
    format: F,

    /// Short for `--format json`, whatever TB_FORMAT says
    #[arg(long)] // no conflict with `format`: a variable would count as one
    json: bool,
}

impl<F> FormatArgs<F>
where
    F: ValueEnum + From<Format> + Send + Sync + 'static,
{
    pub(crate) fn get(&self) -> F {
        if self.json { Format::Json.into() } else { self.format.clone() }
    }
}

/// How much is said.
#[derive(Debug, Args)]
pub(crate) struct Talk {
    /// Only the answer and errors; twice: the exit code alone
    #[arg(short, long, env = "TB_QUIET", hide_env_values = true, action = clap::ArgAction::Count)]
    quiet: u8,

    /// Say more on stderr; twice: still more
    #[arg(short, long, env = "TB_VERBOSE", hide_env_values = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl Talk {
    pub(crate) fn printer(&self) -> Printer {
        Printer::new(self.quiet, self.verbose)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        reach: Reach,
        #[command(flatten)]
        format: FormatArgs<Format>,
    }

    fn parse(words: &[&str]) -> Line {
        Line::try_parse_from(["tb"].iter().chain(words)).unwrap()
    }

    #[test]
    fn no_server_is_the_one_on_this_machine() {
        let line = parse(&[]);
        assert!(line.reach.is_default());
        assert_eq!(line.reach.roots()[0].to_string(), "127.0.0.1:3001");
        assert_eq!(line.reach.timeout, Duration::from_secs(10));
    }

    #[test]
    fn servers_are_called_what_their_user_calls_them() {
        let roots = parse(&["198.51.100.7", "[2001:db8::1]:3002"]).reach.roots();
        assert_eq!(roots[0].to_string(), "198.51.100.7");
        assert_eq!(roots[0].endpoint.to_string(), "198.51.100.7:3001");
        assert_eq!(roots[1].to_string(), "[2001:db8::1]:3002");
        let roots = parse(&["198.51.100.7,198.51.100.8"]).reach.roots();
        assert_eq!(roots.len(), 2);
    }

    #[test]
    fn what_lists_may_name_besides() {
        assert_eq!(parse(&[]).reach.limits(), Limits::default());
        let words = ["--allow", "10.0.0.0/8,fd00::/8", "--allow", "127.0.0.1", "--allow-private"];
        let limits = parse(&words).reach.limits();
        let allow: Vec<_> = limits.allow.iter().map(Prefix::to_string).collect();
        assert_eq!(allow, ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"]);
        assert!(limits.allow_private);
        let error = Line::try_parse_from(["tb", "--allow", "10.1.2.3/8"]).unwrap_err().to_string();
        let expected = "error: invalid value '10.1.2.3/8' for '--allow <CIDR>': it has bits beyond \
                        its length: 10.0.0.0/8 is meant";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn a_negative_timeout_is_called_a_bad_time() {
        let error = Line::try_parse_from(["tb", "--timeout", "-4"]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("error: invalid value '-4' for '--timeout <TIME>': a time is"),
            "{text}"
        );
    }

    #[test]
    fn short_for_a_family() {
        assert_eq!(parse(&[]).reach.family.get(), None);
        assert_eq!(parse(&["-4"]).reach.family.get(), Some(Family::V4));
        assert_eq!(parse(&["-6"]).reach.family.get(), Some(Family::V6));
        assert_eq!(parse(&["--family", "6"]).reach.family.get(), Some(Family::V6));
        // As when TB_FAMILY says 6.
        assert_eq!(parse(&["--family", "6", "-4"]).reach.family.get(), Some(Family::V4));
    }

    #[test]
    fn short_for_a_format() {
        assert_eq!(parse(&[]).format.get(), Format::Text);
        assert_eq!(parse(&["--format", "jsonl"]).format.get(), Format::Jsonl);
        assert_eq!(parse(&["--json"]).format.get(), Format::Json);
        // As when TB_FORMAT says text.
        let line = parse(&["--format", "text", "--json"]);
        assert_eq!(line.format.get(), Format::Json);
    }
}
