//! A key file, opened so that nobody can hold the process up with it, or slip another under it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::error::KeyError;
use super::kind::SecretKind;

/// The first bytes of a file, one more than it may have at `most`, and whether its group may write it.
pub(super) fn open(
    path: &Path,
    what: SecretKind,
    most: usize,
) -> Result<(Vec<u8>, bool), KeyError> {
    let failed = |source| failure(path, what, source);
    let mut file = open_at_once(path).map_err(failed)?;
    // Of the open file, so that it is the one that is read.
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(KeyError::NotRegular { file: path.to_owned(), what });
    }
    let group_may_write = match what {
        SecretKind::Certificates | SecretKind::CertificateChain => false,
        _ => permissions::judge(path, what, &metadata)?,
    };
    let mut content = Vec::new();
    file.by_ref().take(most as u64 + 1).read_to_end(&mut content).map_err(failed)?;
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

fn failure(path: &Path, what: SecretKind, source: io::Error) -> KeyError {
    let file = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => KeyError::Missing { file, what, source },
        io::ErrorKind::PermissionDenied => {
            KeyError::Forbidden { file, what, user: permissions::user(), source }
        }
        // A socket, or a device that is not there.
        _ if permissions::is_no_such_device(&source) => KeyError::NotRegular { file, what },
        _ => KeyError::Unreadable { file, what, source },
    }
}

#[cfg(unix)]
mod permissions {
    use std::fs::Metadata;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::super::error::KeyError;
    use super::super::kind::SecretKind;

    /// Refuses a file that strangers could know or change. Returns whether its group may write it.
    ///
    /// A group may read: so it is with fsGroup of Kubernetes; and an ACL, as systemd's LoadCredential
    /// makes one for the user of a service, shows as the rights of the group.
    pub(super) fn judge(
        path: &Path,
        what: SecretKind,
        metadata: &Metadata,
    ) -> Result<bool, KeyError> {
        let (mode, owner, user) = (metadata.mode(), metadata.uid(), user());
        if owner != 0 && owner != user {
            return Err(KeyError::Owner { file: path.to_owned(), what, owner, user });
        }
        if mode & 0o006 != 0 {
            return Err(KeyError::Open { file: path.to_owned(), what });
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
    use super::super::kind::SecretKind;

    pub(super) fn judge(
        _path: &Path,
        _what: SecretKind,
        _metadata: &Metadata,
    ) -> Result<bool, KeyError> {
        Ok(false)
    }

    pub(super) fn user() -> u32 {
        0
    }

    pub(super) fn is_no_such_device(_error: &io::Error) -> bool {
        false
    }
}
