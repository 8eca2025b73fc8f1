//! What files say, read again when they change.

use std::fmt;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tracing::{info, warn};

use crate::types::escaped;

/// How often it is looked whether a file has changed, while somebody asks.
const LOOKED: Duration = Duration::from_secs(1);

/// What some files say together, the last time that it could be used.
pub(super) struct Renewed<T, E> {
    files: Vec<PathBuf>,
    /// What that is, for the log.
    what: String,
    read: Box<dyn Fn() -> Result<T, E> + Send + Sync>,
    current: Mutex<LastRead<T>>,
}

struct LastRead<T> {
    value: Arc<T>,
    /// How the files were that were read last, good or bad.
    stamps: Vec<Option<FileStamp>>,
    looked: Instant,
}

/// What changes where a file does. One that is mended by `chmod` keeps its time and length.
type FileStamp = (SystemTime, u64, Access);

/// The file's number, its mode, and whose it is.
type Access = (u64, u32, u32, u32);

impl<T, E: fmt::Display> Renewed<T, E> {
    /// Reads them.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn new(
        files: &[&Path],
        what: impl fmt::Display,
        read: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<Self, E> {
        let files: Vec<_> = files.iter().map(|file| file.to_path_buf()).collect();
        // Before they are read: who writes meanwhile is seen the next time.
        let stamps = stamps(&files);
        let current = LastRead { value: Arc::new(read()?), stamps, looked: Instant::now() };
        let (what, current) = (what.to_string(), Mutex::new(current));
        Ok(Self { files, what, read: Box::new(read), current })
    }

    /// What they say now; as long as that is of no use, what they said before.
    pub(super) fn get(&self) -> Arc<T> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= LOOKED {
            current.looked = Instant::now();
            self.renew(&mut current);
        }
        current.value.clone()
    }

    /// Reads the files again, if one has changed. What is wrong with them is told once.
    fn renew(&self, current: &mut LastRead<T>) {
        let stamps = stamps(&self.files);
        if current.stamps == stamps {
            return;
        }
        current.stamps = stamps;
        let file = self.files.first().map(|file| escaped(&file.to_string_lossy()));
        let file = file.unwrap_or_default();
        match (self.read)() {
            Ok(value) => {
                current.value = Arc::new(value);
                info!(%file, "{} read again", self.what);
            }
            Err(error) => {
                warn!(%file, %error, "cannot use the new {}, the old one counts", self.what);
            }
        }
    }
}

impl<T, E> fmt::Debug for Renewed<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewed").field("files", &self.files).finish_non_exhaustive()
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<FileStamp>> {
    let stamp = |file: &PathBuf| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len(), access(&metadata)))
    };
    files.iter().map(stamp).collect()
}

#[cfg(unix)]
fn access(metadata: &Metadata) -> Access {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.ino(), metadata.mode(), metadata.uid(), metadata.gid())
}

#[cfg(not(unix))]
fn access(_: &Metadata) -> Access {
    Access::default()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_that_is_closed_is_another() {
        let file = std::env::temp_dir().join(format!("tb-renewed-{}", std::process::id()));
        fs::write(&file, "secret").unwrap();
        let stamp_at = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            stamps(std::slice::from_ref(&file))
        };
        let (open, closed) = (stamp_at(0o644), stamp_at(0o600));
        assert_ne!(open, closed);
        assert_eq!(closed, stamp_at(0o600));
        fs::remove_file(&file).unwrap();
        assert_eq!(stamps(&[file]), [None]);
    }
}
