use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::cmd::report::{Advice, Ms, PingReply, PingReport};

/// The first line: whom, and with how much.
pub(crate) fn header(server: &impl fmt::Display, addr: SocketAddr, bytes: usize) -> String {
    format!("PING {server} ({addr}) {bytes} bytes of data.")
}

/// The line of one request, which was awaited for so long; `stamped`: with the time of day.
pub(crate) fn reply(
    reply: &PingReply,
    addr: SocketAddr,
    timeout: Duration,
    stamped: bool,
) -> String {
    let stamp = if stamped { format!("[{:.6}] ", reply.timestamp) } else { String::new() };
    let seq = reply.seq;
    match (reply.bytes, reply.rtt_ms) {
        (Some(bytes), Some(rtt)) => {
            let late = if reply.late { " (late)" } else { "" };
            let duplicate = if reply.duplicate { " (DUP!)" } else { "" };
            let time = time(rtt);
            format!("{stamp}{bytes} bytes from {addr}: seq={seq} time={time} ms{late}{duplicate}")
        }
        _ => {
            let why = match reply.unreachable {
                Some("port") => "port unreachable".to_owned(),
                Some(_) => "no route".to_owned(),
                None => format!("timeout={timeout:?}"),
            };
            let elsewhere = reply.answered_from.map(|from| format!(" (one came from {from})"));
            let elsewhere = elsewhere.unwrap_or_default();
            format!("{stamp}no answer from {addr}: seq={seq} {why}{elsewhere}")
        }
    }
}

/// The end, in the words of iputils: much reads them.
pub(crate) fn statistics(ping: &PingReport) -> String {
    let mut text = format!(
        "\n--- {} ping statistics ---\n\
         {} packets transmitted, {} received{}{}, {}% packet loss, time {:.0}ms\n",
        ping.server,
        ping.transmitted,
        ping.received,
        some(ping.duplicates, "duplicates"),
        some(ping.errors, "errors"),
        percent(ping.loss_percent.unwrap_or_default()),
        ping.time_ms,
    );
    if let (Some(min), Some(avg), Some(max), Some(mdev)) =
        (ping.min_ms, ping.avg_ms, ping.max_ms, ping.mdev_ms)
    {
        text += &format!("rtt min/avg/max/mdev = {min:.3}/{avg:.3}/{max:.3}/{mdev:.3} ms\n");
    }
    text
}

/// What may help where no answer came.
pub(crate) fn hint(advice: &Advice) -> String {
    format!("hint: {advice}")
}

/// What `-v` adds to that.
pub(crate) fn percentiles(ping: &PingReport) -> Option<String> {
    let (p50, p90, p99) = (ping.p50_ms?, ping.p90_ms?, ping.p99_ms?);
    Some(format!("rtt p50/p90/p99 = {p50:.3}/{p90:.3}/{p99:.3} ms"))
}

fn some(number: u64, what: &str) -> String {
    if number > 0 { format!(", +{number} {what}") } else { String::new() }
}

/// Three digits, at most microseconds.
pub(super) fn time(rtt: Ms) -> String {
    match rtt.0 {
        ..0.9995 => format!("{rtt:.3}"),
        ..9.995 => format!("{rtt:.2}"),
        ..99.95 => format!("{rtt:.1}"),
        _ => format!("{rtt:.0}"),
    }
}

