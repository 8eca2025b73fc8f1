//! The file itself: read with suspicion, and replaced as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The largest file: of as many nodes as are written, with the longest lines that there are, and as many again.
const MAX_BYTES: u64 = 8 << 20;

/// Its text; `None`: there is none. What is no UTF-8 is a line that nobody can read.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    let mut options = OpenOptions::new();
    // It waits for nobody: the other end of a pipe may never come.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NONBLOCK | libc::O_NOCTTY,
    );
    let file = match options.read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Of the open file, so that it is the one that is read.
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&metadata) & 0o022 != 0 {
        return Err(io::Error::other("others than its owner may write it"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is larger than 8 MiB"));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Puts this text in the place of what is there, so that whoever reads it, after whatever has happened, has all
/// of the one or of the other.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = beside(path);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {} // one that an end by force has left
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.write(true).create_new(true).open(&new)?;
    let written = fill(file, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn fill(mut file: File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A file in the same folder, so that it can take the other's place.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tb-joined-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn it_is_replaced_as_a_whole() {
        let folder = folder("whole");
        let file = folder.join("joined");
        assert_eq!(read(&file).unwrap(), None);
        fs::write(beside(&file), "what a crash has left").unwrap();
        for text in ["one\n", "two\n"] {
            replace(&file, text).unwrap();
            assert_eq!(read(&file).unwrap().as_deref(), Some(text));
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        // One that cannot be replaced stays.
        fs::create_dir(beside(&file)).unwrap();
        assert!(replace(&file, "three\n").is_err());
        assert_eq!(read(&file).unwrap().as_deref(), Some("two\n"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn it_is_closed_to_others_and_only_such_a_one_is_read() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
        let folder = folder("closed");
        let (file, other) = (folder.join("joined"), folder.join("other"));
        fs::write(&other, "stays").unwrap();
        symlink(&other, beside(&file)).unwrap();
        replace(&file, "one\n").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&other).unwrap(), "stays", "a link is not followed");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).unwrap();
        assert_eq!(read(&file).unwrap_err().to_string(), "others than its owner may write it");
        assert_eq!(read(&folder).unwrap_err().to_string(), "it is no regular file");
        let large = File::create(&file).unwrap();
        large.set_len(MAX_BYTES + 1).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&file).unwrap_err().to_string(), "it is larger than 8 MiB");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_no_text_is_a_line_that_is_none() {
        let folder = folder("bytes");
        let file = folder.join("joined");
        fs::write(&file, b"\xff\xfe\n192.0.2.1:1 1\n").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        assert_eq!(read(&file).unwrap().unwrap().lines().count(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }
}
