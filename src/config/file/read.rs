//! What the file says: TOML -> values, and where each of them stands.

mod limits;
mod membership;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::check::{Place, Problem, check};
use super::value::{self, Value};
use super::{Config, Diagnostic, Label, LogFormat, LogLevel, Net, NodeEntry, TurnHealth, syntax};

/// Of a file that is no TOML at all every line is an error: nobody reads more than these.
const MAX_DIAGNOSTICS: usize = 100;

/// Reads a text, or says everything that is wrong with it, in the order of the text. With a folder,
/// the key files that it names are looked for there and read.
pub(super) fn read(text: &str, folder: Option<&Path>) -> Result<Config, Vec<Diagnostic>> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { folder, ..Reader::default() };
    reader.file(tree.get_ref());
    if errors.is_empty() {
        reader.check();
    } else {
        // What the text means as a whole is not known, so it is not checked.
        syntax::merge(text, errors, &mut reader.diagnostics);
    }

    let Reader { config, mut diagnostics, .. } = reader;
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

/// Takes the values out of the tree, and goes on after an error.
#[derive(Default)]
struct Reader<'a> {
    config: Config,
    folder: Option<&'a Path>,
    /// Where the values stand that a check may point at.
    spans: BTreeMap<Place, Range<usize>>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn file(&mut self, root: &DeTable<'_>) {
        self.fields(root, &["net", "cluster", "turn", "limits", "log"]);
        self.section(root, "net", Self::net);
        self.section(root, "cluster", Self::cluster);
        self.section(root, "turn", Self::turn);
        self.section(root, "limits", Self::limits);
        self.section(root, "log", Self::log);
    }

    fn net(&mut self, net: &DeTable<'_>) {
        self.fields(net, &["bind", "name", "workers"]);
        if let Some(value) = net.get("bind") {
            self.binds(value);
        }
        if let Some(value) = net.get("name") {
            self.config.net.name = self.keep(value::name(value));
        }
        if let Some(value) = net.get("workers") {
            let workers = self.keep_at(Place::Workers, value, value::workers(value));
            self.config.net.workers = workers.unwrap_or(1);
        }
    }

    fn binds(&mut self, value: &Value<'_>) {
        let (items, expected) = value::one_or_many(value);
        if items.is_empty() {
            // Known to the checks only here: where all addresses are bad, that is said already.
            self.spans.insert(Place::Binds, value.span());
        }
        self.config.net.bind.clear();
        for item in items {
            let place = Place::Bind(self.config.net.bind.len());
            let addr = self.keep_at(place, item, value::balance_addr(item, expected));
            self.config.net.bind.extend(addr);
        }
    }

    fn cluster(&mut self, cluster: &DeTable<'_>) {
        self.fields(
            cluster,
            &[
                "superiors",
                "nodes",
                "check-bind",
                "advertise",
                "keys",
                "require-auth",
                "join",
                "max-nodes",
                "join-prefixes",
            ],
        );
        if let Some(value) = cluster.get("superiors") {
            self.superiors(value);
        }
        if let Some(value) = cluster.get("nodes") {
            self.nodes(value);
        }
        if let Some(value) = cluster.get("check-bind") {
            let port = self.keep_at(Place::CheckBind, value, value::port(value));
            self.config.cluster.check_bind = port;
        }
        if let Some(value) = cluster.get("advertise") {
            let addr = value::balance_addr(value, "a string");
            self.config.cluster.advertise = self.keep_at(Place::Advertise, value, addr);
        }
        if let Some(value) = cluster.get("keys") {
            self.keys(value);
        }
        self.membership(cluster);
    }

    fn superiors(&mut self, value: &Value<'_>) {
        let (items, expected) = value::one_or_many(value);
        for item in items {
            let place = Place::Superior(self.config.cluster.superiors.len());
            let superior = self.keep_at(place, item, value::endpoint(item, expected));
            self.config.cluster.superiors.extend(superior);
        }
    }

    fn nodes(&mut self, value: &Value<'_>) {
        for item in self.keep(value::list(value)).unwrap_or_default() {
            let node = match item.get_ref() {
                DeValue::Table(table) => self.node(item, table),
                _ => self.node_addr(item, "a string or a table"),
            };
            self.config.cluster.nodes.extend(node);
        }
    }

    fn node(&mut self, item: &Value<'_>, table: &DeTable<'_>) -> Option<NodeEntry> {
        self.fields(table, &["addr", "public", "name"]);
        let public = Place::Public(self.config.cluster.nodes.len());
        let node = match table.get("addr") {
            Some(value) => self.node_addr(value, "a string"),
            None => self.keep(Err(Diagnostic::at(item.span(), "missing field `addr`"))),
        };
        let public = table
            .get("public")
            .and_then(|value| self.keep_at(public, value, value::balance_addr(value, "a string")));
        let name = table.get("name").and_then(|value| self.keep(value::name(value)));
        node.map(|node| NodeEntry { public, name, ..node })
    }

    fn node_addr(&mut self, value: &Value<'_>, expected: &str) -> Option<NodeEntry> {
        let place = Place::Node(self.config.cluster.nodes.len());
        let addr = self.keep_at(place, value, value::endpoint(value, expected));
        addr.map(NodeEntry::from)
    }

    fn turn(&mut self, turn: &DeTable<'_>) {
        self.fields(turn, &["bind", "health"]);
        if let Some(value) = turn.get("bind") {
            self.config.turn.bind = self.keep_at(Place::Turn, value, value::turn_addr(value));
        }
        if let Some(value) = turn.get("health") {
            let health = value::choice(value, "health", &TurnHealth::ALL.map(TurnHealth::as_str));
            if let Some(i) = self.keep(health) {
                self.config.turn.health = TurnHealth::ALL[i];
            }
        }
    }

    fn log(&mut self, log: &DeTable<'_>) {
        self.fields(log, &["level", "format"]);
        if let Some(value) = log.get("level") {
            let level = value::choice(value, "level", &LogLevel::ALL.map(LogLevel::as_str));
            if let Some(i) = self.keep(level) {
                self.config.log.level = LogLevel::ALL[i];
            }
        }
        if let Some(value) = log.get("format") {
            let format = value::choice(value, "format", &LogFormat::ALL.map(LogFormat::as_str));
            if let Some(i) = self.keep(format) {
                self.config.log.format = LogFormat::ALL[i];
            }
        }
    }

    /// Reads a section if it is there.
    fn section(&mut self, root: &DeTable<'_>, key: &str, read: fn(&mut Self, &DeTable<'_>)) {
        let table = root.get(key).map(value::table);
        if let Some(table) = table.and_then(|table| self.keep(table)) {
            read(self, table);
        }
    }

    /// Complains of every key that is none of these.
    fn fields(&mut self, table: &DeTable<'_>, fields: &[&str]) {
        let unknown = table.keys().filter(|key| !fields.contains(&key.get_ref().as_ref()));
        self.diagnostics
            .extend(unknown.map(|key| value::unknown(key.span(), "field", key.get_ref(), fields)));
    }

    fn keep<T>(&mut self, read: Result<T, Diagnostic>) -> Option<T> {
        read.map_err(|diagnostic| self.diagnostics.push(diagnostic)).ok()
    }

    /// The same for a value that a check may point at.
    fn keep_at<T>(
        &mut self,
        place: Place,
        value: &Value<'_>,
        read: Result<T, Diagnostic>,
    ) -> Option<T> {
        if read.is_ok() {
            self.spans.insert(place, value.span());
        }
        self.keep(read)
    }

    /// Judges the values together.
    fn check(&mut self) {
        let all_read = self.diagnostics.is_empty();
        for problem in check(&self.config) {
            self.diagnostics.extend(self.locate(problem, all_read));
        }
    }

    /// A problem with the text it is about.
    fn locate(&self, problem: Problem, all_read: bool) -> Option<Diagnostic> {
        // A place without text has no value because the one in the file is bad: said already.
        let span = self.spans.get(&problem.place)?;
        let related = problem.related;
        let mut diagnostic = Diagnostic::from(problem);
        diagnostic.labels.push(Label::new(span.clone(), ""));

        if let Some((place, note)) = related {
            match self.spans.get(&place) {
                Some(span) => diagnostic.labels.push(Label::new(span.clone(), note)),
                None if all_read => diagnostic.hint = Some(default_bind()),
                // The default may stand for a key that was misspelt.
                None => return None,
            }
        }
        Some(diagnostic)
    }
}

