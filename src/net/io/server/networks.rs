//! The networks that this host is in: an interface may come up after the server, or change.

use std::sync::Arc;
use std::time::Duration;

use super::shared::SharedState;
use crate::net::io::interfaces::on_link;

/// How often the interfaces are looked at: what is known of them then is as old as what is known of
/// names.
const AGAIN: Duration = Duration::from_secs(60);

/// Looks at them.
pub(super) fn set(shared: &SharedState) {
    shared.engine().set_on_link(on_link());
}

/// Looks at them again and again.
pub(super) async fn watch(shared: Arc<SharedState>) {
    loop {
        tokio::time::sleep(AGAIN).await;
        let on_link = on_link();
        shared.engine().set_on_link(on_link);
    }
}
