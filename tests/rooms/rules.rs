//! The rules of docs/selection.md: each names the function that decides it.

use crate::files;

const PAGE: &str = include_str!("../../docs/selection.md");

#[test]
fn each_rule_of_the_selection_is_in_the_function_that_it_names() {
    let rules = PAGE.split("\n## ").find_map(|part| part.strip_prefix("The rules\n")).unwrap();
    let engine = files("net/engine");
    for rule in rules.split("\n\n").filter(|paragraph| paragraph.starts_with("**")) {
        let (_, place) = rule.split_once("\nIn: ").unwrap_or_else(|| panic!("nowhere: {rule}"));
        let named = place.split('`').skip(1).step_by(2).map(|name| name.split_once("::").unwrap());
        for (file, function) in named {
            let mut found = engine.iter().filter(|(path, _)| path.ends_with(&format!("/{file}")));
            let (Some((_, text)), None) = (found.next(), found.next()) else {
                panic!("not one file of the engine is called {file}");
            };
            let defined = ["(", "<"].map(|next| text.contains(&format!("fn {function}{next}")));
            assert_ne!(defined, [false; 2], "no `{function}` in {file}");
        }
    }
}
