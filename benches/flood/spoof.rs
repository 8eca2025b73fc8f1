//! Datagrams with any source, by the hundred thousand.
#![expect(unsafe_code, reason = "packet sockets, and batches of what they send")]

use std::io;
use std::mem::zeroed;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use socket2::{Domain, SockAddr, Socket, Type};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::wire::auth::{Key, Purpose, TRAILER};
use turn_balance::internals::wire::{
    PADDED_REQUEST, Ping, Probe, Request, RequestBody, SIGNED_HEARTBEAT,
};

use crate::stand::{NODE, SERVER_V4, SERVER_V6, Stand};
use turn_balance_lab::bench::Result;
use turn_balance_lab::host::Host;

/// Datagrams that are made before it begins, and sent again and again.
const MADE: usize = 100_000;

/// Sent with one system call.
const BATCH: usize = 64;

/// What is flooded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// All of them, as many of each
    Mix,
    /// Two bytes: the shortest probe there is
    Bare,
    /// Probes of 392 bytes with a nonce
    Padded,
    /// Heartbeats with a number and a challenge, some from the address of a node
    Heartbeats,
    /// The same with a tag that no key has made, of the number of the server's
    Tagged,
    /// Random bytes
    Garbage,
}

pub(crate) struct Flood {
    socket: Socket,
    frames: Vec<Vec<u8>>,
}

/// What went out: datagrams, and bytes of IP packets.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
}

impl Flood {
    /// From anybody to the server of a stand.
    pub(crate) fn new(stand: &Stand, kind: Kind, seed: u64) -> Result<Self> {
        let mut rng = Rng::seed_from_u64(seed);
        Self::of(&stand.flooder, &stand.server, || datagram(kind, &mut rng))
    }

    /// From one host to another, in anybody's name: from, to, payload.
    pub(crate) fn of(
        flooder: &Host,
        to: &Host,
        mut forge: impl FnMut() -> (SocketAddr, SocketAddr, Vec<u8>),
    ) -> Result<Self> {
        let socket = flooder.run(|| -> io::Result<Socket> {
            let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
            socket.bind(&interface("eth0")?)?;
            socket.set_send_buffer_size(4 << 20)?;
            Ok(socket)
        })?;
        let ethernet = [mac(to)?, mac(flooder)?].concat();
        let frames = (0..MADE).map(|_| {
            let (from, to, payload) = forge();
            frame(&ethernet, from, to, payload)
        });
        Ok(Self { socket, frames: frames.collect() })
    }

    /// Sends so many a second until it is told to stop.
    pub(crate) fn run(&self, rate: u32, stop: &AtomicBool) -> io::Result<Sent> {
        let (start, mut sent) = (Instant::now(), Sent::default());
        while !stop.load(Ordering::Relaxed) {
            let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            while sent.datagrams < due {
                let first = sent.datagrams as usize % MADE;
                let most = BATCH.min((due - sent.datagrams) as usize).min(MADE - first);
                let count = self.send(&self.frames[first..][..most])?;
                sent.datagrams += count as u64;
                let bytes = self.frames[first..][..count].iter().map(|frame| frame.len() - 14);
                sent.bytes += bytes.sum::<usize>() as u64;
            }
            thread::sleep(Duration::from_micros(200));
        }
        Ok(sent)
    }

    /// Sends up to [`BATCH`] frames. Returns how many went out.
    fn send(&self, frames: &[Vec<u8>]) -> io::Result<usize> {
        // SAFETY: integers and pointers only.
        let (mut iovecs, mut headers): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) =
            unsafe { zeroed() };
        for (index, frame) in frames.iter().enumerate() {
            iovecs[index].iov_base = frame.as_ptr().cast_mut().cast();
            iovecs[index].iov_len = frame.len();
            headers[index].msg_hdr.msg_iov = &raw mut iovecs[index];
            headers[index].msg_hdr.msg_iovlen = 1;
        }
        let count = frames.len() as libc::c_uint;
        // SAFETY: no more headers than there are; they point at what outlives the call and is only
        // read.
        let sent =
            unsafe { libc::sendmmsg(self.socket.as_raw_fd(), headers.as_mut_ptr(), count, 0) };
        match usize::try_from(sent) {
            Ok(sent) => Ok(sent),
            Err(_) if io::Error::last_os_error().raw_os_error() == Some(libc::ENOBUFS) => Ok(0),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }
}

/// Where packets are sent without a protocol of the kernel's.
fn interface(name: &str) -> io::Result<SockAddr> {
    let name = std::ffi::CString::new(name)?;
    // SAFETY: a string with its end, and storage that has room for any address.
    unsafe {
        let index = libc::if_nametoindex(name.as_ptr());
        let ((), addr) = SockAddr::try_init(|storage, len| {
            let link = storage.cast::<libc::sockaddr_ll>();
            (*link).sll_family = libc::AF_PACKET as _;
            (*link).sll_ifindex = index as _;
            *len = size_of::<libc::sockaddr_ll>() as _;
            Ok(())
        })?;
        Ok(addr)
    }
}

