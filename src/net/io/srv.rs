//! Whom a client finds by SRV records: by DNS who is named, by the system's resolver where that is.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::dns::{self, Lasting};
use super::look_up::look_up;

/// How long those that are found wait for others, which may have no address at all.
const OTHERS: Duration = Duration::from_secs(1);

/// The servers of each priority, the lowest first, looked up on a thread of its own as any name is; `then` is
/// called there.
pub(super) fn start(
    name: &str,
    then: impl FnOnce(io::Result<Vec<Vec<SocketAddr>>>) + Send + 'static,
) -> io::Result<()> {
    let name = name.to_owned();
    let work = move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        then(runtime.and_then(|runtime| runtime.block_on(find(&name))));
    };
    thread::Builder::new().name("tb look-up".into()).spawn(work).map(drop)
}

/// The same, in a task.
pub(super) async fn find(name: &str) -> io::Result<Vec<Vec<SocketAddr>>> {
    let Lasting { what, .. } = dns::services(name).await?;
    let mut look_ups = JoinSet::new();
    for service in what.services {
        look_ups
            .spawn(async move { (service.priority, look_up(&service.host, service.port).await) });
    }
    let (mut groups, mut failed) = (BTreeMap::<_, Vec<_>>::new(), None);
    loop {
        let patience = if groups.is_empty() { Duration::MAX } else { OTHERS };
        let Ok(Some(Ok((priority, found)))) = timeout(patience, look_ups.join_next()).await else {
            break;
        };
        match found {
            Ok(addrs) => groups.entry(priority).or_default().extend(addrs),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if groups.is_empty() => Err(error),
        _ => Ok(groups.into_values().collect()),
    }
}
