//! Clients where UDP is blocked: lists by HTTPS, TURN servers by TCP and TLS.
#![cfg(unix)]

#[cfg(target_os = "linux")]
mod blocked;
mod broker;
mod roots;

use turn_balance_lab::Built;

const BUILT: Built = turn_balance_lab::built!();

/// Far enough.
const LATER: &str = "20991231235959Z";

/// A list as a broker answers with it: each leaf by its name, TURN server and URLs.
fn list(servers: &[(&str, &str, &[&str])]) -> String {
    let server = |(name, turn, urls): &(&str, &str, &[&str])| {
        let addr = turn.replace(":3478", ":3001");
        format!(
            r#"{{"addr":"{addr}","kind":"leaf","name":"{name}","turn":"{turn}","urls":{urls:?},"rtt_ms":null,"load":null,"labels":{{}}}}"#
        )
    };
    let servers: Vec<_> = servers.iter().map(server).collect();
    let servers = servers.join(",");
    format!(
        r#"{{"schema":"tb.servers/1","name":"root","ice":{{"pwd":"x"}},"servers":[{servers}]}}"#
    )
}
