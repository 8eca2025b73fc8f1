//! ICMP errors about datagrams that a socket has sent: Linux keeps them in a queue beside those that
//! it has received (`IP_RECVERR`, `IPV6_RECVERR`).
//!
//! Invariants: every pointer that a system call is given points into a local that outlives the call,
//! with the length that stands beside it. `zeroed` is only asked for C structures of integers and
//! pointers, for which all zeros is a value.
#![expect(unsafe_code, reason = "the error queue, which no safe wrapper offers")]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::AsRawFd;

use socket2::SockAddr;

use super::option::set;
use super::unreachable::Unreachable;
use crate::net::engine::client::descent::Obstacle;
use crate::types::Family;

/// Room for what a message quotes of a datagram: no request is longer.
const QUOTE: usize = 512;

/// Room for the control messages: one error and the address that reports it, with slack.
const ERROR_ROOM: usize = 128;

/// A buffer for them; `cmsghdr` wants the alignment of a `usize`.
#[repr(C, align(8))]
struct ErrorBuffer([u8; ERROR_ROOM]);

/// Has the system keep the errors of this socket from now on.
pub(crate) fn keep(socket: &impl AsRawFd, family: Family) -> io::Result<()> {
    let (level, name) = match family {
        Family::V6 => (libc::IPPROTO_IPV6, libc::IPV6_RECVERR),
        Family::V4 => (libc::IPPROTO_IP, libc::IP_RECVERR),
    };
    set(socket, level, name, 1)
}

/// Takes the next error off the queue; `None`: it is of another kind.
pub(crate) fn take(socket: &impl AsRawFd) -> io::Result<Option<Unreachable>> {
    let mut quoted = vec![0; QUOTE];
    let mut control = ErrorBuffer([0; ERROR_ROOM]);
    // SAFETY: integers and pointers only.
    let mut header: libc::msghdr = unsafe { zeroed() };
    let mut iovec = libc::iovec { iov_base: quoted.as_mut_ptr().cast(), iov_len: QUOTE };
    header.msg_iov = &raw mut iovec;
    header.msg_iovlen = 1;
    header.msg_control = (&raw mut control).cast();
    header.msg_controllen = ERROR_ROOM as _;
    // SAFETY: `header` points at locals that outlive the call and at the storage that `try_init`
    // gives, with its length; on success the system has written an address there, or none and a
    // length of 0.
    let (len, to) = unsafe {
        SockAddr::try_init(|storage, len| {
            header.msg_name = storage.cast();
            header.msg_namelen = *len;
            let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
            let result = libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags);
            let got = usize::try_from(result).map_err(|_| io::Error::last_os_error())?;
            *len = header.msg_namelen;
            Ok(got)
        })?
    };
    quoted.truncate(len);
    let found = to.as_socket().zip(obstacle(&header));
    Ok(found.map(|(to, obstacle)| Unreachable { to, obstacle, quoted }))
}

/// What the error in a message says; `None`: nothing about a destination.
fn obstacle(header: &libc::msghdr) -> Option<Obstacle> {
    let mut found = None;
    // SAFETY: the macros walk the `msg_controllen` bytes that the system has filled, and return null
    // past the last whole message. An error is read only where the message has room for it, and
    // `read_unaligned` asks for no alignment.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            let kind = ((*message).cmsg_level, (*message).cmsg_type);
            let room = libc::CMSG_LEN(size_of::<libc::sock_extended_err>() as libc::c_uint);
            if matches!(
                kind,
                (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
            ) && (*message).cmsg_len as usize >= room as usize
            {
                let data = libc::CMSG_DATA(message).cast::<libc::sock_extended_err>();
                found = Some(data.read_unaligned());
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    let error = found?;
    match (error.ee_origin, error.ee_type, error.ee_code) {
        (libc::SO_EE_ORIGIN_ICMP, 3, 4) => None, // too long for the path: RFC 1191
        (libc::SO_EE_ORIGIN_ICMP, 3, 2 | 3) | (libc::SO_EE_ORIGIN_ICMP6, 1, 4) => {
            Some(Obstacle::Port) // RFC 792, RFC 4443
        }
        (libc::SO_EE_ORIGIN_ICMP, 3, _) | (libc::SO_EE_ORIGIN_ICMP6, 1, _) => Some(Obstacle::Path),
        _ => None,
    }
}
