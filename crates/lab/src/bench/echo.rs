//! What a balance server is held against: servers that send an answer of the same size without
//! looking at what they got.

use std::io;
use std::mem::zeroed;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;

use super::{Result, set_option};

const BATCH: usize = 32;
const ROOM: usize = 2048;

/// Room for one control message, with the alignment that it wants.
type Control = [u64; 8];

/// The simplest server there is.
pub fn tokio(addr: SocketAddr, size: usize) -> Result<()> {
    let socket = open(addr)?;
    socket.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        let mut buffer = [0; ROOM];
        let answer = [0; ROOM];
        loop {
            let (_, from) = socket.recv_from(&mut buffer).await?;
            let _ = socket.send_to(&answer[..size], from).await;
        }
    })
}

/// The bare system calls of a balance server.
pub fn mmsg(addr: SocketAddr, size: usize) -> Result<()> {
    batches(&open(addr)?, |_, _, _| size)
}

/// With room for all that is outstanding, as a balance server has.
fn open(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(addr)?;
    socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20)?;
    Ok(socket)
}

/// Receives in batches, and sends what `answer` writes: the address that was asked, which it leaves
/// from, the request, the answer.
pub fn batches(
    socket: &UdpSocket,
    mut answer: impl FnMut(Ipv4Addr, &[u8], &mut [u8; ROOM]) -> usize,
) -> Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
    let mut requests = Box::new([[0_u8; ROOM]; BATCH]);
    let mut answers = Box::new([[0_u8; ROOM]; BATCH]);
    let mut controls = Box::new([Control::default(); BATCH]);
    // SAFETY: integers and pointers only, for which zero is a value.
    let (mut names, mut iovecs, mut headers): (
        [libc::sockaddr_in; BATCH],
        [libc::iovec; BATCH],
        [libc::mmsghdr; BATCH],
    ) = unsafe { zeroed() };
    loop {
        for index in 0..BATCH {
            iovecs[index].iov_base = requests[index].as_mut_ptr().cast();
            iovecs[index].iov_len = ROOM;
            let header = &mut headers[index].msg_hdr;
            header.msg_name = (&raw mut names[index]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_in>() as _;
            header.msg_iov = &raw mut iovecs[index];
            header.msg_iovlen = 1;
            header.msg_control = controls[index].as_mut_ptr().cast();
            header.msg_controllen = size_of_val(&controls[index]) as _;
        }
        let fd = socket.as_raw_fd();
        let (all, wait) = (BATCH as libc::c_uint, libc::MSG_WAITFORONE as _);
        // SAFETY: the headers point at buffers that outlive the call, with their sizes.
        let count =
            unsafe { libc::recvmmsg(fd, headers.as_mut_ptr(), all, wait, std::ptr::null_mut()) };
        let Ok(count) = usize::try_from(count) else { continue };
        for index in 0..count {
            let len = headers[index].msg_len as usize;
            iovecs[index].iov_base = answers[index].as_mut_ptr().cast();
            let to = destination(&controls[index]);
            iovecs[index].iov_len = answer(to, &requests[index][..len], &mut answers[index]);
        }
        let mut next = 0;
        while next < count {
            // SAFETY: as above; the control messages are those that came.
            let sent = unsafe {
                let rest = (count - next) as libc::c_uint;
                libc::sendmmsg(fd, headers.as_mut_ptr().add(next), rest, 0)
            };
            next += usize::try_from(sent).unwrap_or(1);
        }
    }
}

/// Sends one datagram from this address of the machine.
pub fn send_from(
    socket: &UdpSocket,
    from: Ipv4Addr,
    payload: &[u8],
    to: SocketAddrV4,
) -> io::Result<()> {
    let mut control = Control::default();
    let to = socket2::SockAddr::from(to);
    let mut iovec =
        libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: payload.len() };
    // SAFETY: `control` has room for the message; all pointers are to what outlives the call, and
    // only read there.
    let sent = unsafe {
        let size = size_of::<libc::in_pktinfo>() as libc::c_uint;
        let message = control.as_mut_ptr().cast::<libc::cmsghdr>();
        (*message).cmsg_len = libc::CMSG_LEN(size) as _;
        (*message).cmsg_level = libc::IPPROTO_IP;
        (*message).cmsg_type = libc::IP_PKTINFO;
        let mut info: libc::in_pktinfo = zeroed();
        info.ipi_spec_dst.s_addr = from.to_bits().to_be();
        libc::CMSG_DATA(message).cast::<libc::in_pktinfo>().write_unaligned(info);
        let mut header: libc::msghdr = zeroed();
        header.msg_name = to.as_ptr().cast_mut().cast();
        header.msg_namelen = to.len();
        header.msg_iov = &raw mut iovec;
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = libc::CMSG_SPACE(size) as _;
        libc::sendmsg(socket.as_raw_fd(), &raw const header, 0)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What the first control message says, which is the only one.
fn destination(control: &Control) -> Ipv4Addr {
    // SAFETY: there is room for the message, any bytes of which are a value.
    let info = unsafe {
        let data = libc::CMSG_DATA(control.as_ptr().cast());
        data.cast::<libc::in_pktinfo>().read_unaligned()
    };
    Ipv4Addr::from_bits(u32::from_be(info.ipi_addr.s_addr))
}
