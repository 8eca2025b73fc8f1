use std::time::{Duration, UNIX_EPOCH};

use super::words::or_dash;
use crate::cmd::report::{LeftReport, RunnerUpReport, WatchReport};

/// What is said where nothing was found.
pub(crate) const GOES_ON: &str = "looking again";

/// How many that stand by are named.
const STANDBYS: usize = 2;

/// What `tb probe --watch` says beside the address, at a time of day in UTC.
pub(crate) fn change(change: &WatchReport) -> String {
    let time = UNIX_EPOCH + Duration::from_secs_f64(change.timestamp);
    let time = humantime::format_rfc3339_seconds(time).to_string();
    let time = time.split_once('T').map_or(time.as_str(), |(_, time)| time);
    let rtt = or_dash(change.rtt_ms.map(|rtt| format!("{rtt} ms")));
    let why = match (change.reason, &change.left) {
        (None, _) => "selected".to_owned(),
        (Some(reason), None) => reason.to_string(),
        (Some(reason), Some(left)) => format!("{} {reason}", called(left)),
    };
    let (turn, name) = (or_dash(change.turn), or_dash(change.name.as_ref()));
    format!("{time}  {turn}  {name}  {rtt}  {why}; {}", beside(change))
}

fn called(left: &LeftReport) -> String {
    left.name.clone().unwrap_or_else(|| left.turn.to_string())
}

/// Who stands by.
fn beside(change: &WatchReport) -> String {
    let standby = |runner: &RunnerUpReport| {
        let name = runner.name.clone().unwrap_or_else(|| runner.turn.to_string());
        format!("{name} {} ms", runner.rtt_ms)
    };
    let standbys: Vec<_> = change.runners_up.iter().take(STANDBYS).map(standby).collect();
    match (change.turn, standbys.is_empty()) {
        (None, _) => "nobody else answers, looking again".to_owned(),
        (Some(_), true) => "no standby".to_owned(),
        (Some(_), false) => format!("standby {}", standbys.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use turn_balance::WatchReason;

    use super::*;
    use crate::cmd::report::examples;

    #[test]
    fn a_change_in_a_line() {
        let mut example = examples::watch();
        assert_eq!(
            change(&example),
            "15:09:41Z  203.0.113.52:3478  fra-b  11.97 ms  selected; standby ams-a 14.20 ms"
        );
        let left = LeftReport {
            turn: "203.0.113.52:3478".parse().unwrap(),
            name: Some("fra-b".to_owned()),
            rtt_ms: example.rtt_ms.unwrap(),
        };
        example.left = Some(left);
        example.reason = Some(WatchReason::Silent { lasted: Duration::from_millis(3_004) });
        example.runners_up.clear();
        let line = change(&example);
        assert!(line.ends_with("  fra-b  11.97 ms  fra-b silent for 3 s; no standby"), "{line}");
        let (left, reason) = (example.left.take(), example.reason.replace(WatchReason::Standbys));
        assert!(change(&example).ends_with("  11.97 ms  others stand by; no standby"));
        (example.left, example.reason) = (left, reason);
        (example.turn, example.name, example.rtt_ms) = (None, None, None);
        assert_eq!(
            change(&example),
            "15:09:41Z  -  -  -  fra-b silent for 3 s; nobody else answers, looking again"
        );
    }
}
