//! docs/protocol.md and proto/balance.proto, of which the decoders here are generated, have the same
//! messages.

use std::fs;
use std::path::Path;

#[test]
fn page_and_file_have_the_same_messages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path| fs::read_to_string(root.join(path)).unwrap();
    let (page, file) = (read("docs/protocol.md"), read("proto/balance.proto"));
    let blocks = page.split("```proto\n").skip(1).filter_map(|rest| rest.split("```").next());
    let page: String = blocks.collect();
    let (page, file) = (code(&page), code(&file));
    let apart = page.iter().zip(&file).find(|(page, file)| page != file);
    assert_eq!(apart, None, "the first line that differs: page, file");
    assert_eq!(page.len(), file.len(), "lines: page, file");
}

/// Its lines, without comments and blank ones.
fn code(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim_end());
    lines.filter(|line| !line.is_empty()).collect()
}
