//! Datagrams that leave together, each to an address of its own.

use std::io;
use std::mem::zeroed;
use std::os::fd::AsRawFd;

use socket2::SockAddr;
use tokio::net::UdpSocket;

use crate::net::engine::Transmit;

/// Sends each at once, or not at all: a full buffer is a lost datagram, nothing worse. Says of each whether
/// the system took it; one that it refuses does not hold up the others.
pub(crate) fn send_all(socket: &UdpSocket, transmits: &[&Transmit]) -> Vec<io::Result<()>> {
    let names: Vec<SockAddr> = transmits.iter().map(|transmit| transmit.to.into()).collect();
    let mut iovecs: Vec<_> = transmits
        .iter()
        .map(|Transmit { payload, .. }| libc::iovec {
            iov_base: payload.as_ptr().cast_mut().cast(), // which is only read
            iov_len: payload.len(),
        })
        .collect();
    let mut headers: Vec<_> = names
        .iter()
        .zip(&mut iovecs)
        .map(|(name, iovec)| {
            // SAFETY: integers and pointers only.
            let mut header: libc::mmsghdr = unsafe { zeroed() };
            header.msg_hdr.msg_name = name.as_ptr().cast_mut().cast(); // the same
            header.msg_hdr.msg_namelen = name.len();
            header.msg_hdr.msg_iov = iovec;
            header.msg_hdr.msg_iovlen = 1;
            header
        })
        .collect();
    let mut sent = Vec::with_capacity(headers.len());
    while sent.len() < headers.len() {
        let rest = &mut headers[sent.len()..];
        // SAFETY: the headers point at names, at iovecs and by them at payloads, with their lengths; all
        // of them outlive the call, and none has moved.
        let count = unsafe {
            let len = rest.len() as libc::c_uint;
            libc::sendmmsg(socket.as_raw_fd(), rest.as_mut_ptr(), len, libc::MSG_DONTWAIT as _)
        };
        if let Ok(count @ 1..) = usize::try_from(count) {
            sent.extend((0..count.min(rest.len())).map(|_| Ok(())));
            continue;
        }
        // It concerns the first of them.
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => sent.push(Ok(())),
            _ => sent.push(Err(error)),
        }
    }
    sent
}
