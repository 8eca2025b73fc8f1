//! An internet with distances: a wire between two hosts, of which each address at its end is so far away.
//! The kernel here has no netem, so packets pass through this process, whatever is in them.
#![expect(unsafe_code, reason = "to make an interface is a system call")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::host::Host;

/// The wire, until it is dropped.
pub struct Wire {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Wire {
    /// Between a host at this address and one that has these, each so far away: as long as there and back
    /// takes.
    pub fn new(
        near: (&Host, Ipv4Addr),
        far: &Host,
        distances: &BTreeMap<Ipv4Addr, Duration>,
    ) -> io::Result<Self> {
        let (near, ip) = near;
        let ends = [near.run(open)?, far.run(open)?];
        near.ip(&format!(
            "addr add {ip}/32 dev far0\nlink set far0 up\nroute add default dev far0\n"
        ));
        let addrs = distances.keys().map(|ip| format!("addr add {ip}/32 dev far0\n"));
        far.ip(&(addrs.collect::<String>() + "link set far0 up\nroute add default dev far0\n"));
        let (stop, distances) = (Arc::new(AtomicBool::new(false)), distances.clone());
        let stopped = stop.clone();
        let thread = thread::spawn(move || carry(ends, &distances, &stopped));
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// When it arrives, which one it is, at which end, and its bytes.
type Packet = (Instant, u64, usize, Vec<u8>);

/// Carries packets from each end to the other, half of the distance late.
fn carry(mut ends: [File; 2], distances: &BTreeMap<Ipv4Addr, Duration>, stop: &AtomicBool) {
    let mut under_way: BinaryHeap<Reverse<Packet>> = BinaryHeap::new();
    let (mut count, mut buffer) = (0, [0; 2048]);
    while !stop.load(Ordering::Relaxed) {
        for (from, end) in ends.iter_mut().enumerate() {
            while let Ok(len) = end.read(&mut buffer) {
                let Some(packet) = buffer.get(..len).filter(|packet| packet.len() >= 20) else {
                    continue;
                };
                let ip =
                    |at: usize| Ipv4Addr::from(<[u8; 4]>::try_from(&packet[at..at + 4]).unwrap());
                let far = if from == 0 { ip(16) } else { ip(12) };
                if let Some(distance) = distances.get(&far).filter(|_| packet[0] >> 4 == 4) {
                    count += 1;
                    let at = Instant::now() + *distance / 2;
                    under_way.push(Reverse((at, count, 1 - from, packet.to_vec())));
                }
            }
        }
        let now = Instant::now();
        while under_way.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
            let Some(Reverse((_, _, to, packet))) = under_way.pop() else { break };
            let _ = ends[to].write(&packet);
        }
        let next = under_way.peek().map(|Reverse((at, ..))| at.saturating_duration_since(now));
        wait(&ends, next.unwrap_or(Duration::from_millis(50)).min(Duration::from_millis(50)));
    }
}

/// Waits until there is something to read, and no longer than this.
fn wait(ends: &[File; 2], timeout: Duration) {
    let poll = |end: &File| libc::pollfd { fd: end.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut polls = [poll(&ends[0]), poll(&ends[1])];
    let timeout = libc::timespec {
        tv_sec: timeout.as_secs() as libc::time_t,
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // SAFETY: both outlive the call, and there are two of the first.
    unsafe { libc::ppoll(polls.as_mut_ptr(), 2, &raw const timeout, std::ptr::null()) };
}

/// An interface of this host, `far0`: what is sent by it is read, and what is written comes from it.
fn open() -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file =
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    let mut request = [0_u8; 40];
    request[..4].copy_from_slice(b"far0");
    let flags = (libc::IFF_TUN | libc::IFF_NO_PI) as u16;
    request[16..18].copy_from_slice(&flags.to_ne_bytes());
    // SAFETY: `request` is an `ifreq` and outlives the call.
    let made = unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF, request.as_mut_ptr()) };
    if made < 0 { Err(io::Error::last_os_error()) } else { Ok(file) }
}

/// `_IOW('T', 202, int)`.
const TUNSETIFF: libc::Ioctl = 0x4004_54ca;
