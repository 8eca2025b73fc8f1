use super::words::counted;
use crate::cmd::report::TreeSummary;

/// The last line: how much there is, how much of that is wrong, and whether it is all.
pub(crate) fn summary(tree: &TreeSummary) -> String {
    let TreeSummary { found, levels, wrong, stopped, datagrams, elapsed_ms } = tree;
    let wrong =
        if *wrong == 0 { "nothing wrong".to_owned() } else { format!("{wrong} with problems") };
    // As the rows count them: the roots are on level 0.
    let levels = match levels {
        0 | 1 => "level 0".to_owned(),
        levels => format!("levels 0 to {}", levels - 1),
    };
    let nodes = counted(found, "node");
    let mut line = format!(
        "{nodes} on {levels}, {wrong}, in {elapsed_ms} ms: {}",
        counted(datagrams, "datagram")
    );
    if let Some(stopped) = stopped {
        line += &format!("\nnot all of it: {stopped}");
    }
    line
}
