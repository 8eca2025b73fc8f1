//! The file of nodes that have joined: a server that starts again checks them at once, and need not wait for
//! their heartbeats.

mod disk;
mod file;
mod text;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::shared::SharedState;
use crate::net::engine::server::members::JoinedNode;
use crate::types::{canonical, escaped};

pub(super) use file::JoinedFile;

/// Between two times that it is looked whether there is something to write.
const PAUSE: Duration = Duration::from_secs(1);

/// How many lines that are passed over are told of.
const MOST_TOLD: usize = 10;

/// The most nodes that are written, and read: more than a server can check every three seconds.
const MOST_NODES: usize = 1 << 16;

/// Has the engine check those that had joined before this start; `own`: where this server listens.
pub(super) fn recall(shared: &SharedState, own: &[SocketAddr]) {
    let Some(path) = shared.joined_file.path() else { return };
    let file = escaped(&path.to_string_lossy());
    let lines = match disk::read(&path) {
        Ok(Some(lines)) => lines,
        Ok(None) => return,
        Err(error) => {
            return warn!(
                %file,
                %error,
                "cannot read the file of joined nodes: they come back with their heartbeats"
            );
        }
    };
    let (mut recalled, mut bad) = (0, 0);
    for (number, node) in text::read(&lines) {
        let result = node.map_err(str::to_owned).and_then(|node| {
            let node = JoinedNode { addr: canonical(node.addr), ..node };
            if own.contains(&node.addr) {
                return Err(format!("{} is this server itself", node.addr));
            }
            if recalled == MOST_NODES {
                return Err(format!("there are more than {MOST_NODES} nodes"));
            }
            let told = |why| format!("{} {why}", node.addr);
            shared.engine().recall(Instant::now(), node).map_err(told)
        });
        match result {
            Ok(()) => recalled += 1,
            Err(reason) => {
                bad += 1;
                if bad <= MOST_TOLD {
                    warn!(at = %format_args!("{file}:{number}"), %reason, "a node that had joined is passed over");
                }
            }
        }
    }
    if bad > MOST_TOLD {
        warn!(%file, more = bad - MOST_TOLD, "more nodes that had joined are passed over");
    }
    info!(%file, nodes = recalled, "nodes that had joined are checked again");
}

/// Writes it now, if it does not hold what there is. It may take as long as the disk does.
pub(super) fn save(shared: &SharedState) {
    shared.joined_file.save(|known| {
        let engine = shared.engine();
        let (number, nodes) = engine.joined();
        (known != Some(number)).then(|| (number, nodes.take(MOST_NODES).collect()))
    });
}

/// Writes it whenever it has changed, about once a second at most, on threads on which nothing else waits.
pub(super) async fn keep(shared: Arc<SharedState>) {
    loop {
        let file = &shared.joined_file;
        if file.path().is_none() {
            file.moved.notified().await;
        } else if file.is_due() {
            let shared = shared.clone();
            // A panic is no reason to answer nobody any more.
            let _ = spawn_blocking(move || save(&shared)).await;
        }
        let _ = tokio::time::timeout(PAUSE, shared.joined_file.moved.notified()).await;
    }
}
