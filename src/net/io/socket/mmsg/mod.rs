//! `recvmmsg` and `sendmmsg`, and the destination address of each datagram (`IP_PKTINFO`,
//! `IPV6_PKTINFO`): all `unsafe` code of the crate.
//!
//! Invariants: every pointer in a `msghdr` points into a buffer of the same `Batch`, is set anew
//! right before the call that reads it, and no buffer moves or shrinks until that call returns.
//! Lengths never exceed the buffers. `zeroed` is only asked for C structures of integers and
//! pointers, for which all zeros is a value.
#![expect(unsafe_code, reason = "system calls that no safe wrapper offers with control messages")]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;

use super::{BATCH, REQUEST_ROOM, Received};

/// Room for the control messages of one datagram: one address, with slack.
const CONTROL: usize = 64;

/// `cmsghdr` wants the alignment of a `usize`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// Datagrams received at once, and their answers.
pub(crate) struct Batch {
    buffers: Box<[[u8; REQUEST_ROOM]; BATCH]>,
    names: Box<[libc::sockaddr_storage; BATCH]>,
    controls: Box<[Control; BATCH]>,
    lengths: [usize; BATCH],
    flags: [libc::c_int; BATCH],
    control_lengths: [usize; BATCH],
    name_lengths: [libc::socklen_t; BATCH],
    answers: Box<[Vec<u8>; BATCH]>,
    queued: usize,
    queue: [usize; BATCH],
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            buffers: Box::new([[0; REQUEST_ROOM]; BATCH]),
            // SAFETY: integers only.
            names: Box::new([unsafe { zeroed() }; BATCH]),
            controls: Box::new([Control([0; CONTROL]); BATCH]),
            lengths: [0; BATCH],
            flags: [0; BATCH],
            control_lengths: [0; BATCH],
            name_lengths: [0; BATCH],
            answers: Box::new(std::array::from_fn(|_| Vec::with_capacity(REQUEST_ROOM))),
            queued: 0,
            queue: [0; BATCH],
        }
    }

    /// Asks the system to tell the destination of each datagram.
    pub(crate) fn prepare(socket: &UdpSocket) -> io::Result<()> {
        if socket.local_addr()?.is_ipv4() {
            switch_on(socket, libc::IPPROTO_IP, libc::IP_PKTINFO)
        } else {
            switch_on(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
        }
    }

    /// Waits for one datagram, and takes those that are there with it. Returns how many.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.queued = 0;
        // SAFETY: integers and pointers only.
        let mut iovecs: [libc::iovec; BATCH] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
        for index in 0..BATCH {
            iovecs[index].iov_base = self.buffers[index].as_mut_ptr().cast();
            iovecs[index].iov_len = REQUEST_ROOM;
            let header = &mut headers[index].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &raw mut iovecs[index];
            header.msg_iovlen = 1;
            header.msg_control = (&raw mut self.controls[index]).cast();
            header.msg_controllen = CONTROL as _;
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
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?.min(BATCH);
        for (index, header) in headers[..count].iter().enumerate() {
            self.lengths[index] = (header.msg_len as usize).min(REQUEST_ROOM);
            self.flags[index] = header.msg_hdr.msg_flags;
            let control: usize = header.msg_hdr.msg_controllen as _;
            self.control_lengths[index] = control.min(CONTROL);
            self.name_lengths[index] = header.msg_hdr.msg_namelen;
        }
        Ok(count)
    }

    /// The datagram of this number of the last [`Batch::receive`], and room for its answer. None
    /// where its source is no IP address.
    pub(crate) fn datagram(&mut self, index: usize) -> Option<(Received<'_>, &mut Vec<u8>)> {
        let from = read_name(&self.names[index])?;
        let to = read_control(&self.controls[index], self.control_lengths[index]);
        let bytes = &self.buffers[index][..self.lengths[index]];
        let truncated = self.flags[index] & libc::MSG_TRUNC != 0;
        let answer = &mut self.answers[index];
        answer.clear();
        Some((Received { bytes, from, to, truncated }, answer))
    }

    /// Queues the answer to the datagram of this number.
    pub(crate) fn queue(&mut self, index: usize) {
        if self.queued < BATCH {
            self.queue[self.queued] = index;
            self.queued += 1;
        }
    }

    /// Sends what is queued, each from the address that was asked. Returns how many the system
    /// took; one that it refuses does not hold up the others.
    pub(crate) fn send(&mut self, socket: &UdpSocket) -> usize {
        // SAFETY: integers and pointers only.
        let mut iovecs: [libc::iovec; BATCH] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
        for (slot, &index) in self.queue[..self.queued].iter().enumerate() {
            let answer = &mut self.answers[index];
            iovecs[slot].iov_base = answer.as_mut_ptr().cast();
            iovecs[slot].iov_len = answer.len();
            let control = write_control(&mut self.controls[index], self.control_lengths[index]);
            let header = &mut headers[slot].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_namelen = self.name_lengths[index];
            header.msg_iov = &raw mut iovecs[slot];
            header.msg_iovlen = 1;
            if control > 0 {
                header.msg_control = (&raw mut self.controls[index]).cast();
                header.msg_controllen = control as _;
            }
        }
        let (mut next, mut sent) = (0, 0);
        while next < self.queued {
            // SAFETY: the `queued - next` headers from `next` on are set, and point at buffers
            // that outlive the call.
            let count = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    headers.as_mut_ptr().add(next),
                    (self.queued - next) as libc::c_uint,
                    libc::MSG_DONTWAIT as _,
                )
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
        self.queued = 0;
        sent
    }
}

