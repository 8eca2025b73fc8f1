//! The lines of the file: an address and the number of a key in each.

use std::fmt::Write as _;

use crate::net::engine::server::members::JoinedNode;

/// What stands above them, for who opens it.
const HEAD: &str = "# Nodes that have joined this server, each with the number of its key. The server writes \
                    this file anew while it runs.\n";

/// These nodes as a file.
pub(super) fn write(nodes: &[JoinedNode]) -> String {
    let mut text = HEAD.to_owned();
    for JoinedNode { addr, key } in nodes {
        let _ = writeln!(text, "{addr} {key}");
    }
    text
}

/// The nodes of a file, each with the number of its line, or what is wrong there.
pub(super) fn read(
    text: &str,
) -> impl Iterator<Item = (usize, Result<JoinedNode, &'static str>)> + '_ {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(number, line)| (number, node(line)))
}

fn node(line: &str) -> Result<JoinedNode, &'static str> {
    let (addr, key) = line.split_once(' ').ok_or("it is no address and number of a key")?;
    let addr = addr.parse().map_err(|_| "it begins with no address and port")?;
    let key = key.parse().map_err(|_| "it ends with no number of a key")?;
    Ok(JoinedNode { addr, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let nodes = ["192.0.2.7:3001", "[2001:db8::7]:65535", "[fe80::7%3]:1"];
        let nodes = nodes.map(|addr| JoinedNode { addr: addr.parse().unwrap(), key: u32::MAX });
        let text = write(&nodes);
        let read: Vec<_> = read(&text).collect();
        assert_eq!(read, [2, 3, 4].map(|line| (line, Ok(nodes[line - 2]))));
    }

    #[test]
    fn a_bad_line_loses_nothing_else() {
        let text = "192.0.2.1:1 1\r\n\n192.0.2.2 1\n192.0.2.3:1\n192.0.2.4:1 -1\n\u{fffd}\0\u{1b}[2J\n\
                    192.0.2.5:1 4294967296\n#\n192.0.2.6:1 1 1\n 192.0.2.7:1 2";
        let good = read(text).filter_map(|(line, node)| Some((line, node.ok()?.key)));
        assert_eq!(Vec::from_iter(good), [(1, 1), (10, 2)]);
        assert_eq!(read(text).count(), 8);
    }
}
