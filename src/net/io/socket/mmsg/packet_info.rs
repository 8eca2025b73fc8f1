//! Control messages: where a datagram was sent to, and what its answer leaves from.

use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Room for what one datagram brings: an address.
const ROOM: usize = 40;

/// A buffer for control messages; `cmsghdr` wants the alignment of a `usize`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct PacketInfoBuffer([u8; ROOM]);

/// What the system tells of a datagram.
#[derive(Default)]
pub(super) struct PacketInfo {
    /// The address it was sent to.
    pub(super) to: Option<IpAddr>,
    /// What its answer leaves from.
    source: SendFrom,
}

/// What an answer leaves from.
#[derive(Default)]
enum SendFrom {
    /// What the routing table says.
    #[default]
    Any,
    V4(libc::in_pktinfo),
    V6(libc::in6_pktinfo),
}

impl PacketInfoBuffer {
    pub(super) const EMPTY: Self = Self([0; ROOM]);

    pub(super) const LEN: usize = ROOM;

    /// Reads the first `len` bytes, what came with a datagram, and writes what makes its answer
    /// leave from where that was sent to. Returns the length of this too.
    #[inline]
    pub(super) fn reverse(&mut self, len: usize) -> (PacketInfo, usize) {
        if len == 0 {
            return (PacketInfo::default(), 0);
        }
        if let Some(info) = self.reverse_v4(len) {
            return (info, len);
        }
        let info = self.read(len);
        let len = match info.source {
            SendFrom::Any => 0,
            SendFrom::V4(info) => self.put(libc::IPPROTO_IP, libc::IP_PKTINFO, info),
            SendFrom::V6(info) => self.put(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info),
        };
        (info, len)
    }

    /// Where nothing came but the address of an IPv4 datagram, as most do, that is what has to be
    /// written too, but for the interface. `None`: something else came.
    #[inline]
    fn reverse_v4(&mut self, len: usize) -> Option<PacketInfo> {
        const SIZE: libc::c_uint = size_of::<libc::in_pktinfo>() as libc::c_uint;
        let message = (&raw mut *self).cast::<libc::cmsghdr>();
        // SAFETY: `self` has the alignment of a `cmsghdr`, and room for one with an address behind
        // it; any bytes are a value of either.
        unsafe {
            let whole = len == libc::CMSG_SPACE(SIZE) as usize
                && is((*message).cmsg_len, libc::CMSG_LEN(SIZE) as _);
            let kind = ((*message).cmsg_level, (*message).cmsg_type);
            if !whole || kind != (libc::IPPROTO_IP, libc::IP_PKTINFO) {
                return None;
            }
            let info = libc::CMSG_DATA(message).cast::<libc::in_pktinfo>();
            (&raw mut (*info).ipi_ifindex).write_unaligned(0);
            let to = (&raw const (*info).ipi_spec_dst.s_addr).read_unaligned();
            let to = Some(Ipv4Addr::from_bits(u32::from_be(to)).into());
            Some(PacketInfo { to, ..PacketInfo::default() })
        }
    }

    #[inline(never)]
    fn read(&self, len: usize) -> PacketInfo {
        let mut info = PacketInfo::default();
        // SAFETY: integers and pointers only.
        let mut header: libc::msghdr = unsafe { zeroed() };
        header.msg_control = (&raw const *self).cast_mut().cast();
        header.msg_controllen = len.min(ROOM) as _;
        // SAFETY: the macros only read; they walk `msg_controllen` bytes of `self`, which the
        // system filled, and return null past the last whole message.
        unsafe {
            let mut message = libc::CMSG_FIRSTHDR(&raw const header);
            while !message.is_null() {
                match ((*message).cmsg_level, (*message).cmsg_type) {
                    (libc::IPPROTO_IP, libc::IP_PKTINFO) => info.set_v4(data(message)),
                    (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => info.set_v6(data(message)),
                    _ => {}
                }
                message = libc::CMSG_NXTHDR(&raw const header, message);
            }
        }
        info
    }

    fn put<T: Copy>(&mut self, level: libc::c_int, kind: libc::c_int, data: T) -> usize {
        let size = size_of::<T>() as libc::c_uint;
        let message = (&raw mut *self).cast::<libc::cmsghdr>();
        // SAFETY: `self` has the alignment of a `cmsghdr`, and room for one with the larger of the
        // two addresses behind it.
        unsafe {
            const { assert!(libc::CMSG_SPACE(size_of::<T>() as libc::c_uint) as usize <= ROOM) };
            (*message).cmsg_len = libc::CMSG_LEN(size) as _;
            (*message).cmsg_level = level;
            (*message).cmsg_type = kind;
            libc::CMSG_DATA(message).cast::<T>().write_unaligned(data);
            libc::CMSG_SPACE(size) as usize
        }
    }
}

impl PacketInfo {
    fn set_v4(&mut self, info: Option<libc::in_pktinfo>) {
        let Some(mut info) = info else { return };
        self.to = Some(Ipv4Addr::from_bits(u32::from_be(info.ipi_spec_dst.s_addr)).into());
        info.ipi_ifindex = 0; // the routing table's to choose
        self.source = SendFrom::V4(info);
    }

    fn set_v6(&mut self, info: Option<libc::in6_pktinfo>) {
        let Some(mut info) = info else { return };
        let ip = Ipv6Addr::from(info.ipi6_addr.s6_addr);
        self.to = Some(IpAddr::from(ip).to_canonical());
        // A link-local address means nothing without its interface (RFC 4007).
        if !ip.is_unicast_link_local() {
            info.ipi6_ifindex = 0;
        }
        // No answer can leave from a group.
        self.source = if ip.is_multicast() { SendFrom::Any } else { SendFrom::V6(info) };
    }
}

/// What a control message holds, if it is long enough for that.
///
/// # Safety
/// `message` points at a whole control message, and any bytes are a `T`.
unsafe fn data<T: Copy>(message: *const libc::cmsghdr) -> Option<T> {
    // SAFETY: `cmsg_len` bytes can be read, header included; `read_unaligned` asks for no
    // alignment.
    unsafe {
        let len: usize = (*message).cmsg_len as _;
        let whole = len >= libc::CMSG_LEN(size_of::<T>() as _) as usize;
        whole.then(|| libc::CMSG_DATA(message).cast::<T>().read_unaligned())
    }
}

/// Whether two numbers are the same. The type of a control message's length is another on some systems,
/// and an operator lets other packages say what it may be compared with.
#[inline]
fn is<T: PartialEq>(number: T, expected: T) -> bool {
    number == expected
}
