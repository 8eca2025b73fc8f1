//! Load: many ports, many requests outstanding, one thread that never sleeps.
//!
//! It has to be quicker than the servers are. Otherwise answers lie in its sockets instead of
//! requests in theirs, batches are short, and answers that are made while others lie around get
//! memory that is in no cache.

use std::marker::PhantomData;
use std::mem::zeroed;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use super::{Result, set_option};

const PORTS: usize = 64;

/// With [`PORTS`] ports, 256 outstanding requests.
const EACH: usize = 4;

/// After which what is outstanding is lost.
const SILENCE: Duration = Duration::from_millis(50);

/// Asks servers, from 64 ports.
pub struct Load {
    sockets: Vec<UdpSocket>,
    request: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slice {
    pub answers: u64,
    pub lost: u64,
    pub time: Duration,
}

impl Load {
    pub fn new(request: &[u8]) -> Result<Self> {
        let socket = |_| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_nonblocking(true)?;
            // Datagrams that are never cut into fragments need no number.
            let probe = libc::IP_PMTUDISC_PROBE;
            set_option(&socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, probe)?;
            Ok(socket)
        };
        let sockets = (0..PORTS).map(socket).collect::<Result<_>>()?;
        Ok(Self { sockets, request: request.to_vec() })
    }

    /// Keeps 256 requests outstanding for a time, then waits for the last answers.
    pub fn run(&self, server: SocketAddr, time: Duration) -> Result<Slice> {
        let mut calls = self.connect(server)?;
        let mut slice = Slice::default();
        let start = Instant::now();
        let mut last = start;
        let mut outstanding = [0; PORTS];
        loop {
            let now = Instant::now();
            let asking = now - start < time;
            for (socket, outstanding) in self.sockets.iter().zip(&mut outstanding) {
                let answers = if *outstanding > 0 { calls.receive(socket) } else { 0 };
                if answers > 0 {
                    last = now;
                    slice.answers += answers as u64;
                    *outstanding -= answers.min(*outstanding);
                }
                if asking && *outstanding < EACH {
                    *outstanding += calls.send(socket, EACH - *outstanding);
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
                return Ok(slice);
            }
        }
    }

    /// Sends so many requests a second for a time, as evenly as can be.
    pub fn pace(&self, server: SocketAddr, rate: f64, time: Duration) -> Result<Slice> {
        let mut calls = self.connect(server)?;
        let mut slice = Slice::default();
        let start = Instant::now();
        let mut sent = 0;
        loop {
            let elapsed = start.elapsed();
            let due = (elapsed.min(time).as_secs_f64() * rate) as u64;
            while sent < due {
                calls.send(&self.sockets[sent as usize % PORTS], 1);
                sent += 1;
            }
            for socket in &self.sockets {
                slice.answers += calls.receive(socket) as u64;
            }
            let done = elapsed > time && slice.answers >= sent;
            if done || elapsed > time + SILENCE {
                slice.lost = sent.saturating_sub(slice.answers);
                slice.time = elapsed;
                return Ok(slice);
            }
        }
    }

    /// Sends so many requests, 256 at once, and waits for their answers.
    pub fn bursts(&self, server: SocketAddr, count: u64) -> Result<()> {
        let mut calls = self.connect(server)?;
        let all = (PORTS * EACH) as u64;
        for _ in 0..count.div_ceil(all) {
            let mut open: usize = self.sockets.iter().map(|socket| calls.send(socket, EACH)).sum();
            let start = Instant::now();
            while open > 0 {
                let came: usize = self.sockets.iter().map(|socket| calls.receive(socket)).sum();
                open -= came.min(open);
                if start.elapsed() > Duration::from_secs(10) {
                    return Err("answers are missing".into());
                }
            }
        }
        Ok(())
    }

    /// The times of `count` requests, one after the other, on one port.
    pub fn one_by_one(&self, server: SocketAddr, count: usize) -> Result<Vec<Duration>> {
        let mut calls = self.connect(server)?;
        let socket = &self.sockets[0];
        let mut ask = |_| {
            let start = Instant::now();
            calls.send(socket, 1);
            while calls.receive(socket) == 0 {
                if start.elapsed() > Duration::from_secs(1) {
                    return Err("no answer".into());
                }
            }
            Ok(start.elapsed())
        };
        (0..count).map(&mut ask).collect()
    }

    /// Speaks with this server from now on: a datagram to it needs no route of its own.
    fn connect(&self, server: SocketAddr) -> Result<Calls<'_>> {
        self.sockets.iter().try_for_each(|socket| socket.connect(server))?;
        Ok(Calls::new(&self.request))
    }
}

/// The headers of the system calls, made once.
struct Calls<'a> {
    requests: [libc::mmsghdr; EACH],
    /// They have room for nothing: answers are counted, and not read.
    answers: [libc::mmsghdr; EACH],
    /// What the headers of requests point at.
    _request: Box<libc::iovec>,
    _borrowed: PhantomData<&'a [u8]>,
}

impl<'a> Calls<'a> {
    fn new(request: &'a [u8]) -> Self {
        let (iov_base, iov_len) = (request.as_ptr().cast_mut().cast(), request.len());
        let mut iovec = Box::new(libc::iovec { iov_base, iov_len });
        // SAFETY: integers and pointers only.
        let mut requests: [libc::mmsghdr; EACH] = unsafe { zeroed() };
        let answers = requests;
        for header in &mut requests {
            header.msg_hdr.msg_iov = &raw mut *iovec;
            header.msg_hdr.msg_iovlen = 1;
        }
        Self { requests, answers, _request: iovec, _borrowed: PhantomData }
    }

    /// Sends up to [`EACH`] requests with one system call. Returns how many went out.
    fn send(&mut self, socket: &UdpSocket, count: usize) -> usize {
        let (fd, count) = (socket.as_raw_fd(), count.min(EACH) as libc::c_uint);
        // SAFETY: no more headers than there are; they point at what outlives them and is only
        // read.
        let sent = unsafe { libc::sendmmsg(fd, self.requests.as_mut_ptr(), count, 0) };
        usize::try_from(sent).unwrap_or(0)
    }

    /// Takes up to [`EACH`] datagrams. Returns how many there were.
    fn receive(&mut self, socket: &UdpSocket) -> usize {
        let (fd, all) = (socket.as_raw_fd(), EACH as libc::c_uint);
        let (answers, wait) = (self.answers.as_mut_ptr(), libc::MSG_DONTWAIT as _);
        // SAFETY: so many headers there are, and they point at nothing.
        let came = unsafe { libc::recvmmsg(fd, answers, all, wait, std::ptr::null_mut()) };
        usize::try_from(came).unwrap_or(0)
    }
}