/// Six digits, without zeros at the end.
fn percent(percent: f64) -> String {
    let before_point = (percent as u64).checked_ilog10().map_or(1, |log| log as usize + 1);
    let text = format!("{percent:.*}", 6_usize.saturating_sub(before_point));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::report::examples;

    fn answer(seq: u64, rtt_ms: Option<Ms>) -> PingReply {
        let bytes = rtt_ms.map(|_| 28);
        let timestamp = 1_795_778_101.5;
        PingReply {
            seq,
            bytes,
            rtt_ms,
            late: false,
            duplicate: false,
            unreachable: None,
            answered_from: None,
            timestamp,
        }
    }

    #[test]
    fn what_is_no_usual_answer_is_marked() {
        let line = |wanted: PingReply, stamped| {
            let addr = "203.0.113.10:3001".parse().unwrap();
            reply(&wanted, addr, Duration::from_secs(1), stamped)
        };
        let (answered, lost) = (answer(2, Some(Ms(1500.0))), answer(3, None));
        let from = "28 bytes from 203.0.113.10:3001: seq=2 time=1500 ms";
        assert_eq!(line(answered, true), format!("[1795778101.500000] {from}"));
        let late = PingReply { late: true, ..answered };
        assert_eq!(line(late, false), format!("{from} (late)"));
        let duplicate = PingReply { duplicate: true, ..answered };
        assert_eq!(line(duplicate, false), format!("{from} (DUP!)"));
        for (what, why) in [("port", "port unreachable"), ("path", "no route")] {
            let refused = PingReply { unreachable: Some(what), ..lost };
            let expected = format!("no answer from 203.0.113.10:3001: seq=3 {why}");
            assert_eq!(line(refused, false), expected);
        }
        let mut ping = examples::ping();
        (ping.duplicates, ping.errors) = (2, 1);
        let counts = "4 packets transmitted, 3 received, +2 duplicates, +1 errors, 25% packet loss";
        assert!(statistics(&ping).contains(counts));
    }

    #[test]
    fn the_example() {
        let addr = "203.0.113.10:3001".parse().unwrap();
        let timeout = Duration::from_secs(1);
        let rtts = [Some(Ms(11.79)), None, Some(Ms(11.92)), Some(Ms(12.41))];
        let replies = (1..).zip(rtts).map(|(seq, rtt)| answer(seq, rtt));
        let mut lines = vec![header(&"fra.example", addr, 28)];
        lines.extend(replies.map(|r| reply(&r, addr, timeout, false)));
        lines.push(statistics(&examples::ping()));
        let expected = "\
PING fra.example (203.0.113.10:3001) 28 bytes of data.
28 bytes from 203.0.113.10:3001: seq=1 time=11.8 ms
no answer from 203.0.113.10:3001: seq=2 timeout=1s
28 bytes from 203.0.113.10:3001: seq=3 time=11.9 ms
28 bytes from 203.0.113.10:3001: seq=4 time=12.4 ms

--- fra.example ping statistics ---
4 packets transmitted, 3 received, 25% packet loss, time 3021ms
rtt min/avg/max/mdev = 11.790/12.040/12.410/0.267 ms
";
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn nothing_received_has_no_times() {
        let mut ping = examples::ping();
        ping.received = 0;
        ping.loss_percent = Some(100.0);
        ping.min_ms = None;
        let text = statistics(&ping);
        assert!(
            text.ends_with("4 packets transmitted, 0 received, 100% packet loss, time 3021ms\n")
        );
    }

    #[test]
    fn more_with_v() {
        assert_eq!(
            percentiles(&examples::ping()).unwrap(),
            "rtt p50/p90/p99 = 11.920/12.410/12.410 ms"
        );
    }

    #[test]
    fn three_digits() {
        let times = [
            (0.0416, "0.042"),
            (0.9994, "0.999"),
            (0.9996, "1.00"),
            (9.99, "9.99"),
            (9.996, "10.0"),
            (99.96, "100"),
            (1234.5, "1234"),
        ];
        for (rtt, text) in times {
            assert_eq!(time(Ms(rtt)), text);
        }
    }

    #[test]
    fn percents() {
        let percents = [
            (0.0, "0"),
            (25.0, "25"),
            (100.0 / 3.0, "33.3333"),
            (100.0, "100"),
            (2.5, "2.5"),
            (100.0 / 7000.0, "0.01429"),
        ];
        for (value, text) in percents {
            assert_eq!(percent(value), text);
        }
    }
}
