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

/// How many characters have to be put in, taken out, changed or swapped with the next to make one text the
/// other (Damerau 1964, where no part is edited twice).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![Vec::from_iter(0..=b.len())];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            row.push(if swapped { least.min(rows[i - 2][j - 2] + 1) } else { least });
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
            ("levle", "level", 1),
            ("laod", "load", 1),
            ("ca", "abc", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_slips_are_near() {
        let fields = ["superiors", "nodes", "check-bind", "load"];
        for (written, expected) in [
            ("superior", Some("superiors")),
            ("node", Some("nodes")),
            ("Nodes", Some("nodes")),
            ("check_bind", Some("check-bind")),
            ("laod", Some("load")),
            ("subordinates", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, &fields), expected, "{written}");
        }
        assert_eq!(nearest("node", &["bind", "name"]), None);
    }
}
