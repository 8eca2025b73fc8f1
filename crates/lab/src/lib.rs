//! What tests and benchmarks of real servers share: loopback networks, hosts of their own, servers
//! as processes, load.
#![expect(missing_docs, reason = "not published: what needs no word has none")]

#[cfg(target_os = "linux")]
pub mod bench;
pub mod certificates;
pub mod coturn;
#[cfg(target_os = "linux")]
pub mod crowd;
#[cfg(target_os = "linux")]
pub mod far;
#[cfg(target_os = "linux")]
pub mod host;
pub mod http;
pub mod loopback;
pub mod patience;
pub mod scripted;
pub mod second_turn;
#[cfg(unix)]
pub mod served;
pub mod web;

#[cfg(target_os = "linux")]
pub mod knot;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
pub mod process;
#[cfg(target_os = "linux")]
pub mod resolver;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What cargo has built for a test or a benchmark: see [`built!`].
#[derive(Debug, Clone, Copy)]
pub struct Built {
    /// The command line, `tb`.
    pub tb: &'static str,
    /// A folder for files.
    pub folder: &'static str,
}

impl Built {
    /// The path of a file that no other test has.
    pub fn file(&self, kind: &str) -> PathBuf {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        Path::new(self.folder).join(format!("{}-{number}.{kind}", std::process::id()))
    }
}

/// The [`Built`] of where this stands: cargo names it to tests and benchmarks of the root package,
/// and to nobody else.
#[macro_export]
macro_rules! built {
    () => {
        $crate::Built { tb: env!("CARGO_BIN_EXE_tb"), folder: env!("CARGO_TARGET_TMPDIR") }
    };
}

/// A moment to begin a simulation at, for rooms where no clock may be looked at.
pub fn moment() -> std::time::Instant {
    std::time::Instant::now()
}
