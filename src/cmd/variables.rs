//! The command line, and the variables that stand for what was not typed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::{env, iter};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{
    Arg, ArgMatches, Command, CommandFactory as _, Error, FromArgMatches as _, Parser as _,
};

use turn_balance::escaped;

use super::cli::Cli;
use super::idle::{CommandLine, is_blank};

/// Values by the names of their variables.
type Variables = BTreeMap<String, OsString>;

/// Reads the command line and the environment.
pub(crate) fn read() -> Result<Cli, Error> {
    if env::vars_os().all(|(name, _)| !name.as_encoded_bytes().starts_with(b"TB_")) {
        return Cli::try_parse();
    }
    let words: Vec<_> = env::args_os().collect();
    parse(&words, |name| env::var_os(name))
}

/// Reads the words first, then the variables that still have something to say. So it is clear which
/// of them is wrong where one is.
fn parse(words: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> Result<Cli, Error> {
    let typed = match matches(words, &Variables::new()) {
        Ok(typed) => typed,
        // Help, which names the variables.
        Err(error) if !error.use_stderr() => return Cli::try_parse_from(words),
        Err(error) => return Err(error),
    };
    let variables = wanted(&typed, variable);
    let all = matches(words, &variables).map_err(|error| blame(words, &variables, error))?;
    Cli::from_arg_matches(&all)
}

/// What the words come to, with these values for options that have such a variable.
fn matches(words: &[OsString], variables: &Variables) -> Result<ArgMatches, Error> {
    with_arguments(Cli::command(), &|arg| {
        let value = name(&arg).and_then(|name| variables.get(name)).cloned();
        let arg = arg.env(None::<&str>);
        match value {
            Some(value) => arg.default_value(value),
            None => arg,
        }
    })
    .try_get_matches_from(words)
}

fn with_arguments(command: Command, change: &impl Fn(Arg) -> Arg) -> Command {
    command.mut_args(change).mut_subcommands(|command| with_arguments(command, change))
}

fn name(arg: &Arg) -> Option<&str> {
    arg.get_env().and_then(OsStr::to_str)
}

/// The variables of the command that are set, not blank, and not outweighed.
fn wanted(all: &ArgMatches, variable: impl Fn(&str) -> Option<OsString>) -> Variables {
    let root = Cli::command();
    let sub = all.subcommand().and_then(|(name, typed)| Some((root.find_subcommand(name)?, typed)));
    let levels = iter::once((&root, all)).chain(sub);
    let args =
        levels.flat_map(|(command, typed)| command.get_arguments().map(move |arg| (arg, typed)));
    let value = |(arg, typed): (&Arg, &ArgMatches)| {
        let name = name(arg)?;
        let value = variable(name).filter(|value| !is_blank(value))?;
        let id = arg.get_id().as_str();
        let before = by_words_before(id).iter().any(|id| is_typed(id, all));
        let idle = CommandLine::new(typed, &variable).is_idle(id);
        (!before && !idle && !is_outweighed(id, &value, typed)).then(|| (name.to_owned(), value))
    };
    args.filter_map(value).collect()
}

/// What outweighs a variable where it stands before the command: `tb -v probe` is `tb probe -v`.
fn by_words_before(id: &str) -> &'static [&'static str] {
    match id {
        "quiet" | "verbose" => &["quiet", "verbose"],
        _ => &[],
    }
}

fn is_typed(id: &str, typed: &ArgMatches) -> bool {
    raw(id, typed).is_some() && typed.value_source(id) == Some(ValueSource::CommandLine)
}

fn raw<'a>(id: &str, typed: &'a ArgMatches) -> Option<&'a OsStr> {
    typed.try_get_raw(id).ok().flatten().and_then(|mut values| values.next())
}

/// Whether what was typed leaves the value of a variable nothing to say.
fn is_outweighed(id: &str, value: &OsStr, typed: &ArgMatches) -> bool {
    let is_typed = |id: &str| is_typed(id, typed);
    // A tree shows one descent.
    let is_tree = |value: &OsStr| value == "dot" || value == "mermaid";
    let by_another = match id {
        "format" => is_typed("json") || is_tree(value) && is_typed("count"),
        "count" => raw("format", typed).is_some_and(is_tree),
        "family" => is_typed("ipv4") || is_typed("ipv6"),
        "quiet" => is_typed("verbose"),
        "verbose" => is_typed("quiet") || is_typed("log_level"),
        "turn_password_file" => is_typed("turn_secret_file"),
        "turn_secret_file" => is_typed("turn_password_file"),
        _ => false,
    };
    by_another || is_typed(id)
}

