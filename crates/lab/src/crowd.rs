//! Connections by the thousand that each begin to say something, and say no more.
#![expect(unsafe_code, reason = "how many files a process may open is a system call")]

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{Probe, Request, RequestBody};

use crate::http::connect_from;
use crate::loopback::skipped;
use crate::patience::PATIENCE;
use crate::served::Served;

/// So many connections, and how many of them come from one address: all, or some more than any listener lets
/// in of one.
pub const SLOW: usize = 10_000;
pub const FROM_ONE: usize = SLOW;
pub const FROM_MANY: usize = 140;

/// What a process has open beside them.
const OTHER_FILES: u64 = 1_000;

/// Between two datagrams.
const PAUSE: Duration = Duration::from_millis(5);

/// A server, and a listener of it that all come to.
pub struct Siege<'a> {
    pub served: &'a Served,
    pub server: SocketAddr,
    pub listener: SocketAddr,
}

impl Siege<'_> {
    /// Opens them with these bytes, does something while they are there, and waits until the server has ended each.
    /// The server answers every datagram all the while.
    pub fn hold(&self, of_one: usize, begun: &[u8], then: impl FnOnce() + Send) {
        let ((before, _), listener) = (self.served.memory(), self.listener);
        let (fate, times) = meanwhile(self.server, || {
            let crowd = open(listener, of_one, begun);
            then();
            fate(crowd)
        });
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        println!(
            "{SLOW} connections, {of_one} of each address: {fate:?}; {} datagrams, all answered, median {median:?}, \
             longest {longest:?}; memory {before} KiB before, {} at most",
            times.len(),
            self.served.memory().1,
        );
        assert_eq!(fate.open, 0, "{fate:?}");
        assert!(fate.told.keys().all(|status| *status >= 400), "{fate:?}");
    }
}

/// What became of connections.
#[derive(Debug, Default)]
struct Fate {
    /// Ended without a word.
    closed: usize,
    /// Told this status, and ended.
    told: BTreeMap<u16, usize>,
    /// Not ended in time.
    open: usize,
}

/// All of them. Fewer, loudly, where the system lets this process open fewer files.
fn open(addr: SocketAddr, of_one: usize, begun: &[u8]) -> Vec<TcpStream> {
    let room = raise_file_limit(SLOW as u64 + OTHER_FILES).saturating_sub(OTHER_FILES) as usize;
    if room < SLOW {
        skipped(&format!("{room} slow connections, not {SLOW}: ulimit -n"));
    }
    let open = |at: usize| {
        let from = Ipv4Addr::from(0x7fc8_0001 + (at / of_one) as u32);
        let mut stream = connect_from(from, addr);
        // Who is not let in may be gone already.
        let _ = stream.write_all(begun);
        stream
    };
    (0..SLOW.min(room)).map(open).collect()
}

/// Waits until all have ended.
fn fate(crowd: Vec<TcpStream>) -> Fate {
    let mut fate = Fate::default();
    for mut stream in crowd {
        let mut said = Vec::new();
        let ended = stream.read_to_end(&mut said);
        let status = str::from_utf8(&said).ok().and_then(|text| text.split(' ').nth(1));
        match (ended, status.and_then(|status| status.parse().ok())) {
            (Err(error), _) if error.kind() == io::ErrorKind::WouldBlock => fate.open += 1,
            (_, Some(status)) => *fate.told.entry(status).or_default() += 1,
            (_, None) => fate.closed += 1,
        }
    }
    fate
}

/// Asks a server over UDP, one datagram after another, while something is done. Returns what came of that,
/// and how long each answer took; none is asked for twice.
fn meanwhile<T: Send>(server: SocketAddr, work: impl FnOnce() -> T + Send) -> (T, Vec<Duration>) {
    let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(server).unwrap();
    let body = RequestBody::Probe(Probe { nonce: 1, ..Probe::default() });
    let request = Request { id: 1, body }.encode(0);
    let mut times = Vec::new();
    let result = thread::scope(|scope| {
        let work = scope.spawn(work);
        while !work.is_finished() || times.is_empty() {
            let asked = Instant::now();
            socket.send(&request).unwrap();
            socket.recv(&mut [0; 2048]).expect("a datagram is lost");
            times.push(asked.elapsed());
            thread::sleep(PAUSE);
        }
        work.join().unwrap()
    });
    times.sort_unstable();
    (result, times)
}

/// Lets this process open so many files, if it may. Returns how many it can.
fn raise_file_limit(wanted: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a number, and a value that outlives the call.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    if limit.rlim_cur < wanted {
        let raised = libc::rlimit { rlim_cur: wanted.min(limit.rlim_max), ..limit };
        // SAFETY: the same.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) } == 0 {
            limit = raised;
        }
    }
    limit.rlim_cur
}
