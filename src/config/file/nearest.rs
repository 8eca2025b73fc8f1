/// The candidate nearest to what was written, if the difference can pass for a slip.
pub(super) fn nearest<'a>(written: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let written = written.to_lowercase().replace('_', "-");
    let near = candidates.iter().filter_map(|candidate| {
        let distance = distance(&written, candidate);
        let length = written.len().max(candidate.len());
        (2 * distance < length).then_some((distance, *candidate))
    });
    near.min().map(|(_, candidate)| candidate)
}

/// How many characters have to be put in, taken out or changed to make one text the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.chars().enumerate() {
            let changed = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("bind", "bind", 0),
            ("superior", "superiors", 1),
            ("levle", "level", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_slips_are_near() {
        let fields = ["superiors", "nodes", "check-bind"];
        for (written, expected) in [
            ("superior", Some("superiors")),
            ("node", Some("nodes")),
            ("Nodes", Some("nodes")),
            ("check_bind", Some("check-bind")),
            ("subordinates", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, &fields), expected, "{written}");
        }
        assert_eq!(nearest("node", &["bind", "name"]), None);
    }
}