/// Names the variable that is wrong, not the option that nobody typed.
fn blame(words: &[OsString], variables: &Variables, error: Error) -> Error {
    for (name, value) in variables {
        let alone = Variables::from([(name.clone(), value.clone())]);
        if let Err(mut error) = matches(words, &alone) {
            if error.kind() == ErrorKind::InvalidUtf8 {
                let value = escaped(&value.to_string_lossy());
                let text = format!("invalid value '{value}' for '{name}': it is not UTF-8");
                return Cli::command().error(ErrorKind::InvalidUtf8, text);
            }
            error.insert(ContextKind::InvalidArg, ContextValue::String(name.clone()));
            return error;
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What they come to, or what is wrong.
    fn parsed(line: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        let value = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        parse(&words, value).map(|cli| format!("{cli:?}")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_blank_variable_is_none() {
        let root = Cli::command();
        for command in root.get_subcommands() {
            let line = format!("tb {}", command.get_name());
            for name in root.get_arguments().chain(command.get_arguments()).filter_map(name) {
                for blank in ["", " ", "\r\n"] {
                    let with = parsed(&line, &[(name, blank)]);
                    assert_eq!(with, parsed(&line, &[]), "{line}: {name}={blank:?}");
                }
            }
        }
    }

    #[test]
    fn a_bad_variable_is_named_with_its_value() {
        let root = Cli::command();
        for command in root.get_subcommands() {
            let shell = if command.get_name() == "completions" { " bash" } else { "" };
            let line = format!("tb {}{shell}", command.get_name());
            for name in root.get_arguments().chain(command.get_arguments()).filter_map(name) {
                // Any text is a path, or a user.
                if ["TB_CONFIG", "TB_CA_FILE", "TB_ADMIN_TOKEN_FILE"].contains(&name)
                    || name.starts_with("TB_TURN_")
                {
                    continue;
                }
                // That of other formats says nothing.
                let of_ice = if name == "TB_PROBE_COUNT" { " --format ice" } else { "" };
                let line = format!("{line}{of_ice}");
                let error = parsed(&line, &[(name, "/?")]);
                let expected = format!("error: invalid value '/?' for '{name}'");
                let error = error.expect_err(name);
                assert!(error.starts_with(&expected), "{line}: {error}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn one_that_is_no_text_is_named_too() {
        use std::os::unix::ffi::OsStringExt as _;
        let value =
            |name: &str| (name == "TB_SERVER").then(|| OsString::from_vec(vec![b'a', 0xff]));
        let error = parse(&["tb".into(), "trace".into()], value).unwrap_err().to_string();
        assert!(
            error.starts_with("error: invalid value 'a\u{fffd}' for 'TB_SERVER': it is"),
            "{error}"
        );
    }

    #[test]
    fn what_stands_before_the_command_outweighs_a_variable_too() {
        for (line, variable, value) in [
            ("tb -v probe", "TB_QUIET", "1"),
            ("tb -v trace", "TB_QUIET", "no number"),
            ("tb -q ping", "TB_VERBOSE", "no number"),
        ] {
            assert_eq!(parsed(line, &[(variable, value)]), parsed(line, &[]), "{line}");
        }
    }

    #[test]
    fn a_variable_is_as_good_as_its_option() {
        for (line, variable, value, typed) in [
            ("tb probe", "TB_SERVER", "192.0.2.1, [2001:db8::1] ,\r", "192.0.2.1 [2001:db8::1]"),
            ("tb ping", "TB_SERVER", " ,192.0.2.1, 192.0.2.2", "192.0.2.1"),
            ("tb probe", "TB_TIMEOUT", "500ms", "--timeout 500ms"),
            (
                "tb probe",
                "TB_ALLOW",
                "10.0.0.0/8, fd00::/8,",
                "--allow 10.0.0.0/8 --allow fd00::/8",
            ),
            ("tb probe", "TB_ALLOW_PRIVATE", "yes", "--allow-private"),
            ("tb probe", "TB_QUIET", "2", "-qq"),
            ("tb trace", "TB_FORMAT", "dot", "--format dot"),
            ("tb trace", "TB_TRACE_COUNT", "3", "-c 3"),
            ("tb probe", "TB_COLOR", "always", "--color always"),
            (
                "tb serve",
                "TB_BIND",
                "127.0.0.1:1,127.0.0.1:2\r\n",
                "--bind 127.0.0.1:1 --bind 127.0.0.1:2",
            ),
            ("tb serve", "TB_CONFIG", "a file", "-c a_file"),
            ("tb serve", "TB_LOG_LEVEL", "debug", "--log-level debug"),
        ] {
            let flat = |text: Result<String, String>| {
                text.map(|text| {
                    text.replace("a file", "a_file").replace("]), CommaSeparated([", ", ")
                })
            };
            let (read, said) =
                (parsed(line, &[(variable, value)]), parsed(&format!("{line} {typed}"), &[]));
            assert_eq!(flat(read), flat(said), "{variable}");
        }
    }

    #[test]
    fn what_is_typed_outweighs_variables_good_or_bad() {
        for (line, variable, values) in [
            ("tb probe --json", "TB_FORMAT", ["dot", "text", "?"]),
            ("tb probe --format jsonl", "TB_FORMAT", ["dot", "text", "?"]),
            ("tb trace --json", "TB_FORMAT", ["dot", "text", "?"]),
            ("tb trace -c 3", "TB_FORMAT", ["dot", "mermaid", ""]),
            ("tb trace --format dot", "TB_TRACE_COUNT", ["1", "2", "?"]),
            ("tb probe -v", "TB_QUIET", ["1", "2", "?"]),
            ("tb probe -q", "TB_VERBOSE", ["1", "2", "?"]),
            ("tb serve --log-level warn", "TB_VERBOSE", ["1", "2", "?"]),
            ("tb probe -4", "TB_FAMILY", ["6", "4", "?"]),
            ("tb probe --family 6", "TB_FAMILY", ["4", "6", "?"]),
            ("tb probe 192.0.2.1", "TB_SERVER", ["192.0.2.2", "", "?"]),
            ("tb --color never probe", "TB_COLOR", ["always", "", "?"]),
            ("tb probe --color never", "TB_COLOR", ["always", "", "?"]),
        ] {
            for value in values {
                let with = parsed(line, &[(variable, value)]);
                assert_eq!(with, parsed(line, &[]), "{line}: {variable}={value}");
            }
        }
        // What is typed wrong is told so, whatever the variables say.
        let error = parsed("tb probe --timeout x", &[("TB_TIMEOUT", "y"), ("TB_FORMAT", "z")]);
        assert!(error.unwrap_err().starts_with("error: invalid value 'x' for '--timeout <TIME>'"));
    }

    #[test]
    fn what_is_set_for_one_command_line_makes_no_other_wrong() {
        let all = [
            ("TB_TURN_USER", "u"),
            ("TB_TURN_PASSWORD_FILE", "p"),
            ("TB_TURN_SECRET_FILE", "s"),
            ("TB_TURN_TTL", "1h"),
            ("TB_TURN_CA_FILE", "c"),
            ("TB_PROBE_COUNT", "3"),
        ];
        for (line, heard) in [
            ("tb probe", &[][..]),
            ("tb probe --json", &[]),
            ("tb probe --format ice", &["TB_PROBE_COUNT"]),
            ("tb probe --format env", &[]),
            (
                "tb probe --format env --turn-user u",
                &["TB_TURN_PASSWORD_FILE", "TB_TURN_SECRET_FILE"],
            ),
            ("tb probe --format env --turn-password-file p", &["TB_TURN_USER"]),
            ("tb probe --format env --turn-secret-file s", &["TB_TURN_USER", "TB_TURN_TTL"]),
            ("tb ping", &[]),
            ("tb ping root.example", &[]),
            ("tb ping stun:turn.example", &[]),
            ("tb ping stuns:turn.example", &["TB_TURN_CA_FILE"]),
            (
                "tb ping turn:turn.example --turn-user u",
                &["TB_TURN_PASSWORD_FILE", "TB_TURN_SECRET_FILE"],
            ),
            (
                "tb ping turns:turn.example --turn-secret-file s",
                &["TB_TURN_USER", "TB_TURN_CA_FILE"],
            ),
        ] {
            for (name, value) in all {
                let own = ["TB_TURN_SECRET_FILE"].contains(&name) && !line.contains("--turn-");
                let of_client = line.contains("--format") || line.contains("ping turn");
                let is_heard = heard.contains(&name) || own && of_client;
                let differs = parsed(line, &[(name, value)]) != parsed(line, &[]);
                assert_eq!(differs, is_heard, "{line}: {name}");
            }
        }
        // One variable may be what another is for.
        let [user, password, secret, ttl, ..] = all;
        let line = "tb probe --format ice";
        let typed = |more: &str| parsed(&format!("{line} {more}"), &[]);
        assert_eq!(
            parsed(line, &[user, password, ttl]),
            typed("--turn-user u --turn-password-file p")
        );
        assert_eq!(parsed(line, &[secret, ttl]), typed("--turn-secret-file s --ttl 1h"));
        let server = ("TB_SERVER", "turn:turn.example");
        assert_eq!(
            parsed("tb ping", &[server, secret]),
            parsed("tb ping turn:turn.example --turn-secret-file s", &[])
        );
    }

    #[test]
    fn help_comes_whatever_variables_say_and_names_them() {
        let help = parsed("tb probe --help", &[("TB_TIMEOUT", "?")]).unwrap_err();
        assert!(help.contains("[env: TB_TIMEOUT]"), "{help}");
    }
}
