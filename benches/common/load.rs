//! Load: many ports, many requests outstanding, one thread that never sleeps.

use std::mem::zeroed;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use super::Result;

const PORTS: usize = 64;

/// With [`PORTS`] ports, 256 outstanding requests.
const EACH: usize = 4;

/// After which what is outstanding is lost.
const SILENCE: Duration = Duration::from_millis(50);

/// Asks servers, from 64 ports.
pub(crate) struct Load {
    sockets: Vec<UdpSocket>,
    request: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slice {
    pub(crate) answers: u64,
    pub(crate) lost: u64,
    pub(crate) time: Duration,
}

impl Load {
    pub(crate) fn new(request: &[u8]) -> Result<Self> {
        let socket = |_| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let sockets = (0..PORTS).map(socket).collect::<Result<_>>()?;
        Ok(Self { sockets, request: request.to_vec() })
    }

    /// Keeps 256 requests outstanding for a time, then waits for the last answers.
    pub(crate) fn run(&self, server: SocketAddr, time: Duration) -> Slice {
        let to = Requests::new(server, &self.request);
        let mut slice = Slice::default();
        let start = Instant::now();
        let mut last = start;
        let mut outstanding = [0; PORTS];
        loop {
            let now = Instant::now();
            let asking = now - start < time;
            // All of them first, so that what follows is a burst.
            for (socket, outstanding) in self.sockets.iter().zip(&mut outstanding) {
                let answers = if *outstanding > 0 { receive(socket) } else { 0 };
                if answers > 0 {
                    last = now;
                    slice.answers += answers as u64;
                    *outstanding -= answers.min(*outstanding);
                }
            }
            for (socket, outstanding) in self.sockets.iter().zip(&mut outstanding) {
                if asking && *outstanding < EACH {
                    *outstanding += send(socket, &to, EACH - *outstanding);
                }
            }
            let open: usize = outstanding.iter().sum();
            if now - last > SILENCE {
                slice.lost += open as u64;
                outstanding.fill(0);
                last = now;
            }
            if !asking && outstanding.iter().all(|&open| open == 0) {
                slice.time = start.elapsed();
                return slice;
            }
        }
    }

    /// Sends so many requests a second for a time, as evenly as can be.
    pub(crate) fn pace(&self, server: SocketAddr, rate: f64, time: Duration) -> Slice {
        let to = Requests::new(server, &self.request);
        let mut slice = Slice::default();
        let start = Instant::now();
        let mut sent = 0;
        loop {
            let elapsed = start.elapsed();
            let due = (elapsed.min(time).as_secs_f64() * rate) as u64;
            while sent < due {
                send(&self.sockets[sent as usize % PORTS], &to, 1);
                sent += 1;
            }
            for socket in &self.sockets {
                slice.answers += receive(socket) as u64;
            }
            let done = elapsed > time && slice.answers >= sent;
            if done || elapsed > time + SILENCE {
                slice.lost = sent.saturating_sub(slice.answers);
                slice.time = elapsed;
                return slice;
            }
        }
    }

    /// Sends so many requests, 256 at once, and waits for their answers.
    pub(crate) fn bursts(&self, server: SocketAddr, count: u64) -> Result<()> {
        let to = Requests::new(server, &self.request);
        let all = (PORTS * EACH) as u64;
        for _ in 0..count.div_ceil(all) {
            let mut open: usize = self.sockets.iter().map(|socket| send(socket, &to, EACH)).sum();
            let start = Instant::now();
            while open > 0 {
                open -= self.sockets.iter().map(receive).sum::<usize>().min(open);
                if start.elapsed() > Duration::from_secs(10) {
                    return Err("answers are missing".into());
                }
            }
        }
        Ok(())
    }

    /// The times of `count` requests, one after the other, on one port.
    pub(crate) fn one_by_one(&self, server: SocketAddr, count: usize) -> Result<Vec<Duration>> {
        let socket = &self.sockets[0];
        let ask = |_| {
            let start = Instant::now();
            socket.send_to(&self.request, server)?;
            while socket.recv(&mut [0; 2048]).is_err() {
                if start.elapsed() > Duration::from_secs(1) {
                    return Err("no answer".into());
                }
            }
            Ok(start.elapsed())
        };
        (0..count).map(ask).collect()
    }
}

/// What is sent, and where to.
struct Requests {
    to: socket2::SockAddr,
    request: Vec<u8>,
}

impl Requests {
    fn new(server: SocketAddr, request: &[u8]) -> Self {
        Self { to: server.into(), request: request.to_vec() }
    }
}

/// Sends up to [`EACH`] requests with one system call. Returns how many went out.
fn send(socket: &UdpSocket, requests: &Requests, count: usize) -> usize {
    let Requests { to, request } = requests;
    let mut iovec =
        libc::iovec { iov_base: request.as_ptr().cast_mut().cast(), iov_len: request.len() };
    // SAFETY: integers and pointers only.
    let mut headers: [libc::mmsghdr; EACH] = unsafe { zeroed() };
    for header in &mut headers {
        header.msg_hdr.msg_name = to.as_ptr().cast_mut().cast();
        header.msg_hdr.msg_namelen = to.len();
        header.msg_hdr.msg_iov = &raw mut iovec;
        header.msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: no more headers than there are; they point at what outlives the call and is only
    // read.
    let sent = unsafe {
        let count = count.min(EACH) as libc::c_uint;
        libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, 0)
    };
    usize::try_from(sent).unwrap_or(0)
}

/// Takes up to [`EACH`] datagrams, unread. Returns how many there were.
fn receive(socket: &UdpSocket) -> usize {
    let mut answer = [0_u8; 64];
    let mut iovec = libc::iovec { iov_base: answer.as_mut_ptr().cast(), iov_len: answer.len() };
    // SAFETY: integers and pointers only.
    let mut headers: [libc::mmsghdr; EACH] = unsafe { zeroed() };
    for header in &mut headers {
        header.msg_hdr.msg_iov = &raw mut iovec;
        header.msg_hdr.msg_iovlen = 1;
    }
    let (fd, flags) = (socket.as_raw_fd(), libc::MSG_DONTWAIT);
    // SAFETY: the headers point at one buffer that outlives the call; what is in it afterwards is
    // of no interest.
    let came = unsafe {
        let all = EACH as libc::c_uint;
        libc::recvmmsg(fd, headers.as_mut_ptr(), all, flags as _, std::ptr::null_mut())
    };
    usize::try_from(came).unwrap_or(0)
}
