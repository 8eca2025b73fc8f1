use std::path::Path;

use toml::de::DeTable;

use super::admin::admin;
use super::cluster::cluster;
use super::http::http;
use super::limits::limits;
use super::locate::locate;
use super::log::log;
use super::net::net;
use super::reader::Reader;
use super::syntax;
use super::turn::turn;
use crate::config::check::check;
use crate::config::diagnostic::Diagnostic;
use crate::config::model::Config;

/// Of a file that is no TOML at all every line is an error: nobody reads more than these.
const MAX_DIAGNOSTICS: usize = 100;

/// Reads a text, or says everything that is wrong with it, in the order of the text. With the path of
/// its file, the key files that it names are looked for in that folder and read.
pub(in crate::config) fn read(text: &str, path: Option<&Path>) -> Result<Config, Vec<Diagnostic>> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader::new(path);
    let config = config(&mut reader, tree.get_ref());
    let (spans, mut diagnostics) = reader.finish();
    if errors.is_empty() {
        let all_read = diagnostics.is_empty();
        let mistakes = check(&config).into_iter();
        diagnostics.extend(mistakes.filter_map(|mistake| locate(mistake, &spans, all_read)));
    } else {
        // What the text means as a whole is not known, so it is not checked.
        syntax::merge(text, errors, &mut diagnostics);
    }

    if diagnostics.is_empty() {
        return Ok(config);
    }
    diagnostics.sort_by_key(Diagnostic::start);
    let more = diagnostics.len().saturating_sub(MAX_DIAGNOSTICS);
    if more > 0 {
        diagnostics.truncate(MAX_DIAGNOSTICS);
        diagnostics.push(Diagnostic::new(format!("{more} more errors are not shown")));
    }
    Err(diagnostics)
}

fn config(reader: &mut Reader<'_>, root: &DeTable<'_>) -> Config {
    reader.fields(root, &["net", "cluster", "turn", "http", "admin", "limits", "log"]);
    Config {
        net: reader.section(root, "net", net),
        cluster: reader.section(root, "cluster", cluster),
        turn: reader.section(root, "turn", turn),
        http: reader.section(root, "http", http),
        admin: reader.section(root, "admin", admin),
        limits: reader.section(root, "limits", limits),
        log: reader.section(root, "log", log),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::diagnostic::Label;

    /// The offending text, the second one with its note, and the hint.
    type Finding<'a> = (&'a str, Option<(&'a str, String)>, Option<String>);

    fn findings(text: &str) -> Vec<Finding<'_>> {
        let finding = |diagnostic: Diagnostic| {
            let at = |label: &Label| &text[label.span()];
            let [offender, others @ ..] = diagnostic.labels() else { panic!("no label") };
            let second = others.first().map(|label| (at(label), label.note().to_owned()));
            (at(offender), second, diagnostic.hint().map(str::to_owned))
        };
        read(text, None).unwrap_err().into_iter().map(finding).collect()
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert_eq!(read("", None), Ok(Config::default()));
        assert_eq!(read("[net]\n[cluster]\n[turn]\n[log]\n", None), Ok(Config::default()));
    }

    #[test]
    fn a_value_is_underlined_and_the_other_place_explained() {
        let text = "cluster.nodes = [{ addr = 'a.example' }, 'b.example', 'A.example:3001']";
        let first = ("'a.example'", "first listed here".to_owned());
        assert_eq!(findings(text), [("'A.example:3001'", Some(first), None)]);
    }

    #[test]
    fn places_count_what_was_read() {
        let text = "cluster.superiors = [1, '0.0.0.0']\nnet.bind = ['x', '224.0.0.1:1', []]";
        let offenders: Vec<_> = findings(text).into_iter().map(|finding| finding.0).collect();
        assert_eq!(offenders, ["1", "'0.0.0.0'", "'x'", "'224.0.0.1:1'", "[]"]);
    }

    #[test]
    fn a_default_that_is_in_the_way_is_named() {
        let hint = "`net.bind` is `127.0.0.1:3001` where the file has none";
        let expected = ("3001", None, Some(hint.to_owned()));
        assert_eq!(findings("cluster.check-bind = 3001"), [expected]);
    }

    #[test]
    fn a_slip_gets_a_hint() {
        let hint = "did you mean `nodes`?".to_owned();
        assert_eq!(findings("[cluster]\nnods = []"), [("nods", None, Some(hint))]);
    }

    #[test]
    fn nobody_reads_a_thousand_errors() {
        let diagnostics = read(&"x y\n".repeat(1000), None).unwrap_err();
        assert_eq!(diagnostics.len(), MAX_DIAGNOSTICS + 1);
        assert_eq!(diagnostics[MAX_DIAGNOSTICS].message(), "900 more errors are not shown");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_at_places_it_has(
            pieces in prop::collection::vec(piece(), 0..30),
        ) {
            let text = pieces.concat();
            if let Err(diagnostics) = read(&text, None) {
                prop_assert!(!diagnostics.is_empty());
                prop_assert!(diagnostics.is_sorted_by_key(Diagnostic::start));
                for label in diagnostics.iter().flat_map(Diagnostic::labels) {
                    prop_assert!(text.get(label.span()).is_some(), "{:?}", text);
                }
            }
        }
    }

    /// What files are made of, so that most texts come near to one.
    fn piece() -> impl Strategy<Value = String> {
        let pieces = [
            "[net]",
            "[cluster]",
            "[turn]",
            "[log]",
            "[[cluster.nodes]]",
            "bind = ",
            "nodes = [",
            "superiors = ",
            "check-bind = ",
            "addr = ",
            "public = ",
            "level = ",
            "name = ",
            "workers = ",
            "'127.0.0.1:3001'",
            "'leaf.example'",
            "'info'",
            "3001",
            "0",
            "[",
            "]",
            "{",
            "}",
            ",",
            "=",
            "'",
            "\"",
            "\"\"\"",
            "\\",
            "#",
            " ",
            "\n",
            "\n",
            "\n",
            "\r\n",
            "\t",
            "\u{1}",
            ".",
            "\u{feff}",
            "é",
            "🙂",
        ];
        prop_oneof![
            10 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ]
    }
}
