//! Text in a graph: what stands there may not end the text, nor be taken for markup.

/// Lines in a label of Graphviz, between double quotes.
pub(super) fn dot(lines: &[String]) -> String {
    // It reads HTML's entities everywhere.
    let plain = |line: &String| line.replace('\\', r"\\").replace('"', "\\\"");
    let text = |line: &String| plain(line).replace('&', "&amp;");
    lines.iter().map(text).collect::<Vec<_>>().join("\\n")
}

/// Lines in a label of Mermaid, between double quotes.
pub(super) fn mermaid(lines: &[String]) -> String {
    let text = |line: &String| entities(line, |c| !"\"#&<\\`".contains(c));
    lines.iter().map(text).collect::<Vec<_>>().join("<br/>")
}

/// The word at an edge of Mermaid's, between bars.
pub(super) fn mermaid_edge(word: &str) -> String {
    entities(word, |c| c.is_alphanumeric() || " .-".contains(c))
}

/// Writes what is not plain as Mermaid's entity: `#35;`.
fn entities(text: &str, is_plain: impl Fn(char) -> bool) -> String {
    let entity = |c: char| match is_plain(c) {
        true => c.to_string(),
        false => format!("#{};", u32::from(c)),
    };
    text.chars().map(entity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stranger may have in mind.
    const HOSTILE: &str = "a\"]; n9[label=\"<b>#x|&{é}\\";

    fn lines() -> [String; 2] {
        [HOSTILE.to_owned(), "[2001:db8::1]:3001".to_owned()]
    }

    #[test]
    fn graphviz_reads_what_was_written() {
        let label = dot(&lines());
        assert_eq!(label, r#"a\"]; n9[label=\"<b>#x|&amp;{é}\\\n[2001:db8::1]:3001"#);
        // Each quote has a backslash of its own before it.
        let bare = label.replace(r"\\", "").replace("\\\"", "");
        assert!(!bare.contains('"') && !bare.ends_with('\\'), "{bare}");
    }

    #[test]
    fn mermaid_shows_what_was_written() {
        let label = mermaid(&lines());
        assert_eq!(label, "a#34;]; n9[label=#34;#60;b>#35;x|#38;{é}#92;<br/>[2001:db8::1]:3001");
        let edge = mermaid_edge(HOSTILE);
        let plain = |c: char| c.is_alphanumeric() || " .-#;".contains(c);
        assert!(edge.chars().all(plain), "{edge}");
        assert_eq!(mermaid_edge("11.84 ms"), "11.84 ms");
        assert_eq!(mermaid_edge("turn-down"), "turn-down");
    }
}
