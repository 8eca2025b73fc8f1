/// A stranger's text between backticks, fit for a terminal: no control characters, not endless.
pub(crate) fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 100;

    let mut quoted = String::from("`");
    for (i, c) in text.chars().enumerate() {
        if i == MAX_CHARS {
            quoted.push('…');
            break;
        }
        match c {
            '"' | '\'' | '\\' => quoted.push(c),
            _ => quoted.extend(c.escape_debug()),
        }
    }
    quoted.push('`');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_fit_for_a_terminal() {
        assert_eq!(quoted(r#"a'b"c\d"#), r#"`a'b"c\d`"#);
        assert_eq!(quoted("\u{1b}[31m\n\u{202e}"), r"`\u{1b}[31m\n\u{202e}`");
        assert_eq!(quoted(&"é".repeat(101)), format!("`{}…`", "é".repeat(100)));
    }
}
