use comfy_table::{CellAlignment, Row, Table, presets};
use turn_balance::escaped;

use super::style;
use super::text::words::{labels, or_dash};
use crate::cmd::report::{
    CandidateCount, Ms, NodeReport, StatusReport, TraceCount, TraceReport, TreeNodeReport,
    TreeReport, span,
};

/// The table of `tb trace`. What a NAT64 leads to has a column that tells how it is listed, and where any
/// tells how full its TURN server is, there is one for that.
pub(crate) fn trace(trace: &TraceReport) -> String {
    let loads = trace.candidates.iter().any(|candidate| candidate.load.is_some());
    let detour = trace.candidates.iter().any(|candidate| candidate.listed.is_some());
    let mut header = vec![
        Head::number("LEVEL"),
        Head::text("CANDIDATE"),
        Head::text("NAME"),
        Head::text("VIA"),
        Head::number("RTT(ms)"),
        Head::number("TOTAL(ms)"),
    ];
    header.extend(loads.then(|| Head::number("LOAD")));
    header.extend(detour.then(|| Head::text("LISTED")));
    header.push(Head::text("STATE"));
    let rows = trace.candidates.iter().map(|candidate| {
        let via = trace.parent(candidate).map(|parent| match &parent.name {
            Some(name) => name.clone(),
            None => parent.addr.to_string(),
        });
        let mut cells = vec![
            candidate.level.to_string(),
            candidate.addr.to_string(),
            or_dash(candidate.name.as_ref()),
            or_dash(via),
            or_dash(candidate.rtt_ms),
            or_dash(candidate.total_ms),
        ];
        cells.extend(
            loads.then(|| or_dash(candidate.load.map(|load| format!("{}%", load.percent())))),
        );
        cells.extend(detour.then(|| or_dash(candidate.listed)));
        // The last column: colour counts as width, which matters nowhere else.
        cells.push(style::paint(style::of(candidate.state), candidate.state.as_str()));
        cells
    });
    render(&header, rows)
}

/// The table of `tb trace --all`.
pub(crate) fn tree(tree: &TreeReport) -> String {
    let header = [
        Head::number("LEVEL"),
        Head::text("NODE"),
        Head::text("NAME"),
        Head::text("VIA"),
        Head::number("RTT(ms)"),
        Head::text("STATE"),
        Head::text("PROBLEM"),
    ];
    let row = |node: &TreeNodeReport| {
        let parent = node.parent.and_then(|at| tree.nodes.get(at));
        vec![
            node.level.to_string(),
            node.addr.to_string(),
            or_dash(node.name.as_ref()),
            or_dash(parent.map(TreeNodeReport::called)),
            or_dash(node.rtt_ms),
            node.state.clone(),
            or_dash(node.problem()),
        ]
    };
    render(&header, tree.rows().into_iter().map(row))
}

/// The table of `tb trace -c`, with the columns of mtr.
pub(crate) fn count(report: &TraceCount) -> String {
    let header = [
        Head::number("LEVEL"),
        Head::text("CANDIDATE"),
        Head::text("NAME"),
        Head::number("SNT"),
        Head::number("LOSS%"),
        Head::number("WON"),
        Head::number("BEST"),
        Head::number("AVG"),
        Head::number("WRST"),
        Head::number("STDEV"),
    ];
    let row = |count: &CandidateCount| {
        vec![
            count.level.to_string(),
            count.addr.to_string(),
            or_dash(count.name.as_ref()),
            count.sent.to_string(),
            or_dash(count.loss_percent.map(|loss| format!("{loss:.1}"))),
            count.won.to_string(),
            or_dash(count.best_ms),
            or_dash(count.avg_ms),
            or_dash(count.worst_ms),
            or_dash(count.stdev_ms),
        ]
    };
    render(&header, report.candidates.iter().map(row))
}

/// The table of `tb status`: its nodes, and what they are labelled with where any is.
pub(crate) fn status(status: &StatusReport) -> String {
    let labelled = status.nodes.iter().any(|node| !node.labels.is_empty());
    let mut header = vec![
        Head::text("NODE"),
        Head::text("NAME"),
        Head::text("STATE"),
        Head::number("SINCE"),
        Head::number("RTT(ms)"),
        Head::number("LOAD"),
        Head::number("LISTS"),
    ];
    header.extend(labelled.then(|| Head::text("LABELS")));
    header.push(Head::text("WHY"));
    let row = |node: &NodeReport| {
        let listed = (node.kind != "turn").then(|| node.lists.max(u64::from(node.kind == "leaf")));
        let mut cells = vec![
            escaped(&node.public),
            or_dash(node.name.as_ref().map(|name| escaped(name))),
            escaped(&node.state),
            span(node.since_s, ""),
            or_dash(node.rtt_ms.map(Ms)),
            or_dash(node.load.map(|load| format!("{:.0}%", load * 100.0))),
            or_dash(listed.filter(|_| node.state == "online")),
        ];
        cells.extend(labelled.then(|| or_dash(labels(&node.labels))));
        cells.push(or_dash(node.why.as_ref().map(|why| escaped(why))));
        cells
    };
    render(&header, status.nodes.iter().map(row))
}

/// Rows without a header.
pub(crate) fn columns(rows: impl Iterator<Item = Vec<String>>) -> String {
    render(&[], rows)
}

