//! docs/http.md has all that the broker answers, and nothing else.

use std::collections::BTreeSet;

use crate::{assert_same, code, page};

#[test]
fn the_page_has_every_route() {
    let routes = page("src/net/http/broker/routes.rs");
    let routes = routes.split("route(\"").skip(1).filter_map(|rest| rest.split('"').next());
    // What a page has beside it is a part of it.
    let exist: BTreeSet<_> = routes.filter(|path| !path.ends_with(".js")).collect();
    let page = page("docs/http.md");
    let (table, _) = page.split_once("\n## ").unwrap();
    let cells = table.lines().filter_map(|row| row.strip_prefix("| ")?.split(" | ").next());
    let words = cells.flat_map(code).flat_map(|code| code.split(' '));
    assert_same(&exist, &words.filter(|word| word.starts_with('/')).collect());
}
