//! Options of sockets that no safe wrapper has.
#![expect(unsafe_code, reason = "setsockopt and getsockopt")]

use std::io;
use std::mem::size_of_val;
use std::os::fd::AsRawFd;

use libc::{c_int, socklen_t};

use crate::types::Family;

/// Sets an option whose value is an integer.
pub(super) fn set(
    socket: &impl AsRawFd,
    level: c_int,
    name: c_int,
    value: c_int,
) -> io::Result<()> {
    let size = size_of_val(&value) as socklen_t;
    // SAFETY: `value` outlives the call, and its size is the one given.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), size)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has no datagram of this socket cut into fragments, as no packet of QUIC is (RFC 9000, section 14): all
/// are too short for that, and nobody can make it so by forging ICMP errors. And datagrams that are
/// never cut need no number, which takes the system time.
pub(super) fn dont_fragment(socket: &impl AsRawFd, family: Family) {
    // A system that has none of these gets by without.
    let _ = set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE);
    if family == Family::V6 {
        let probe = libc::IPV6_PMTUDISC_PROBE;
        let _ = set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, probe);
    }
}

/// How many datagrams a socket had no room for since it was opened (`SO_MEMINFO`), modulo 2^32.
pub(super) fn dropped(socket: &impl AsRawFd) -> io::Result<u32> {
    let mut memory = [0_u32; libc::SK_MEMINFO_DROPS as usize + 1];
    let mut size = size_of_val(&memory) as socklen_t;
    // SAFETY: `memory` outlives the call, which writes no more than its size to it.
    let result = unsafe {
        let (level, name) = (libc::SOL_SOCKET, libc::SO_MEMINFO);
        libc::getsockopt(socket.as_raw_fd(), level, name, memory.as_mut_ptr().cast(), &raw mut size)
    };
    let [.., dropped] = memory;
    if result == 0 { Ok(dropped) } else { Err(io::Error::last_os_error()) }
}

/// The round-trip time that the system has measured for a TCP connection (`TCP_INFO`); `None`: none.
#[cfg(feature = "https")]
pub(super) fn tcp_rtt(socket: &impl AsRawFd) -> Option<std::time::Duration> {
    /// Where `tcpi_rtt` is in `struct tcp_info`, in units of four bytes: in microseconds.
    const RTT: usize = 17;
    let mut info = [0_u32; RTT + 1];
    let mut size = size_of_val(&info) as socklen_t;
    // SAFETY: `info` outlives the call, which writes no more than its size to it.
    let result = unsafe {
        let (level, name) = (libc::IPPROTO_TCP, libc::TCP_INFO);
        libc::getsockopt(socket.as_raw_fd(), level, name, info.as_mut_ptr().cast(), &raw mut size)
    };
    let [.., rtt] = info;
    let whole = size as usize == size_of_val(&info);
    (result == 0 && whole && rtt > 0).then(|| std::time::Duration::from_micros(rtt.into()))
}
