//! `recvmmsg` and `sendmmsg`, with the destination address of each datagram where the socket has more
//! than one (`IP_PKTINFO`, `IPV6_PKTINFO`).
//!
//! Invariants: every pointer in a `msghdr` points into a buffer of the same `Batch`, or to a tail
//! that is borrowed for as long, is set anew right before the call that reads it, and no buffer
//! moves or shrinks until that call returns. Lengths never exceed the buffers. What else a header
//! has is zero from the beginning, or was written by the system: it reads none of that. `zeroed` is
//! only asked for C structures of integers and pointers, for which all zeros is a value.
#![expect(unsafe_code, reason = "system calls that no safe wrapper offers with control messages")]

mod packet_info;
mod send_all;

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsRawFd;

use super::batch::{AnswerCount, BATCH, MOST_RECEIVE_BUFFER, REQUEST_ROOM, Received};
use super::option::{dont_fragment, dropped, set};
use super::sockaddr;
use crate::types::Family;
use packet_info::PacketInfoBuffer;

pub(crate) use send_all::send_all;

/// Datagrams received at once, and their answers.
pub(crate) struct Batch {
    buffers: Box<[[u8; REQUEST_ROOM]; BATCH]>,
    names: Box<[libc::sockaddr_storage; BATCH]>,
    controls: Box<[PacketInfoBuffer; BATCH]>,
    /// What is handed to the system for a call, and what it tells of each datagram.
    arrivals: Box<Headers>,
    departures: Box<Headers>,
    heads: Box<[Vec<u8>; BATCH]>,
    /// What the system has counted of datagrams that the socket had no room for.
    dropped: u32,
    calls: u32,
}

/// The headers of a batch. They are kept, for to zero them costs more than to fill them in.
struct Headers {
    /// Two each: an answer's head and tail; of a request there is one part.
    iovecs: [[libc::iovec; 2]; BATCH],
    headers: [libc::mmsghdr; BATCH],
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            buffers: Box::new([[0; REQUEST_ROOM]; BATCH]),
            // SAFETY: integers only.
            names: Box::new([unsafe { zeroed() }; BATCH]),
            controls: Box::new([PacketInfoBuffer::EMPTY; BATCH]),
            arrivals: Headers::new(),
            departures: Headers::new(),
            heads: Box::new(std::array::from_fn(|_| Vec::with_capacity(REQUEST_ROOM))),
            dropped: 0,
            calls: 0,
        }
    }

    /// Sets the options that a socket which answers is to have.
    pub(crate) fn prepare(socket: &UdpSocket) -> io::Result<()> {
        let addr = socket.local_addr()?;
        // More room than the system's limit, for those who may exceed that.
        let room = MOST_RECEIVE_BUFFER as libc::c_int;
        let _ = set(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, room);
        dont_fragment(socket, Family::of(addr));
        // A socket that is bound to one address needs not ask which one a datagram came to.
        match addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => {
                set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)
            }
            IpAddr::V6(ip) if ip.is_unspecified() => {
                set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)
            }
            _ => Ok(()),
        }
    }

    /// Waits for one datagram, and takes those that are there with it. Returns how many.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.calls += 1;
        let Headers { iovecs, headers } = &mut *self.arrivals;
        for index in 0..BATCH {
            let [iovec, _] = &mut iovecs[index];
            iovec.iov_base = self.buffers[index].as_mut_ptr().cast();
            iovec.iov_len = REQUEST_ROOM;
            let header = &mut headers[index].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = iovec;
            header.msg_iovlen = 1;
            header.msg_control = (&raw mut self.controls[index]).cast();
            header.msg_controllen = PacketInfoBuffer::LEN as _;
        }
        // SAFETY: `headers` holds BATCH headers whose pointers and lengths are those of buffers
        // that outlive the call.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_WAITFORONE as _,
                std::ptr::null_mut(),
            )
        };
        Ok(usize::try_from(count).map_err(|_| io::Error::last_os_error())?.min(BATCH))
    }

    /// How many system calls were made since this was last asked.
    pub(crate) fn take_calls(&mut self) -> u32 {
        std::mem::take(&mut self.calls)
    }

    /// How many datagrams the socket had no room for since this was last asked; 0 where the system
    /// does not tell.
    pub(crate) fn take_lost(&mut self, socket: &UdpSocket) -> u32 {
        self.calls += 1;
        let Ok(dropped) = dropped(socket) else { return 0 };
        dropped.wrapping_sub(std::mem::replace(&mut self.dropped, dropped))
    }

    /// Hands each of the first `count` datagrams of the last [`Batch::receive`] to `answer`, in
    /// order, which may write the head of an answer and give the tail that follows it. Then sends
    /// all answers, each from the address that was asked; one that the system refuses does not
    /// hold up the others. To be called once.
    #[inline]
    pub(crate) fn answer<'a>(
        &mut self,
        socket: &UdpSocket,
        count: usize,
        mut answer: impl FnMut(Received<'_>, &mut Vec<u8>) -> Option<&'a [u8]>,
    ) -> AnswerCount {
        let mut answers = 0;
        for index in 0..count.min(BATCH) {
            let arrival = &self.arrivals.headers[index];
            let control = &mut self.controls[index];
            let (info, control_len) = control.reverse(arrival.msg_hdr.msg_controllen as _);
            let name = sockaddr::read(&self.names[index]);
            let Some(from) = &name else { continue };
            let bytes = &self.buffers[index][..(arrival.msg_len as usize).min(REQUEST_ROOM)];
            let truncated = arrival.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            let head = &mut self.heads[index];
            head.clear();
            let Some(tail) = answer(Received { bytes, from, to: info.to, truncated }, head) else {
                continue;
            };
            let iovecs = &mut self.departures.iovecs[answers];
            iovecs[0].iov_base = head.as_mut_ptr().cast();
            iovecs[0].iov_len = head.len();
            iovecs[1].iov_base = tail.as_ptr().cast_mut().cast(); // which is only read
            iovecs[1].iov_len = tail.len();
            let header = &mut self.departures.headers[answers].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_namelen = arrival.msg_hdr.msg_namelen;
            header.msg_iov = iovecs.as_mut_ptr();
            header.msg_iovlen = iovecs.len() as _;
            header.msg_control = (control as *mut PacketInfoBuffer).cast();
            header.msg_controllen = control_len as _;
            answers += 1;
        }
        AnswerCount { written: answers, sent: self.send(socket, answers) }
    }

    /// Sends what stands in the first `answers` headers. Returns how many the system took.
    fn send(&mut self, socket: &UdpSocket, answers: usize) -> usize {
        let headers = &mut self.departures.headers[..answers];
        let (mut next, mut sent) = (0, 0);
        while next < headers.len() {
            self.calls += 1;
            let rest = &mut headers[next..];
            // SAFETY: `answer` has just set these headers; what they point at outlives the call.
            let count = unsafe {
                let len = rest.len() as libc::c_uint;
                libc::sendmmsg(socket.as_raw_fd(), rest.as_mut_ptr(), len, libc::MSG_DONTWAIT as _)
            };
            match usize::try_from(count) {
                Ok(count @ 1..) => {
                    next += count;
                    sent += count;
                }
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // It concerns the first of them: skip that one.
                _ => next += 1,
            }
        }
        sent
    }
}

impl Headers {
    fn new() -> Box<Self> {
        // SAFETY: integers and pointers only.
        Box::new(unsafe { zeroed() })
    }
}