fn switch_on(socket: &UdpSocket, level: libc::c_int, name: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: `on` is an integer that outlives the call, and its size is the one given.
    let result = unsafe {
        let value = (&raw const on).cast();
        libc::setsockopt(socket.as_raw_fd(), level, name, value, size_of::<libc::c_int>() as _)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn read_name(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let name = std::ptr::from_ref(name);
    // SAFETY: a `sockaddr_storage` has the size and alignment of either, both are integers only,
    // and the family says which of them the system wrote.
    unsafe {
        match libc::c_int::from((*name).ss_family) {
            libc::AF_INET => {
                let v4 = *name.cast::<libc::sockaddr_in>();
                let ip = Ipv4Addr::from_bits(u32::from_be(v4.sin_addr.s_addr));
                Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
            }
            libc::AF_INET6 => {
                let v6 = *name.cast::<libc::sockaddr_in6>();
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                let port = u16::from_be(v6.sin6_port);
                Some(match ip.to_ipv4_mapped() {
                    Some(ip) => SocketAddrV4::new(ip, port).into(),
                    None => SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id).into(),
                })
            }
            _ => None,
        }
    }
}

/// Calls `with` on each control message: its level, type, and a pointer to `len` bytes of data.
fn each_control(
    control: &mut Control,
    len: usize,
    mut with: impl FnMut(libc::c_int, libc::c_int, *mut u8, usize),
) {
    // SAFETY: integers and pointers only.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_control = (&raw mut *control).cast();
    header.msg_controllen = len.min(CONTROL) as _;
    // SAFETY: the macros walk `msg_controllen` bytes of `control`, which the system filled, and
    // return null past the last whole message; `cmsg_len` covers header and data.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(&raw const header);
        while !message.is_null() {
            let data = libc::CMSG_DATA(message);
            let start = data as usize - message as usize;
            let room =
                header.msg_controllen as usize - (message as usize - control as *mut _ as usize);
            let len = ((*message).cmsg_len as usize).min(room).saturating_sub(start);
            with((*message).cmsg_level, (*message).cmsg_type, data, len);
            message = libc::CMSG_NXTHDR(&raw const header, message);
        }
    }
}

/// The address that a datagram was sent to.
fn read_control(control: &Control, len: usize) -> Option<IpAddr> {
    let mut found = None;
    let mut copy = *control;
    each_control(&mut copy, len, |level, kind, data, len| {
        // SAFETY: `data` points at `len` readable bytes; the size is compared before reading, and
        // `read_unaligned` asks for no alignment.
        unsafe {
            if (level, kind) == (libc::IPPROTO_IP, libc::IP_PKTINFO)
                && len >= size_of::<libc::in_pktinfo>()
            {
                let info = data.cast::<libc::in_pktinfo>().read_unaligned();
                found =
                    Some(IpAddr::from(Ipv4Addr::from_bits(u32::from_be(info.ipi_spec_dst.s_addr))));
            } else if (level, kind) == (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO)
                && len >= size_of::<libc::in6_pktinfo>()
            {
                let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                found = Some(IpAddr::from(Ipv6Addr::from(info.ipi6_addr.s6_addr)).to_canonical());
            }
        }
    });
    found
}

/// Turns what was received into what is to be sent: the source address is the one that was
/// asked, the interface is the routing table's to choose. Returns its length; 0 where the system
/// told no address that can be a source.
fn write_control(control: &mut Control, len: usize) -> usize {
    let mut keep = false;
    each_control(control, len, |level, kind, data, len| {
        // SAFETY: as in `read_control`; what is written has the size of what was read.
        unsafe {
            if (level, kind) == (libc::IPPROTO_IP, libc::IP_PKTINFO)
                && len >= size_of::<libc::in_pktinfo>()
            {
                let mut info = data.cast::<libc::in_pktinfo>().read_unaligned();
                info.ipi_ifindex = 0;
                data.cast::<libc::in_pktinfo>().write_unaligned(info);
                keep = true;
            } else if (level, kind) == (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO)
                && len >= size_of::<libc::in6_pktinfo>()
            {
                let mut info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                let ip = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                // A link-local address means nothing without its interface (RFC 4007).
                if !ip.is_unicast_link_local() {
                    info.ipi6_ifindex = 0;
                }
                data.cast::<libc::in6_pktinfo>().write_unaligned(info);
                keep = !ip.is_multicast();
            }
        }
    });
    if keep { len } else { 0 }
}
