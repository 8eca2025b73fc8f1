//! The parser's complaints, without the noise that follows from them.

use std::ops::{Range, RangeInclusive};

use crate::config::diagnostic::Diagnostic;
use crate::types::Endpoint;

/// Adds the syntax errors and takes back what was said of text that they make unreadable.
///
/// Of each line the first error counts, the others follow from it; and the last of all, which
/// tells what was never closed.
pub(super) fn merge(
    text: &str,
    mut errors: Vec<toml::de::Error>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    errors.sort_by_key(start);
    let last = errors.pop();
    errors.dedup_by_key(|error| line(text, start(error)).start);
    errors.extend(last);

    let shadows: Vec<_> = errors.iter().map(|error| shadow(text, start(error))).collect();
    diagnostics.retain(|diagnostic| {
        let start = diagnostic.start();
        !shadows.iter().any(|shadow| shadow.contains(&start))
    });
    diagnostics.extend(errors.iter().map(|error| {
        let diagnostic = Diagnostic::at(error.span().unwrap_or_default(), error.message());
        match missing_quotes(&text[line(text, start(error))]) {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        }
    }));
}

fn start(error: &toml::de::Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

/// What cannot be judged beside a syntax error: its line and, when that is the header of a
/// section, the section.
fn shadow(text: &str, at: usize) -> RangeInclusive<usize> {
    let Range { start, end } = line(text, at);
    if !text[start..end].trim_start().starts_with('[') {
        return start..=end;
    }
    let next = text[end..].find("\n[");
    start..=next.map_or(text.len(), |next| end + next)
}

/// The line around a byte of the text.
fn line(text: &str, at: usize) -> Range<usize> {
    let (before, after) = text.as_bytes().split_at(at);
    let is_newline = |byte: &u8| *byte == b'\n';
    let start = before.iter().rposition(is_newline).map_or(0, |newline| newline + 1);
    let end = after.iter().position(is_newline).map_or(text.len(), |newline| at + newline);
    start..end
}

/// Advice for the likeliest slip, an address or a word without quotes.
fn missing_quotes(line: &str) -> Option<String> {
    let (_, value) = line.split_once('=')?;
    let value = value.split('#').next().unwrap_or(value).trim();
    value.parse::<Endpoint>().ok()?;
    Some(format!("put it in quotes: `\"{value}\"`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Config;

    /// The text at which something is wrong, in its order.
    fn offenders(text: &str) -> Vec<&str> {
        let error = Config::parse(text, "").unwrap_err();
        error.diagnostics().iter().map(|bad| &text[bad.labels()[0].span()]).collect()
    }

    #[test]
    fn only_the_first_error_of_a_line_and_the_last_of_all() {
        assert_eq!(offenders("net = ['a' 'b' 'c'\n"), ["", ""]);
        assert_eq!(offenders("a b c\nd e f\n").len(), 2);
    }

    #[test]
    fn a_bad_line_hides_its_own_value_only() {
        let text = "[net]\nbind = \nname = 'a b'\n[log]\nlevel = 3";
        assert_eq!(offenders(text), ["", "'a b'", "3"]);
    }

    #[test]
    fn a_bad_header_hides_its_section_only() {
        let text = "[net]\nname = 1\n[cluster\nnode = 1\n\n[log]\nlevel = 3";
        assert_eq!(offenders(text), ["1", "", "3"]);
        assert_eq!(offenders("[cluster\nnode = 1\n"), [""]);
    }

    #[test]
    fn the_whole_is_not_judged() {
        let text = "[net\nbind = '127.0.0.1:4001'\n[cluster]\nnodes = ['127.0.0.1:3001']";
        assert_eq!(offenders(text), [""]);
    }

    #[test]
    fn quotes_are_advised_where_they_help() {
        for (line, expected) in [
            ("bind = 127.0.0.1:3001 # here", Some("put it in quotes: `\"127.0.0.1:3001\"`")),
            ("level=info", Some("put it in quotes: `\"info\"`")),
            ("bind = \"127.0.0.1", None),
            ("bind =", None),
            ("bind", None),
        ] {
            assert_eq!(missing_quotes(line).as_deref(), expected, "{line}");
        }
    }
}
