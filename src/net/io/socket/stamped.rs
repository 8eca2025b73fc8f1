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

use socket2::SockAddr;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::option::set;
use super::stamp::Stamped;

/// Room for the control messages: the moment, with slack for what an application has asked for.
const CONTROL_ROOM: usize = 256;

/// A buffer for them; `cmsghdr` wants the alignment of a `usize`.
#[repr(C, align(8))]
struct ControlBuffer([u8; CONTROL_ROOM]);

/// Has the system tell the moments of this socket's datagrams from now on.
pub(crate) fn keep(socket: &UdpSocket) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
}

/// Takes the next datagram, if one is there now: whether the runtime has heard of it or not, which after
/// a pause of the process knows that a timer is due before it asks what has come.
pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Stamped> {
    match socket.try_io(Interest::READABLE, || take(socket, buffer)) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => take(socket, buffer),
        taken => taken,
    }
}

fn take(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Stamped> {
    let mut control = ControlBuffer([0; CONTROL_ROOM]);
    // SAFETY: integers and pointers only.
    let mut header: libc::msghdr = unsafe { zeroed() };
    let mut iovec = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    header.msg_iov = &raw mut iovec;
    header.msg_iovlen = 1;
    header.msg_control = (&raw mut control).cast();
    header.msg_controllen = CONTROL_ROOM as _;
    // SAFETY: `header` points at the buffer and at locals that outlive the call, and at the storage that
    // `try_init` gives, with its length; on success the system has written an address there.
    let (len, from) = unsafe {
        SockAddr::try_init(|storage, len| {
            header.msg_name = storage.cast();
            header.msg_namelen = *len;
            let result = libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT);
            let got = usize::try_from(result).map_err(|_| io::Error::last_os_error())?;
            *len = header.msg_namelen;
            Ok(got)
        })?
    };
    let from = from.as_socket().ok_or(io::ErrorKind::InvalidData)?;
    Ok(Stamped { len, from, stamp: stamp(&header) })
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
