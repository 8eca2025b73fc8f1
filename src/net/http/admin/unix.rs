//! A socket in the file system.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{UnixListener, UnixStream};

use crate::error::Error;
use crate::net::http::listener::Door;

/// How many connections may wait to be let in.
const BACKLOG: i32 = 128;

/// Who may connect: the user of the server, and its group.
const MODE: u32 = 0o660;

/// A socket that listens; its file goes with it.
#[derive(Debug)]
pub(super) struct UnixDoor {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl UnixDoor {
    /// Listens at a path. What a server before this one has left there is removed, and nothing else.
    ///
    /// # Errors
    /// [`Error::ListenUnix`].
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        listen(path).map_err(|source| Error::ListenUnix { path: path.to_owned(), source })
    }
}

impl Door for UnixDoor {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, IpAddr)> {
        let (stream, _) = self.listener.accept().await?;
        Ok((stream, Ipv4Addr::LOCALHOST.into()))
    }
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        // Another server may have put its own there.
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn listen(path: &Path) -> io::Result<UnixDoor> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Before anybody can connect, which is from `listen` on.
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    let inode = fs::symlink_metadata(path)?.ino();
    socket.listen(BACKLOG)?;
    let listener = std::os::unix::net::UnixListener::from(std::os::fd::OwnedFd::from(socket));
    Ok(UnixDoor { listener: UnixListener::from_std(listener)?, path: path.to_owned(), inode })
}

/// Removes a socket at which nobody listens any more.
fn remove_stale(path: &Path) -> io::Result<()> {
    let file = match fs::symlink_metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !file.file_type().is_socket() {
        let why = "there is a file of another kind, which is left alone";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    match StdUnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}
