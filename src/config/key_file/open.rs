//! A key file, opened so that nobody can hold the process up with it, or slip another under it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::error::KeyError;
use super::secret::MAX_BYTES;

/// The first bytes of a key file, one more than any key has, and whether its group may write it.
pub(super) fn open(path: &Path) -> Result<(Vec<u8>, bool), KeyError> {
    let failed = |source| failure(path, source);
    let mut file = open_at_once(path).map_err(failed)?;
    // Of the open file, so that it is the one that is read.
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(KeyError::NotRegular { file: path.to_owned() });
    }
    let group_may_write = permissions::judge(path, &metadata)?;
    let mut content = Vec::new();
    file.by_ref().take(MAX_BYTES as u64 + 1).read_to_end(&mut content).map_err(failed)?;
    Ok((content, group_may_write))
}

/// Opens it, and waits for nobody: the other end of a pipe may never come.
fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NONBLOCK | libc::O_NOCTTY,
    );
    options.read(true).open(path)
}

fn failure(path: &Path, source: io::Error) -> KeyError {
    let file = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => KeyError::Missing { file, source },
        io::ErrorKind::PermissionDenied => {
            KeyError::Forbidden { file, user: permissions::user(), source }
        }
        // A socket, or a device that is not there.
        _ if permissions::is_no_such_device(&source) => KeyError::NotRegular { file },
        _ => KeyError::Unreadable { file, source },
    }
}

#[cfg(unix)]
mod permissions {
    use std::fs::Metadata;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::super::error::KeyError;

    /// Refuses a file that strangers could know or change. Returns whether its group may write it.
    ///
    /// A group may read: so it is with fsGroup of Kubernetes; and an ACL, as systemd's LoadCredential
    /// makes one for the user of a service, shows as the rights of the group.
    pub(super) fn judge(path: &Path, metadata: &Metadata) -> Result<bool, KeyError> {
        let (mode, owner, user) = (metadata.mode(), metadata.uid(), user());
        if owner != 0 && owner != user {
            return Err(KeyError::Owner { file: path.to_owned(), owner, user });
        }
        if mode & 0o006 != 0 {
            return Err(KeyError::Open { file: path.to_owned() });
        }
        Ok(mode & 0o020 != 0)
    }

    /// The user that this process runs as.
    #[expect(unsafe_code, reason = "there is no other way to ask that does not need /proc")]
    pub(super) fn user() -> u32 {
        // SAFETY: it takes nothing, and always succeeds.
        unsafe { libc::geteuid() }
    }

    pub(super) fn is_no_such_device(error: &io::Error) -> bool {
        matches!(error.raw_os_error(), Some(libc::ENXIO | libc::ENODEV))
    }
}

#[cfg(not(unix))]
mod permissions {
    use std::fs::Metadata;
    use std::io;
    use std::path::Path;

    use super::super::error::KeyError;

    pub(super) fn judge(_path: &Path, _metadata: &Metadata) -> Result<bool, KeyError> {
        Ok(false)
    }

    pub(super) fn user() -> u32 {
        0
    }

    pub(super) fn is_no_such_device(_error: &io::Error) -> bool {
        false
    }
}
