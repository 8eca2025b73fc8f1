use std::path::Path;

use turn_balance::{Config, Endpoint, escaped};

use super::words::counted;

/// What `--check` says of a configuration that is fine.
pub(crate) fn check_passed(file: &Path, config: &Config) -> String {
    let superiors: Vec<String> = config.cluster.superiors.iter().map(Endpoint::to_string).collect();
    let superiors = match superiors.as_slice() {
        [] => "no superior".to_owned(),
        [one] => format!("superior {one}"),
        many => format!("superiors {}", many.join(" ")),
    };
    let turns = config.cluster.nodes.iter().filter(|node| node.turn.is_some()).count();
    let turn: Vec<String> = config.turn.bind.iter().map(ToString::to_string).collect();
    let turn = match turn.as_slice() {
        [] if turns > 0 => "no TURN server of its own".to_owned(),
        [] => "no TURN server".to_owned(),
        addrs => format!("TURN server {}", addrs.join(" ")),
    };
    let turns = match turns {
        0 => String::new(),
        some => format!(", {} among its nodes", counted(some, "TURN server")),
    };
    format!(
        "{}: ok ({}{turns}, {superiors}, {turn})",
        escaped(&file.to_string_lossy()),
        counted(config.cluster.nodes.len(), "node"),
    )
}

#[cfg(test)]
mod tests {
    use turn_balance::{NodeEntry, TurnServer};

    use super::*;

    #[test]
    fn what_check_says() {
        let mut config = Config::default();
        assert_eq!(
            check_passed(Path::new("defaults"), &config),
            "defaults: ok (0 nodes, no superior, no TURN server)"
        );
        let addr: Endpoint = "203.0.113.12:3001".parse().unwrap();
        let node = NodeEntry::new(addr.clone());
        config.cluster.nodes = vec![node; 3];
        config.cluster.superiors = vec!["198.51.100.7:3001".parse().unwrap()];
        assert_eq!(
            check_passed(Path::new("balance.toml"), &config),
            "balance.toml: ok (3 nodes, superior 198.51.100.7:3001, no TURN server)"
        );
        config.cluster.nodes.truncate(1);
        config.cluster.superiors.push(addr);
        config.turn.bind = vec!["203.0.113.52:3478".parse().unwrap()];
        assert_eq!(
            check_passed(Path::new("balance.toml"), &config),
            "balance.toml: ok (1 node, superiors 198.51.100.7:3001 203.0.113.12:3001, \
             TURN server 203.0.113.52:3478)"
        );
        let node = config.cluster.nodes[0].clone().turn(TurnServer::default());
        config.cluster.superiors.clear();
        config.cluster.nodes.push(node.clone());
        config.turn.bind.push("[2001:db8::52]:3478".parse().unwrap());
        let text = |config: &Config| check_passed(Path::new("a"), config);
        assert_eq!(
            text(&config),
            "a: ok (2 nodes, 1 TURN server among its nodes, no superior, \
             TURN server 203.0.113.52:3478 [2001:db8::52]:3478)"
        );
        config.cluster.nodes.push(node);
        config.turn.bind.clear();
        assert!(text(&config).ends_with(
            "(3 nodes, 2 TURN servers among its nodes, no superior, no TURN server of its own)"
        ));
    }
}
