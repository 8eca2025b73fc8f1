use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueHint};
use turn_balance::{Limits, Prefix, ServerLabel};

use super::choices::{StrategyArg, TransportArg, VerifyArg};
use super::comma_separated::CommaSeparated;
use super::family::FamilyArgs;
use super::target::RootTarget;
use super::time;

/// Whom to ask, and how.
#[derive(Debug, Args)]
pub(crate) struct DescentArgs {
    #[arg(help = "Roots to ask, all at once: HOST[:PORT], IPv6 in brackets, a domain with SRV records _tb._udp, or https://HOST[:PORT][/PATH] [default: 127.0.0.1:3001]", 
        value_name = "SERVER",
        env = "TB_SERVER",
        hide_env_values = true,
        value_hint = ValueHint::Hostname
    )]
    servers: Vec<CommaSeparated<RootTarget>>,

    /// How long to try: seconds, `500ms` or `1m`
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

    /// By which means to ask
    #[arg(long, env = "TB_TRANSPORT", hide_env_values = true, default_value = "auto")]
    pub(crate) transport: TransportArg,

    /// File of certificates (PEM) that those of https roots, and of TURN servers by TLS, may be signed
    /// with, in place of the system's
    #[arg(
        long,
        value_name = "FILE",
        env = "TB_CA_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    pub(crate) ca_file: Option<PathBuf>,

    /// How to choose
    #[arg(long, env = "TB_STRATEGY", hide_env_values = true, default_value = "best")]
    pub(crate) strategy: StrategyArg,

    /// Whether the TURN servers themselves are asked at the end, with STUN Binding
    #[arg(long, env = "TB_VERIFY", hide_env_values = true, default_value = "on")]
    pub(crate) verify: VerifyArg,

    /// Ask addresses in these prefixes too, wherever they are listed, such as 10.0.0.0/8
    #[arg(long, value_name = "CIDR", env = "TB_ALLOW", hide_env_values = true)]
    allow: Vec<CommaSeparated<Prefix>>,

    #[arg(
        help = "The same for all private addresses: a root on the internet may list a network of one's own",
        long,
        env = "TB_ALLOW_PRIVATE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    allow_private: bool,

    #[arg(
        help = "Labels that a TURN server must have, KEY=VALUE: one of each key; `name=` is what it is called",
        long,
        value_name = "LABEL",
        env = "TB_REQUIRE",
        hide_env_values = true
    )]
    require: Vec<CommaSeparated<ServerLabel>>,

    #[arg(
        help = "Labels that it had better have: who has more of them is better, however far it is",
        long,
        value_name = "LABEL",
        env = "TB_PREFER",
        hide_env_values = true
    )]
    prefer: Vec<CommaSeparated<ServerLabel>>,

    #[arg(
        help = "Labels that neither it nor a server above it may have, and names that nobody on the way may",
        long,
        value_name = "LABEL",
        env = "TB_EXCLUDE",
        hide_env_values = true
    )]
    exclude: Vec<CommaSeparated<ServerLabel>>,

    #[command(flatten)]
    pub(crate) family: FamilyArgs,
}

impl DescentArgs {
    /// What descents may send, and where to.
    pub(crate) fn limits(&self) -> Limits {
        let allow = self.allow.iter().flat_map(|CommaSeparated(prefixes)| prefixes).copied();
        Limits::default().allow(allow).allow_private(self.allow_private)
    }

    /// What is required, preferred and excluded.
    pub(crate) fn policy(&self) -> [Vec<ServerLabel>; 3] {
        [&self.require, &self.prefer, &self.exclude]
            .map(|lists| lists.iter().flat_map(|CommaSeparated(labels)| labels).cloned().collect())
    }

    /// Whether TURN servers are to be asked themselves.
    pub(crate) fn verifies(&self) -> bool {
        match self.verify {
            VerifyArg::Off => false,
            VerifyArg::On => self.strategy == StrategyArg::Best,
            VerifyArg::Require => true,
        }
    }

    /// Whether they were, and the one that was chosen has not answered.
    pub(crate) fn is_verified_in_vain(&self, verified: Option<bool>) -> bool {
        self.verifies() && verified == Some(false)
    }

    /// The roots; the default one where none was named.
    pub(crate) fn roots(&self) -> Vec<RootTarget> {
        if self.is_default() {
            return vec![RootTarget::default()];
        }
        self.servers.iter().flat_map(|CommaSeparated(servers)| servers).cloned().collect()
    }

    /// Whether the roots are the caller's own choice.
    pub(crate) fn is_default(&self) -> bool {
        self.servers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cmd::args::RootPlace;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        descent: DescentArgs,
    }

    fn parse(words: &[&str]) -> Line {
        Line::try_parse_from(["tb"].iter().chain(words)).unwrap()
    }

    #[test]
    fn no_server_is_the_one_on_this_machine() {
        let line = parse(&[]);
        assert!(line.descent.is_default());
        assert_eq!(line.descent.roots()[0].to_string(), "127.0.0.1:3001");
        assert_eq!(line.descent.timeout, Duration::from_secs(10));
    }

    #[test]
    fn servers_are_called_what_their_user_calls_them() {
        let roots = parse(&["198.51.100.7", "[2001:db8::1]:3002"]).descent.roots();
        assert_eq!(roots[0].to_string(), "198.51.100.7");
        assert_eq!(roots[0].at, RootPlace::Udp("198.51.100.7:3001".parse().unwrap()));
        assert_eq!(roots[1].to_string(), "[2001:db8::1]:3002");
        let roots = parse(&["198.51.100.7,198.51.100.8"]).descent.roots();
        assert_eq!(roots.len(), 2);
        let roots = parse(&["198.51.100.7,https://root.example/"]).descent.roots();
        assert_eq!(roots[1].at, RootPlace::Https("https://root.example/".parse().unwrap()));
        assert_eq!(roots[1].to_string(), "https://root.example/");
        for (text, why) in [
            ("http://root.example", "`http://root.example` is not secure, expected `https://`"),
            ("udp://root.example", "`udp://root.example` is a URL, expected `root.example`"),
        ] {
            let error = Line::try_parse_from(["tb", text]).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_lists_may_name_besides() {
        assert_eq!(parse(&[]).descent.limits(), Limits::default());
        let words = ["--allow", "10.0.0.0/8,fd00::/8", "--allow", "127.0.0.1", "--allow-private"];
        let limits = parse(&words).descent.limits();
        let allow: Vec<_> = limits.allow.iter().map(Prefix::to_string).collect();
        assert_eq!(allow, ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"]);
        assert!(limits.allow_private);
        let error = Line::try_parse_from(["tb", "--allow", "10.1.2.3/8"]).unwrap_err().to_string();
        let expected = "error: invalid value '10.1.2.3/8' for '--allow <CIDR>': it has bits beyond \
                        its length: 10.0.0.0/8 is meant";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn labels_are_given_one_by_one_or_with_commas_between() {
        let words =
            ["--require", "region=eu,region=us", "--exclude", "name=fra-b", "--require", "a=1"];
        let policy = parse(&words).descent.policy();
        let texts =
            policy.map(|labels| labels.iter().map(ServerLabel::to_string).collect::<Vec<_>>());
        assert_eq!(texts, [vec!["region=eu", "region=us", "a=1"], vec![], vec!["name=fra-b"]]);
        let error = Line::try_parse_from(["tb", "--prefer", "gold"]).unwrap_err().to_string();
        let expected = "error: invalid value 'gold' for '--prefer <LABEL>': a label is `KEY=VALUE`";
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
}
