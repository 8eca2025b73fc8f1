/// A stranger's text, fit for a terminal: what it would take for an order, or show as nothing or in
/// another place, is written out, as `\u{1b}`.
///
/// It can be read again and again: what is escaped stays as it is.
pub fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        put(&mut escaped, c);
        escaped
    })
}

/// The same between backticks, and not endless.
pub(crate) fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 100;

    let mut quoted = String::from("`");
    for (i, c) in text.chars().enumerate() {
        if i == MAX_CHARS {
            quoted.push('…');
            break;
        }
        put(&mut quoted, c);
    }
    quoted.push('`');
    quoted
}

/// What a shell takes for an order, in a word without quotes. Hosts stand so in what is advised.
pub(super) const ORDERS: &str = "!\"#$&'()*;<>?[\\]^`{|}~";

/// A path as a word of a shell's command, fit for a terminal to show and for a paste.
#[cfg(feature = "server")]
pub(crate) fn shell_quoted(path: &std::path::Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    if let Ok(text) = str::from_utf8(bytes)
        && text == escaped(text)
    {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let word = bytes.iter().map(|byte| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    format!("$'{}'", word.collect::<String>())
}

fn put(out: &mut String, c: char) {
    match c {
        '"' | '\'' | '\\' => out.push(c),
        _ => out.extend(c.escape_debug()),
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn escaped_text_is_fit_for_a_terminal() {
        for fit in [r#"a'b"c\d"#, "/etc/é.toml", "日本", r"\u{1b}"] {
            assert_eq!(escaped(fit), fit);
        }
        for (text, expected) in [
            ("\u{1b}[31m\n\u{202e}", r"\u{1b}[31m\n\u{202e}"),
            ("\r\u{9b}2J\u{7f}\0", r"\r\u{9b}2J\u{7f}\0"),
            ("\u{200b}\u{feff}\u{e0041}", r"\u{200b}\u{feff}\u{e0041}"),
        ] {
            assert_eq!(escaped(text), expected);
            assert_eq!(escaped(expected), expected);
        }
    }

    #[test]
    fn quoted_text_ends() {
        assert_eq!(quoted(r#"a'b"c\d"#), r#"`a'b"c\d`"#);
        assert_eq!(quoted("\u{1b}[31m\n\u{202e}"), r"`\u{1b}[31m\n\u{202e}`");
        assert_eq!(quoted(&"é".repeat(101)), format!("`{}…`", "é".repeat(100)));
    }

    #[test]
    fn a_shell_reads_the_path() {
        assert_eq!(shell_quoted(Path::new("it's a key")), r"'it'\''s a key'");
        assert_eq!(shell_quoted(Path::new("a\n'\u{1b}é\\")), r"$'a\x0a\'\x1b\xc3\xa9\\'");
    }
}
