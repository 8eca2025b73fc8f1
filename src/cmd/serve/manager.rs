//! What the service manager is told that has started this, if one has: systemd, or who listens as it does
//! (sd_notify(3)).

use std::future::pending;

use sd_notify::NotifyState;
use turn_balance::Server;

/// It answers, and its configuration is the one that counts.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reads its configuration again; [`ready`] follows.
pub(super) fn reloading() {
    // Whoever sends SIGHUP by itself (`Type=notify-reload`) compares when that was.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// It is about to end, which takes as long as it drains.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that it lives as often as a watchdog wants to hear it, for as long as the server tells what it is doing.
pub(super) async fn keep_alive(server: &Server) {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return pending().await;
    };
    loop {
        server.status();
        tell(&[NotifyState::Watchdog]);
        tokio::time::sleep(patience / 2).await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}
