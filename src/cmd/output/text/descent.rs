use std::collections::BTreeMap;
use std::net::SocketAddr;

use turn_balance::{CandidateState, Labels, Load, Unasked, Why};

use super::words::{counted, or_dash};
use crate::cmd::output::{style, table};
use crate::cmd::report::{
    Advice, CandidateReport, HopReport, Ms, ProbeReport, RunnerUpReport, TraceCount, TraceReport,
    UnresolvedCount, UnresolvedReport,
};

/// How many are named who were never asked for one reason; a list may have hundreds.
const MOST_NAMED: usize = 4;

/// What is said of a TURN server that has answered itself.
const VERIFIED: &str = "verified";

/// What is said of one that has not, beside the time of its leaf.
const SILENT: &str = "but the TURN server itself has not answered";

/// The same where nobody was to ask it.
const UNASKED: &str = "on the word of its leaf";

/// What `tb probe` says beside a TURN server's address.
pub(crate) fn probe(probe: &ProbeReport) -> Option<String> {
    let (rtt, elapsed) = (probe.rtt_ms?, probe.elapsed_ms?);
    Some(format!(
        "{}  {rtt} ms  in {elapsed} ms: {}, {} silent, {}{}",
        or_dash(probe.name.as_ref()),
        counted(probe.candidates, "candidate"),
        probe.silent,
        sent(probe.datagrams, probe.connections, probe.transport),
        listed(probe.listed),
    ))
}

/// How `tb probe` got there, and why the others lost; `asks`: TURN servers were to be asked themselves.
pub(crate) fn path(probe: &ProbeReport, asks: bool) -> Option<String> {
    let step = |step: &HopReport| {
        let says = step.says.map(|says| format!(", {}", of_itself(says))).unwrap_or_default();
        let rtt =
            or_dash(step.rtt_ms.map(|rtt| format!("{rtt} ms"))) + &listed(step.listed) + &says;
        let name = or_dash(step.name.as_ref());
        vec!["path".to_owned(), step.addr.to_string(), name, rtt]
    };
    let best = probe.rtt_ms?;
    let runner = |runner: &RunnerUpReport| {
        let (why, listed) = (reason(runner, best), listed(runner.listed));
        let known = fullness(runner.load) + &labels(&runner.labels);
        let rtt = format!("{} ms, {why}{known}{listed}", runner.rtt_ms);
        let name = or_dash(runner.name.as_ref());
        vec!["lost".to_owned(), runner.turn.to_string(), name, rtt]
    };
    let chosen = probe.turn.map(|turn| {
        let verified = match probe.verified {
            Some(true) => VERIFIED,
            _ if asks => SILENT,
            _ => UNASKED,
        };
        let among = |drawn| format!(", drawn among {drawn} that are as near");
        let drawn = probe.drawn.map(among).unwrap_or_default();
        let known = fullness(probe.load) + &labels(&probe.labels);
        let said = format!("{best} ms, {verified}{drawn}{known}");
        vec!["chosen".to_owned(), turn.to_string(), or_dash(probe.name.as_ref()), said]
    });
    let steps = probe.path.iter().map(step).chain(chosen);
    Some(table::columns(steps.chain(probe.runners_up.iter().map(runner))))
}

/// What it says where no TURN server has answered itself: that of the best leaf is named all the same.
pub(crate) fn unverified(probe: &ProbeReport) -> Option<String> {
    let (turn, leaf) = (probe.turn?, probe.path.last()?);
    let warning = style::paint(style::WARNING, "warning:");
    let leaf = match &leaf.name {
        Some(name) => format!("`{name}` ({})", leaf.addr),
        None => format!("`{}`", leaf.addr),
    };
    Some(format!(
        "{warning} no TURN server answered itself: `{turn}` is named on the word of {leaf}"
    ))
}

/// The datagrams that a descent ignored.
pub(crate) fn ignored(probe: &ProbeReport) -> String {
    let cost = &probe.cost;
    format!(
        "ignored: {} from an address not asked, {} with a wrong id, {} twice, {} malformed",
        cost.misplaced, cost.mismatched, cost.repeated, cost.malformed
    )
}

