use std::fmt::Write as _;

use turn_balance::escaped;

use super::words::labels;
use crate::cmd::report::{CountReport, NameReport, NodeReport, StatusReport, TroubleReport, span};

/// How many addresses of a name are told, as in the log.
const MOST_TOLD: usize = 8;

/// The first line: who it is, since when, what it offers, and whether those above know.
pub(crate) fn head(status: &StatusReport) -> String {
    let name = status.name.as_deref().unwrap_or("-");
    let (version, uptime) = (&status.version, span(status.uptime_s, " "));
    let mut line =
        format!("{}  {}  up {uptime}  {}", escaped(name), escaped(version), escaped(&status.state));
    if !status.nodes.is_empty() {
        let _ = write!(line, " {} of {} nodes", status.online(), status.nodes.len());
    }
    if let Some(fault) = &status.fault {
        let _ = write!(line, " ({})", escaped(fault));
    }
    if let Some(labels) = labels(&status.labels) {
        let _ = write!(line, "  {labels}");
    }
    for turn in &status.turn {
        let (public, state) = (escaped(&turn.public), escaped(&turn.state));
        let _ = write!(line, "  TURN {public} {state}{}{}", fullness(turn), why(turn));
    }
    for superior in &status.superiors {
        let told = match (superior.checked_s, superior.told_s) {
            (Some(checked), _) => format!("checked {} ago", span(checked, " ")),
            (None, Some(told)) => format!("has not checked, told {} ago", span(told, " ")),
            (None, None) => "has not checked, never told".to_owned(),
        };
        let _ = write!(line, "  superior {} {told}", escaped(&superior.addr));
    }
    line
}

fn fullness(turn: &NodeReport) -> String {
    turn.load.map_or_else(String::new, |load| format!(" {:.0} % full", load * 100.0))
}

fn why(turn: &NodeReport) -> String {
    turn.why.as_ref().map_or_else(String::new, |why| format!(": it {}", escaped(why)))
}

/// What a name stands for; of a thousand nodes the table has the addresses too.
pub(crate) fn name(NameReport { name, addrs, kept }: &NameReport) -> String {
    let name = escaped(name);
    let mut line = match addrs.len() {
        0 if kept.is_empty() => return format!("{name} stands for nothing yet"),
        0 => format!("{name} stands for nothing"),
        _ => format!("{name} stands for {}", some(addrs)),
    };
    if !kept.is_empty() {
        let _ = write!(line, ", and no more for {}, kept while answering", some(kept));
    }
    line
}

/// The first of some addresses, and how many more there are.
fn some(addrs: &[String]) -> String {
    let told: Vec<_> = addrs.iter().take(MOST_TOLD).map(|addr| escaped(addr)).collect();
    match addrs.len() - told.len() {
        0 => told.join(" "),
        more => format!("{} and {more} more", told.join(" ")),
    }
}

/// What is wrong.
pub(crate) fn trouble(TroubleReport { what, since_s }: &TroubleReport) -> String {
    format!("wrong for {}: {}", span(*since_s, " "), escaped(what))
}

/// What was lost or dropped that may matter; `None`: nothing.
pub(crate) fn drops(counts: &CountReport) -> Option<String> {
    let lost = [
        ("no room in a socket", counts.kernel_drops),
        ("unsent", counts.unsent),
        ("heartbeats lost", counts.heartbeats_lost),
        ("receive errors", counts.receive_errors),
    ];
    let dropped = counts.dropped.iter().map(|(reason, count)| (reason.as_str(), *count));
    let all = lost.into_iter().chain(dropped).filter(|(_, count)| *count > 0);
    let all: Vec<_> = all.map(|(what, count)| format!("{count} {}", escaped(what))).collect();
    (!all.is_empty()).then(|| format!("dropped since the start: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_it_is_and_what_was_dropped() {
        let document = r#"{"schema":"tb.status/1","name":"fra","version":"0.2.0","uptime_s":1036800,
            "state":"offering","labels":{"tier":"gold","region":"eu"},"nodes":[{"state":"online"},{"state":"offline"}],
            "turn":[{"public":"203.0.113.52:3478","state":"offline","why":"does not answer"},
             {"public":"[2001:db8::1]:3478","state":"online","load":0.57}],
            "superiors":[{"addr":"198.51.100.7:3001","told_s":2.5,"checked_s":1.5},
             {"addr":"198.51.100.8:3001"}],
            "names":[{"name":"_tb._udp.example.org","addrs":["203.0.113.7:3001","203.0.113.8:3001"],"kept":[]},
             {"name":"a.example:3001","addrs":["1","2","3","4","5","6","7","8","9"],"kept":["203.0.113.9:3001"]},
             {"name":"b.example:3001"}],
            "troubles":[{"trouble":"unchecked","what":"no superior has checked it","since_s":190}],
            "counts":{"kernel_drops":3,"dropped":{"limited":12,"stun":0}}}"#;
        let status = StatusReport::read(document).unwrap();
        assert_eq!(
            head(&status),
            "fra  0.2.0  up 12 d  offering 1 of 2 nodes  region=eu,tier=gold  TURN 203.0.113.52:3478 offline: it does not \
             answer  TURN [2001:db8::1]:3478 online 57 % full  superior 198.51.100.7:3001 checked 1 s ago  superior 198.51.100.8:3001 has not checked, never told"
        );
        assert_eq!(
            drops(&status.counts).unwrap(),
            "dropped since the start: 3 no room in a socket, 12 limited"
        );
        assert_eq!(
            status.names.iter().map(name).collect::<Vec<_>>(),
            [
                "_tb._udp.example.org stands for 203.0.113.7:3001 203.0.113.8:3001",
                "a.example:3001 stands for 1 2 3 4 5 6 7 8 and 1 more, and no more for \
                 203.0.113.9:3001, kept while answering",
                "b.example:3001 stands for nothing yet",
            ]
        );
        assert_eq!(
            status.troubles.iter().map(trouble).collect::<Vec<_>>(),
            ["wrong for 3 m: no superior has checked it"]
        );
        assert!(drops(&CountReport::default()).is_none());
        assert!(StatusReport::read("{}").is_none() && StatusReport::read("no").is_none());
    }
}