/// The hardware address of a host.
fn mac(host: &Host) -> Result<Vec<u8>> {
    let mut command = host.command("ip");
    let output = command.args(["-o", "link", "show", "eth0"]).stdin(Stdio::null()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (_, rest) = text.split_once("link/ether ").ok_or("no hardware address")?;
    let bytes = rest.split_whitespace().next().ok_or("no hardware address")?.split(':');
    Ok(bytes.map(|byte| u8::from_str_radix(byte, 16)).collect::<std::result::Result<_, _>>()?)
}

/// One datagram: a bare probe, a padded one, a heartbeat or garbage, from a source of IPv4, where
/// there are few networks, or of IPv6, where there are many, and one that many are in.
fn datagram(kind: Kind, rng: &mut Rng) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let payload = payload(kind, rng);
    let ping = payload.first() == Some(&0x1a);
    let port = rng.random_range(1024..=u16::MAX);
    let (source, port): (IpAddr, _) = match rng.random_range(0..20) {
        0 if ping => (NODE.into(), 3001),
        0..10 => {
            let networks = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
            let [a, b, c] = networks[rng.random_range(0..3)];
            // Not from where the honest ones are, or their neighbours on the wire.
            (Ipv4Addr::new(a, b, c, rng.random_range(128..=255)).into(), port)
        }
        10..18 => {
            let bits = 0x2001_0db8 << 96 | rng.random::<u128>() >> 32;
            (Ipv6Addr::from_bits(bits).into(), port)
        }
        _ => {
            let bits = 0x2001_0db8_0001 << 80 | rng.random::<u128>() >> 48;
            (Ipv6Addr::from_bits(bits).into(), port)
        }
    };
    let server = if source.is_ipv4() { SERVER_V4.into() } else { SERVER_V6.into() };
    (SocketAddr::new(source, port), SocketAddr::new(server, 3001), payload)
}

/// A datagram as it goes on the wire, between addresses of one family.
fn frame(ethernet: &[u8], from: SocketAddr, to: SocketAddr, mut payload: Vec<u8>) -> Vec<u8> {
    let udp = (8 + payload.len()) as u16;
    let mut segment = Vec::new();
    for word in [from.port(), to.port(), udp, 0] {
        segment.extend(word.to_be_bytes());
    }
    segment.append(&mut payload);
    let mut frame = ethernet.to_vec();
    match (from.ip(), to.ip()) {
        (IpAddr::V4(source), IpAddr::V4(to)) => {
            frame.extend([0x08, 0x00]);
            let mut header = vec![0x45, 0];
            header.extend((20 + udp).to_be_bytes());
            header.extend([0, 0, 0, 0, 64, 17, 0, 0]);
            header.extend(source.octets().into_iter().chain(to.octets()));
            let sum = checksum(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            frame.extend(header);
        }
        (IpAddr::V6(source), IpAddr::V6(to)) => {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend(udp.to_be_bytes());
            frame.extend([17, 64]);
            frame.extend(source.octets().into_iter().chain(to.octets()));
            let mut pseudo = [source.octets(), to.octets()].concat();
            pseudo.extend([0, 0]);
            pseudo.extend(udp.to_be_bytes());
            pseudo.extend([0, 0, 0, 17]);
            pseudo.extend(&segment);
            segment[6..8].copy_from_slice(&checksum(&pseudo).max(1).to_be_bytes());
        }
        _ => panic!("{from} and {to} are of two families"),
    }
    frame.extend(segment);
    frame
}

fn payload(kind: Kind, rng: &mut Rng) -> Vec<u8> {
    const ALL: [Kind; 4] = [Kind::Bare, Kind::Padded, Kind::Heartbeats, Kind::Garbage];
    match kind {
        Kind::Mix => payload(ALL[rng.random_range(0..ALL.len())], rng),
        Kind::Bare => vec![0x12, 0],
        Kind::Padded => {
            let probe = Probe { nonce: rng.random::<u64>() | 1, ..Probe::default() };
            Request { id: rng.random(), body: RequestBody::Probe(probe) }.encode(PADDED_REQUEST)
        }
        Kind::Heartbeats => heartbeat(SIGNED_HEARTBEAT, rng),
        Kind::Tagged => {
            let mut payload = heartbeat(SIGNED_HEARTBEAT - TRAILER, rng);
            Key::new(1, &rng.random()).sign(Purpose::Ping, &mut payload, 0);
            payload
        }
        Kind::Garbage => {
            let mut bytes = vec![0; rng.random_range(1..=600)];
            rng.fill(&mut bytes[..]);
            bytes
        }
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let sum: u32 = bytes.chunks(2).map(word).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

fn heartbeat(size: usize, rng: &mut Rng) -> Vec<u8> {
    let (seq, version) = (rng.random(), rng.random());
    let ping = Ping { seq, version, challenge: rng.random(), ..Ping::default() };
    Request { id: 0, body: RequestBody::Ping(ping) }.encode(size)
}