/// Who was never asked, a line for each reason.
pub(crate) fn never_asked(unasked: &[(SocketAddr, Unasked)]) -> Option<String> {
    let mut reasons = BTreeMap::<Unasked, Vec<SocketAddr>>::new();
    for (addr, why) in unasked {
        reasons.entry(*why).or_default().push(*addr);
    }
    let line = |(why, addrs): (&Unasked, &Vec<SocketAddr>)| {
        let named: Vec<_> = addrs.iter().take(MOST_NAMED).map(SocketAddr::to_string).collect();
        let more = match addrs.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("never asked: {}{more}: {why}", named.join(", "))
    };
    let lines: Vec<_> = reasons.iter().map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// How many the policy leaves out.
pub(crate) fn ruled_out(probe: &ProbeReport) -> Option<String> {
    let counted = || counted(probe.ruled_out, "candidate");
    (probe.ruled_out > 0).then(|| format!("ruled out by `--require` or `--exclude`: {}", counted()))
}

/// Whose list is longer than what came of it, a line for each.
pub(crate) fn never_listed(servers: &[(String, u32)]) -> Option<String> {
    let line = |(server, unlisted): &(String, u32)| {
        format!("never listed: {} of {server}: no answer told of more", counted(*unlisted, "node"))
    };
    let lines: Vec<_> = servers.iter().map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The roots that could not be asked, a line for each.
pub(crate) fn unresolved(roots: &[UnresolvedReport]) -> Option<String> {
    let lines: Vec<_> = roots.iter().map(|root| root.line.as_str()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The same of repeated descents.
pub(crate) fn often_unresolved(count: &TraceCount) -> Option<String> {
    let line = |UnresolvedCount { root, descents }: &UnresolvedCount| {
        format!("{} ({descents} of {})", root.line, counted(count.descents, "descent"))
    };
    let lines: Vec<_> = count.unresolved.iter().map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What `tb trace` says below its table.
pub(crate) fn trace(trace: &TraceReport) -> Option<String> {
    let outcome = &trace.outcome;
    let silent = |state| state == CandidateState::Silent;
    let asked = || trace.candidates.iter().filter(|c| !c.is_unoffered());
    let silent = asked().filter(|c| silent(c.state)).count();
    Some(format!(
        "{} in {} ms: {} on the way, {}, {silent} silent{}",
        outcome.turn?,
        outcome.elapsed_ms?,
        counted(outcome.levels, "server"),
        counted(asked().count(), "candidate"),
        if outcome.transport == Some("https") { ", without UDP" } else { "" },
    ))
}

/// Why TURN servers are not offered, a line for each.
pub(crate) fn faults(trace: &TraceReport) -> Option<String> {
    let line = |row: &CandidateReport| {
        // Of a balance server that is silent the table says enough.
        let fault = row.fault.filter(|_| row.state != CandidateState::Silent)?;
        let whose = if row.turn == Some(row.addr) { "it" } else { "its TURN server" };
        Some(match &row.name {
            Some(name) => format!("{name} ({}): {whose} {fault}", row.addr),
            None => format!("{}: {whose} {fault}", row.addr),
        })
    };
    let lines: Vec<_> = trace.candidates.iter().filter_map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Who is on the way, and says that nobody should come, a line for each.
pub(crate) fn reluctant(trace: &TraceReport) -> Option<String> {
    let line = |row: &CandidateReport| {
        let says = of_itself(row.says?);
        Some(match &row.name {
            Some(name) => format!("{name} ({}): {says}", row.addr),
            None => format!("{}: {says}", row.addr),
        })
    };
    let lines: Vec<_> = trace.candidates.iter().filter_map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What a server on the way says of itself.
fn of_itself(says: CandidateState) -> &'static str {
    match says {
        CandidateState::Draining => "asks not to be chosen (draining)",
        CandidateState::Full => "has no room left (full)",
        other => other.as_str(),
    }
}

/// What it says of candidates whose answers came from elsewhere, a line for each of the first.
pub(crate) fn misplaced(trace: &TraceReport) -> Option<String> {
    let line = |row: &CandidateReport| {
        Some(format!("misplaced: asked {}, answered from {}", row.addr, row.answered_from?))
    };
    let lines: Vec<_> = trace.candidates.iter().filter_map(line).take(MOST_NAMED).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What it says of candidates that another argument would have asked.
pub(crate) fn refused(trace: &TraceReport) -> Option<String> {
    let opens = trace.candidates.iter().filter_map(|c| c.allow);
    let advice = Advice::on_refused(opens).filter(|_| trace.outcome.turn.is_some())?;
    let refused = trace.candidates.iter().filter(|c| c.state == CandidateState::Refused);
    Some(format!("{} refused: {advice}", counted(refused.count(), "candidate")))
}

/// What `tb trace -c` says below its table.
pub(crate) fn count(report: &TraceCount) -> String {
    let unsent = match report.unsent {
        0 => String::new(),
        unsent => format!(", {unsent} could not be sent"),
    };
    let descents = counted(report.descents, "descent");
    format!("{descents}, {} found a TURN server{unsent}", report.found)
}

/// What was sent, and how if that was not by UDP.
fn sent(datagrams: u32, connections: u32, transport: Option<&str>) -> String {
    match transport {
        Some("https") => format!("{}, without UDP", counted(connections, "connection")),
        _ => counted(datagrams, "datagram"),
    }
}

/// How one is listed that a NAT64 leads to.
fn listed(listed: Option<SocketAddr>) -> String {
    listed.map(|listed| format!(", listed as {listed}")).unwrap_or_default()
}

/// What one is labelled with, where that was asked.
fn labels(labels: &Labels) -> String {
    if labels.is_empty() { String::new() } else { format!(", {labels}") }
}

/// How full one is, where that is told.
fn fullness(load: Option<Load>) -> String {
    load.map(|load| format!(", {load} full")).unwrap_or_default()
}

fn reason(runner: &RunnerUpReport, best: Ms) -> String {
    match runner.why {
        Why::Silent => SILENT.to_owned(),
        Why::Later => "answered later".to_owned(),
        Why::Drawn => "as near, not drawn".to_owned(),
        Why::Unpreferred => "less preferred".to_owned(),
        _ => format!("slower by {} ms", Ms((runner.rtt_ms.0 - best.0).max(0.0))),
    }
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;
    use crate::cmd::report::examples;

    #[test]
    fn a_probe_in_a_line() {
        assert_eq!(
            probe(&examples::probe()).unwrap(),
            "fra-b  11.97 ms  in 38.20 ms: 41 candidates, 1 silent, 96 datagrams"
        );
        let mut behind = examples::probe();
        behind.listed = behind.turn;
        let line = probe(&behind).unwrap();
        assert!(line.ends_with("96 datagrams, listed as 203.0.113.52:3478"), "{line}");
        let mut without_udp = examples::probe();
        (without_udp.transport, without_udp.connections) = (Some("https"), 24);
        assert_eq!(
            probe(&without_udp).unwrap(),
            "fra-b  11.97 ms  in 38.20 ms: 41 candidates, 1 silent, 24 connections, without UDP"
        );
        let mut nameless = examples::probe();
        nameless.name = None;
        nameless.candidates = 1;
        nameless.datagrams = 1;
        assert_eq!(
            probe(&nameless).unwrap(),
            "-  11.97 ms  in 38.20 ms: 1 candidate, 1 silent, 1 datagram"
        );
    }

    #[test]
    fn why_the_others_lost() {
        let mut example = examples::probe();
        example.path[1].rtt_ms = None;
        assert_eq!(
            path(&example, true).unwrap(),
            "path    198.51.100.7:3001  root   7.81 ms\n\
             path    203.0.113.52:3001  fra-b  -\n\
             chosen  203.0.113.52:3478  fra-b  11.97 ms, verified\n\
             lost    203.0.113.61:3478  ams-a  14.20 ms, slower by 2.23 ms\n"
        );
        example.runners_up[0].why = Why::Silent;
        let silent = "14.20 ms, but the TURN server itself has not answered\n";
        assert!(path(&example, true).unwrap().ends_with(silent));
        example.runners_up[0].why = Why::Later;
        assert!(path(&example, true).unwrap().ends_with("14.20 ms, answered later\n"));
        (example.drawn, example.load) = (Some(2), Load::new(41.0, 100));
        (example.runners_up[0].why, example.runners_up[0].load) = (Why::Drawn, Load::new(9.0, 10));
        let drawn = "11.97 ms, verified, drawn among 2 that are as near, 41 % full\n\
                     lost    203.0.113.61:3478  ams-a  14.20 ms, as near, not drawn, 90 % full\n";
        assert!(path(&example, true).unwrap().ends_with(drawn), "{:?}", path(&example, true));
    }

    #[test]
    fn a_choice_on_the_word_of_a_leaf() {
        let mut example = examples::probe();
        example.verified = Some(false);
        assert_eq!(
            path(&example, true).unwrap(),
            "path    198.51.100.7:3001  root   7.81 ms\n\
             path    203.0.113.52:3001  fra-b  12.06 ms\n\
             chosen  203.0.113.52:3478  fra-b  11.97 ms, but the TURN server itself has not answered\n\
             lost    203.0.113.61:3478  ams-a  14.20 ms, slower by 2.23 ms\n"
        );
        let said = strip_str(&unverified(&example).unwrap()).to_string();
        assert_eq!(
            said,
            "warning: no TURN server answered itself: `203.0.113.52:3478` is named on the word of \
             `fra-b` (203.0.113.52:3001)"
        );
        assert!(path(&example, false).unwrap().contains("11.97 ms, on the word of its leaf\n"));
        example.path[1].name = None;
        assert!(unverified(&example).unwrap().ends_with("on the word of `203.0.113.52:3001`"));
    }

    #[test]
    fn who_was_never_asked() {
        let addr = |last| SocketAddr::from(([192, 0, 2, last], 3001));
        assert_eq!(never_asked(&[]), None);
        let few =
            [(addr(9), Unasked::Host), (addr(1), Unasked::Budget), (addr(2), Unasked::Budget)];
        assert_eq!(
            never_asked(&few).unwrap(),
            "never asked: 192.0.2.1:3001, 192.0.2.2:3001: all that a descent may send was for others\n\
             never asked: 192.0.2.9:3001: too many requests to the same host were unanswered"
        );
        let many: Vec<_> = (1..24).map(|last| (addr(last), Unasked::Ended)).collect();
        let line = never_asked(&many).unwrap();
        assert!(line.ends_with("192.0.2.4:3001 and 19 more: the descent had ended"), "{line}");
    }

    #[test]
    fn whose_list_came_in_part() {
        assert_eq!(never_listed(&[]), None);
        let root = "root (198.51.100.7:3001)".to_owned();
        assert_eq!(
            never_listed(&[(root, 56), ("192.0.2.1:3001".to_owned(), 1)]).unwrap(),
            "never listed: 56 nodes of root (198.51.100.7:3001): no answer told of more\n\
             never listed: 1 node of 192.0.2.1:3001: no answer told of more"
        );
    }

    #[test]
    fn who_is_on_the_way_and_does_not_want_to_be() {
        let mut example = examples::probe();
        example.path[0].says = Some(CandidateState::Draining);
        example.path[1].says = Some(CandidateState::Full);
        let lines = path(&example, true).unwrap();
        assert!(lines.contains("root   7.81 ms, asks not to be chosen (draining)\n"), "{lines}");
        assert!(lines.contains("fra-b  12.06 ms, has no room left (full)\n"), "{lines}");
        let mut example = examples::trace();
        assert_eq!(reluctant(&example), None);
        example.candidates[0].says = Some(CandidateState::Draining);
        let line = "root (198.51.100.7:3001): asks not to be chosen (draining)";
        assert_eq!(reluctant(&example).unwrap(), line);
    }

    #[test]
    fn what_was_ignored() {
        assert_eq!(
            ignored(&examples::probe()),
            "ignored: 0 from an address not asked, 0 with a wrong id, 54 twice, 0 malformed"
        );
    }

    #[test]
    fn a_trace_in_a_line() {
        assert_eq!(
            trace(&examples::trace()).unwrap(),
            "203.0.113.52:3478 in 43.68 ms: 3 servers on the way, 9 candidates, 1 silent"
        );
    }

    #[test]
    fn what_is_wrong_with_turn_servers() {
        use turn_balance::TurnFault;

        let mut example = examples::trace();
        assert_eq!(faults(&example), None);
        example.candidates[4].fault = Some(TurnFault::Silent);
        assert_eq!(faults(&example), None, "that one is silent itself");
        let [.., leaf, turn] = example.candidates.as_mut_slice() else { panic!("{example:?}") };
        (leaf.state, leaf.sent) = (CandidateState::TurnDown, 0);
        leaf.fault = Some(TurnFault::WrongCredentials);
        (turn.state, turn.sent, turn.turn) = (CandidateState::Full, 0, Some(turn.addr));
        turn.fault = Some(TurnFault::Quota);
        assert_eq!(
            faults(&example).unwrap(),
            "ams-a (203.0.113.61:3001): its TURN server refuses the credentials\n\
             203.0.113.52:3478: it has no room left for this user (486)"
        );
        let line = trace(&example).unwrap();
        assert!(line.ends_with("3 servers on the way, 7 candidates, 1 silent"), "{line}");
    }

    #[test]
    fn what_another_argument_would_have_asked() {
        let mut example = examples::trace();
        assert_eq!(refused(&example), None);
        example.candidates[1].state = CandidateState::Refused;
        example.candidates[1].allow = Some("192.0.2.0/24".parse().unwrap());
        assert_eq!(
            refused(&example).unwrap(),
            "1 candidate refused: `--allow 192.0.2.0/24` asks those that are nearer than the root"
        );
        example.outcome.turn = None;
        assert_eq!(refused(&example), None, "the error says it then");
    }

    #[test]
    fn descents_in_a_line() {
        let mut example = examples::count();
        assert_eq!(count(&example), "10 descents, 9 found a TURN server");
        example.unsent = 1;
        let text = "10 descents, 9 found a TURN server, 1 could not be sent";
        assert_eq!(count(&example), text);
    }
}
