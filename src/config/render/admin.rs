//! `[admin]` as it is written down.

use super::toml_text::{list, optional, path, string};
use crate::config::model::Admin;

/// The section, without the end of its last line.
pub(super) fn section(admin: &Admin) -> String {
    let allow: Vec<_> = admin.allow.iter().map(string).collect();
    [
        "[admin]".to_owned(),
        optional(
            "bind",
            admin.bind.as_ref().map(string),
            "where operators and monitoring ask, nowhere if left out",
        ),
        format!("allow = {}", list(&allow)),
        optional("token-file", admin.token_file.as_deref().map(path), "what they have to show"),
    ]
    .join("\n")
}
