use std::error::Error;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use turn_balance::{ConfigError, Diagnostic, escaped};

/// Everything that is wrong with a configuration, with the text underlined; ends with a newline.
pub(crate) fn config_error(error: &ConfigError, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    if let Some(cause) = error.source() {
        let title = Level::ERROR.primary_title(error.to_string());
        let title = renderer.render(&[Group::with_title(title)]);
        return format!("{title}\n  Caused by: {}\n", escaped(&cause.to_string()));
    }
    let blocks = error.diagnostics().iter().map(|diagnostic| block(&renderer, error, diagnostic));
    blocks.collect::<Vec<_>>().join("\n")
}

/// A text without the control characters that the renderer lets pass: a terminal takes U+009B for
/// the beginning of an order. What stands for them is as long, so that no label moves.
fn without_c1(text: &str) -> String {
    text.replace(|c| ('\u{80}'..='\u{9f}').contains(&c), "\u{bf}")
}

/// The sentence, the text it is about, and after a blank line the advice.
fn block(renderer: &Renderer, error: &ConfigError, diagnostic: &Diagnostic) -> String {
    let mut group = Group::with_title(Level::ERROR.primary_title(diagnostic.message()));
    if !diagnostic.labels().is_empty() {
        let kinds =
            [AnnotationKind::Primary].into_iter().chain(std::iter::repeat(AnnotationKind::Context));
        let annotations = diagnostic.labels().iter().zip(kinds).map(|(label, kind)| {
            let note = Some(label.note()).filter(|note| !note.is_empty());
            kind.span(label.span()).label(note)
        });
        let origin = escaped(error.origin());
        let text = without_c1(error.text());
        let snippet = Snippet::source(text).path(origin).annotations(annotations);
        group = group.element(snippet);
    }
    let mut block = renderer.render(&[group]) + "\n";
    if let Some(hint) = diagnostic.hint() {
        let hint = Level::HELP.with_name("hint").secondary_title(hint);
        block += &format!("\n{}\n", renderer.render(&[Group::with_title(hint)]));
    }
    block
}

#[cfg(test)]
mod tests {
    use turn_balance::Config;

    use super::*;

    fn rendered(text: &str) -> String {
        let error = Config::parse(text, "balance.toml").unwrap_err();
        config_error(&error, false)
    }

    #[test]
    fn an_unknown_field_with_a_hint() {
        let text = "# A leaf.\n\n\n[turn]\nbinds = \"203.0.113.52:3478\"\n";
        let expected = r#"error: unknown field `binds`, expected `bind`, `check`, `capacity`, `weight`, `load`, `health`, `user`, `password-file`, `secret-file`, `ca-file` or `urls`
 --> balance.toml:5:1
  |
5 | binds = "203.0.113.52:3478"
  | ^^^^^

hint: did you mean `bind`?
"#;
        assert_eq!(rendered(text), expected);
    }

    #[test]
    fn two_places_on_two_lines() {
        let text = r#"[net]
bind = "127.0.0.1:3001"

[cluster]
nodes = [
    "203.0.113.12:3001",
    # itself:
    "127.0.0.1:3001",
]
"#;
        let expected = r#"error: node `127.0.0.1:3001` is this server itself
 --> balance.toml:8:5
  |
2 | bind = "127.0.0.1:3001"
  |        ---------------- it listens here
...
8 |     "127.0.0.1:3001",
  |     ^^^^^^^^^^^^^^^^
"#;
        assert_eq!(rendered(text), expected);
    }

    #[test]
    fn several_errors_with_a_blank_line_between() {
        let text = "net.bind = 127.0.0.1:3001\r\nlog.level = \"é\" # é\r\nturn.bind = ";
        let expected = r#"error: invalid float, expected nothing
 --> balance.toml:1:17
  |
1 | net.bind = 127.0.0.1:3001
  |                 ^^^^^^^^^

hint: put it in quotes: `"127.0.0.1:3001"`

error: unknown level `é`, expected `error`, `warn`, `info`, `debug` or `trace`
 --> balance.toml:2:13
  |
2 | log.level = "é" # é
  |             ^^^

error: string values must be quoted, expected literal string
 --> balance.toml:3:13
  |
3 | turn.bind = 
  |             ^
"#;
        assert_eq!(rendered(text), expected);
    }

    #[test]
    fn too_many_errors() {
        let rendered = rendered(&"x y\n".repeat(1000));
        assert!(rendered.ends_with("\n\nerror: 900 more errors are not shown\n"));
    }

    #[test]
    fn a_configuration_without_text() {
        let mut config = Config::default();
        config.turn.bind = vec!["0.0.0.0:3478".parse().unwrap()];
        let expected = "error: turn address `0.0.0.0:3478` is unspecified\n\n\
                        hint: write the address that others reach it at\n";
        assert_eq!(config_error(&config.validate().unwrap_err(), false), expected);
    }

    #[test]
    fn a_file_that_cannot_be_read() {
        let error = Config::load("no-such-folder/balance.toml").unwrap_err();
        let expected = "error: cannot read `no-such-folder/balance.toml`\n  \
                        Caused by: No such file or directory (os error 2)\n";
        assert_eq!(config_error(&error, false), expected);
    }

    #[test]
    fn colour_only_repeats() {
        let error = Config::parse("nett = 1", "balance.toml").unwrap_err();
        let colored = config_error(&error, true);
        let stripped = anstream::adapter::strip_str(&colored).to_string();
        assert_ne!(colored, stripped);
        assert_eq!(stripped, config_error(&error, false));
    }

    #[test]
    fn odd_texts_are_drawn() {
        for text in ["\u{feff}é = 1", "🙂 = 'x'", "\t\tx = 1", "x =", "x = \"\"\"\na\nb", "x\u{1}"]
        {
            assert!(rendered(text).starts_with("error: "), "{text:?}");
        }
    }
}