/// The header of a column.
struct Head(&'static str, CellAlignment);

impl Head {
    fn text(title: &'static str) -> Self {
        Self(title, CellAlignment::Left)
    }

    fn number(title: &'static str) -> Self {
        Self(title, CellAlignment::Right)
    }
}

/// One record a line, two spaces between columns, none at the end of a line.
fn render(header: &[Head], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if !header.is_empty() {
        table.set_header(Row::from(header.iter().map(|head| head.0).collect::<Vec<_>>()));
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for (column, head) in table.column_iter_mut().zip(header) {
        column.set_cell_alignment(head.1);
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::report::examples;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn the_example_of_a_trace() {
        let expected = "\
LEVEL  CANDIDATE          NAME   VIA    RTT(ms)  TOTAL(ms)  STATE
    0  198.51.100.7:3001  root   -         7.81       7.81  path
    1  203.0.113.10:3001  fra    root     11.84      19.65  path
    1  203.0.113.20:3001  ams    root     14.20      22.01  explored
    1  203.0.113.30:3001  nyc    root     88.07          -  lost
    1  203.0.113.40:3001  sgp    root         -          -  silent
    2  203.0.113.52:3001  fra-b  fra      12.06      31.71  path
    2  203.0.113.51:3001  fra-a  fra      12.31      31.96  lost
    2  203.0.113.61:3001  ams-a  ams      14.35      36.40  lost
    3  203.0.113.52:3478  -      fra-b    11.97      43.68  selected
";
        assert_eq!(plain(&trace(&examples::trace())), expected);
    }

    #[test]
    fn what_a_nat64_leads_to_is_told_as_it_is_listed() {
        let mut example = examples::trace();
        example.candidates.truncate(2);
        let behind = &mut example.candidates[1];
        behind.listed = Some(behind.addr);
        behind.addr = "[64:ff9b::cb00:710a]:3001".parse().unwrap();
        let expected = "\
LEVEL  CANDIDATE                  NAME  VIA   RTT(ms)  TOTAL(ms)  LISTED             STATE
    0  198.51.100.7:3001          root  -        7.81       7.81  -                  path
    1  [64:ff9b::cb00:710a]:3001  fra   root    11.84      19.65  203.0.113.10:3001  path
";
        assert_eq!(plain(&trace(&example)), expected);
    }

    #[test]
    fn colour_leaves_no_space_behind() {
        for line in plain(&trace(&examples::trace())).lines() {
            assert_eq!(line, line.trim_end());
        }
    }

    #[test]
    fn a_nameless_parent_is_its_address() {
        let mut example = examples::trace();
        example.candidates[0].name = None;
        let text = plain(&trace(&example));
        let fra = text.lines().nth(2).unwrap();
        assert_eq!(
            fra,
            "    1  203.0.113.10:3001  fra    198.51.100.7:3001    11.84      19.65  path"
        );
    }

    #[test]
    fn nothing_seen_is_a_header_alone() {
        let mut example = examples::trace();
        example.candidates.clear();
        assert_eq!(trace(&example), "LEVEL  CANDIDATE  NAME  VIA  RTT(ms)  TOTAL(ms)  STATE\n");
    }

    #[test]
    fn the_example_of_a_status() {
        let document = r#"{"schema":"tb.status/1","nodes":[
            {"public":"203.0.113.52:3001","kind":"leaf","name":"fra-b","state":"online",
             "since_s":1036800,"rtt_ms":0.412,"lists":0},
            {"public":"203.0.113.54:3478","kind":"turn","state":"full","since_s":241,"rtt_ms":0.52,
             "why":"has no capacity left (508)"},
            {"public":"203.0.113.55:3001","kind":"balance","name":"fra-d","state":"offline",
             "since_s":7300,"why":"does not answer"}]}"#;
        let labelled = document.replacen(
            "\"lists\":0",
            r#""lists":0,"labels":{"tier":"gold","region":"eu"}"#,
            1,
        );
        let expected = "\
NODE               NAME   STATE    SINCE  RTT(ms)  LOAD  LISTS  WHY
203.0.113.52:3001  fra-b  online     12d     0.41     -      1  -
203.0.113.54:3478  -      full        4m     0.52     -      -  has no capacity left (508)
203.0.113.55:3001  fra-d  offline     2h        -     -      -  does not answer
";
        let report = StatusReport::read(document).unwrap();
        assert_eq!(plain(&status(&report)), expected);
        let expected = "\
NODE               NAME   STATE    SINCE  RTT(ms)  LOAD  LISTS  LABELS               WHY
203.0.113.52:3001  fra-b  online     12d     0.41     -      1  region=eu,tier=gold  -
203.0.113.54:3478  -      full        4m     0.52     -      -  -                    has no capacity left (508)
203.0.113.55:3001  fra-d  offline     2h        -     -      -  -                    does not answer
";
        let report = StatusReport::read(&labelled).unwrap();
        assert_eq!(plain(&status(&report)), expected);
    }

    #[test]
    fn the_example_of_counts() {
        let expected = "\
LEVEL  CANDIDATE          NAME  SNT  LOSS%  WON   BEST    AVG   WRST  STDEV
    0  198.51.100.7:3001  root   10    0.0   10   7.61   7.84   8.42   0.24
    1  203.0.113.10:3001  fra    10    0.0    9  11.70  11.98  12.84   0.33
    1  203.0.113.40:3001  sgp    10  100.0    0      -      -      -      -
";
        assert_eq!(count(&examples::count()), expected);
    }
}
