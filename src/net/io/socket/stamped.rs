//! Datagrams with the moment at which the system received them (`SO_TIMESTAMPNS`).
//!
//! Invariants: every pointer that the system call is given points into a buffer or local that outlives
//! the call, with the length that stands beside it. `zeroed` is only asked for C structures of integers
//! and pointers, for which all zeros is a value.
#![expect(unsafe_code, reason = "control messages, which no safe wrapper reads")]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::option::set;
use super::sockaddr;
use super::stamp::Stamped;
use super::udp::ANSWER_ROOM;

/// Whether the system tells when a datagram came.
#[cfg(feature = "server")]
pub(crate) const TELLS_WHEN: bool = true;

/// Room for the control messages: the moment, with slack for what an application has asked for.
const CONTROL_ROOM: usize = 256;

/// A buffer for them; `cmsghdr` wants the alignment of a `usize`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct ControlBuffer([u8; CONTROL_ROOM]);

/// Has the system tell the moments of this socket's datagrams from now on.
pub(crate) fn keep(socket: &UdpSocket) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
}

/// Takes the datagrams that are there now, as many as have [`ANSWER_ROOM`] in the buffer: whether the runtime has
/// heard of them or not, which after a pause of the process knows that a timer is due before it asks what
/// has come. Returns whether there may be more.
pub(crate) fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    mut each: impl FnMut(Stamped<'_>),
) -> io::Result<bool> {
    let mut taken = None;
    // The runtime asks no more before the system has something new to tell: it must hear when the
    // system has had nothing more to give.
    let _ = socket.try_io(Interest::READABLE, || {
        let is_empty = match taken.insert(take(socket, buffer, &mut each)) {
            Ok(more) => !*more,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        if is_empty { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    taken.unwrap_or_else(|| take(socket, buffer, each))
}

/// Takes them with one system call.
fn take(
    socket: &UdpSocket,
    buffer: &mut [u8],
    mut each: impl FnMut(Stamped<'_>),
) -> io::Result<bool> {
    let room = buffer.len() / ANSWER_ROOM;
    // SAFETY: integers only.
    let mut names = vec![unsafe { zeroed::<libc::sockaddr_storage>() }; room];
    let mut controls = vec![ControlBuffer([0; CONTROL_ROOM]); room];
    let mut iovecs: Vec<_> = buffer
        .chunks_exact_mut(ANSWER_ROOM)
        .map(|bytes| libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() })
        .collect();
    let places = names.iter_mut().zip(&mut controls).zip(&mut iovecs);
    let mut headers: Vec<_> = places
        .map(|((name, control), iovec)| {
            // SAFETY: integers and pointers only.
            let mut header: libc::mmsghdr = unsafe { zeroed() };
            header.msg_hdr.msg_name = (&raw mut *name).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as _;
            header.msg_hdr.msg_iov = iovec;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = (&raw mut *control).cast();
            header.msg_hdr.msg_controllen = CONTROL_ROOM as _;
            header
        })
        .collect();
    // SAFETY: the headers point at parts of the buffer, and at names and control messages, with their
    // lengths; all of them outlive the call, and none has moved.
    let count = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            room as libc::c_uint,
            libc::MSG_DONTWAIT as _,
            std::ptr::null_mut(),
        )
    };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    let places = headers.iter().zip(&names).zip(buffer.chunks_exact(ANSWER_ROOM));
    for ((header, name), bytes) in places.take(count) {
        let Some(from) = sockaddr::read(name) else { continue };
        let bytes = &bytes[..bytes.len().min(header.msg_len as usize)];
        each(Stamped { from, bytes, stamp: stamp(&header.msg_hdr) });
    }
    Ok(count == room)
}

/// The moment in a message, if it has one.
fn stamp(header: &libc::msghdr) -> Option<SystemTime> {
    let mut found = None;
    // SAFETY: the macros walk the `msg_controllen` bytes that the system has filled, and return null
    // past the last whole message. A moment is read only where the message has room for it, and
    // `read_unaligned` asks for no alignment.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            let kind = ((*message).cmsg_level, (*message).cmsg_type);
            let room = libc::CMSG_LEN(size_of::<libc::timespec>() as libc::c_uint);
            if kind == (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS)
                && (*message).cmsg_len as usize >= room as usize
            {
                let data = libc::CMSG_DATA(message).cast::<libc::timespec>();
                found = Some(data.read_unaligned());
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    let found = found?;
    let (secs, nanos) = (u64::try_from(found.tv_sec).ok()?, u32::try_from(found.tv_nsec).ok()?);
    UNIX_EPOCH.checked_add(Duration::new(secs, nanos.min(999_999_999)))
}
