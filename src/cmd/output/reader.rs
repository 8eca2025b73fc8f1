//! Whether anybody reads.

/// Waits until nobody reads stdout any more; for ever where the system does not tell, as of a file. A command
/// that has nothing to write for hours would else hear of it no sooner.
#[cfg(target_os = "linux")]
pub(crate) async fn stdout_closes() {
    use std::os::fd::AsFd as _;

    use tokio::io::Interest;
    use tokio::net::unix::pipe::Sender;

    // A pipe without a reader is in error (poll(2)). Nothing is written here, and so nothing set about it.
    let stdout = std::io::stdout().as_fd().try_clone_to_owned();
    if let Ok(stdout) = stdout.and_then(Sender::from_owned_fd_unchecked) {
        while let Ok(ready) = stdout.ready(Interest::ERROR).await {
            if ready.is_error() {
                return;
            }
        }
    }
    std::future::pending().await
}

/// Waits for ever: it shows with the next line.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn stdout_closes() {
    std::future::pending().await
}
