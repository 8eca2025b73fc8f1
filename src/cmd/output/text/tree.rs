use super::words::counted;
use crate::cmd::report::TreeSummary;

/// The last line: how much there is, how much of that is wrong, and whether it is all.
pub(crate) fn summary(tree: &TreeSummary) -> String {
    let TreeSummary { found, levels, wrong, stopped, datagrams, elapsed_ms } = tree;
    let wrong =
        if *wrong == 0 { "nothing wrong".to_owned() } else { format!("{wrong} with problems") };
    let (nodes, levels) = (counted(found, "node"), counted(levels, "level"));
    let mut line = format!(
        "{nodes} on {levels}, {wrong}, in {elapsed_ms} ms: {}",
        counted(datagrams, "datagram")
    );
    if let Some(stopped) = stopped {
        line += &format!("\nnot all of it: {stopped}");
    }
    line
}
