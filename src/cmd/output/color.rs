use std::env;
use std::ffi::OsString;
use std::io;

use clap::{ColorChoice, ValueEnum as _};

/// Decides about colour, for everything that is printed from now on.
pub(crate) fn choose(color: ColorChoice) {
    match color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Decides as the command line seems to want it. For one that cannot be parsed.
pub(crate) fn guess() {
    let words = env::args_os().filter_map(|word| word.into_string().ok());
    choose(wanted(words, env::var_os("TB_COLOR")));
}

/// Whether stderr gets colour.
pub(crate) fn on_stderr() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

fn wanted(words: impl Iterator<Item = String>, variable: Option<OsString>) -> ColorChoice {
    let mut wanted = variable.and_then(|value| value.into_string().ok());
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        if let Some(when) = word.strip_prefix("--color=") {
            wanted = Some(when.to_owned());
        } else if word == "--color" {
            wanted = words.peek().cloned();
        }
    }
    wanted.and_then(|when| ColorChoice::from_str(&when, false).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_outweighs_the_variable() {
        let wanted = |line: &str, variable: Option<&str>| {
            let words = line.split(' ').map(str::to_owned);
            wanted(words, variable.map(OsString::from))
        };
        assert_eq!(wanted("tb prob", None), ColorChoice::Auto);
        assert_eq!(wanted("tb prob", Some("always")), ColorChoice::Always);
        assert_eq!(wanted("tb --color never prob", Some("always")), ColorChoice::Never);
        assert_eq!(wanted("tb prob --color=always", None), ColorChoice::Always);
        assert_eq!(wanted("tb prob --color", None), ColorChoice::Auto);
        assert_eq!(wanted("tb --color=pink", None), ColorChoice::Auto);
    }
}