/// The only value that a problem can be related to while the file does not have it.
fn default_bind() -> String {
    let binds: Vec<_> = Net::default().bind.iter().map(|bind| format!("`{bind}`")).collect();
    format!("`net.bind` is {} where the file has none", binds.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The offending text, the second one with its note, and the hint.
    type Said<'a> = (&'a str, Option<(&'a str, String)>, Option<String>);

    fn said(text: &str) -> Vec<Said<'_>> {
        let said = |diagnostic: Diagnostic| {
            let at = |label: &Label| &text[label.span.clone()];
            let second = diagnostic.labels.get(1).map(|label| (at(label), label.note.clone()));
            (at(&diagnostic.labels[0]), second, diagnostic.hint)
        };
        read(text, None).unwrap_err().into_iter().map(said).collect()
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
        assert_eq!(said(text), [("'A.example:3001'", Some(first), None)]);
    }

    #[test]
    fn places_count_what_was_read() {
        let text = "cluster.superiors = [1, '0.0.0.0']\nnet.bind = ['x', '224.0.0.1:1', []]";
        let offenders: Vec<_> = said(text).into_iter().map(|said| said.0).collect();
        assert_eq!(offenders, ["1", "'0.0.0.0'", "'x'", "'224.0.0.1:1'", "[]"]);
    }

    #[test]
    fn a_default_that_is_in_the_way_is_named() {
        let hint = "`net.bind` is `127.0.0.1:3001` where the file has none";
        let expected = ("3001", None, Some(hint.to_owned()));
        assert_eq!(said("cluster.check-bind = 3001"), [expected]);
    }

    #[test]
    fn a_slip_gets_a_hint() {
        let hint = "did you mean `nodes`?".to_owned();
        assert_eq!(said("[cluster]\nnods = []"), [("nods", None, Some(hint))]);
    }

    #[test]
    fn nobody_reads_a_thousand_errors() {
        let diagnostics = read(&"x y\n".repeat(1000), None).unwrap_err();
        assert_eq!(diagnostics.len(), MAX_DIAGNOSTICS + 1);
        assert_eq!(diagnostics[MAX_DIAGNOSTICS].message, "900 more errors are not shown");
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
                for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
                    prop_assert!(text.get(label.span.clone()).is_some(), "{:?}", text);
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
