//! Descents from an address behind which neighbours ask as often as they can, with their cookies.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use turn_balance::Balance;
use turn_balance::internals::wire::{
    PADDED_REQUEST, Probe, Request, RequestBody, Response, ResponseBody,
};
use turn_balance_lab::bench::Result;

use crate::stand::{SERVER_V4, Stand};

/// From how many ports, and how often in all.
const CASES: [(usize, u32); 4] = [(0, 0), (1, 500), (1, 10_000), (1000, 10_000)];

/// How many descents, and between two of them.
const DESCENTS: usize = 12;
const PAUSE: Duration = Duration::from_millis(500);

/// How long the neighbours have been at it.
const WARM_UP: Duration = Duration::from_secs(5);

const ROOT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(SERVER_V4), 3001);

/// What all of them are behind.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

pub(crate) fn run(json: bool) -> Result<()> {
    let stand = Stand::new()?;
    let _server = stand.serve(true, "")?;
    if !json {
        println!(
            "{:>6} {:>7} {:>9} {:>6} {:>8}",
            "ports", "asked/s", "answers/s", "found", "median"
        );
    }
    for (ports, rate) in CASES {
        let (stop, answers) = (AtomicBool::new(false), AtomicU64::new(0));
        let (found, mut times) = stand.client.run(|| {
            thread::scope(|scope| {
                let crowd = scope.spawn(|| neighbours(ports, rate, &stop, &answers));
                thread::sleep(WARM_UP);
                answers.store(0, Ordering::Relaxed);
                let start = Instant::now();
                let found = descents();
                let answered =
                    answers.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
                stop.store(true, Ordering::Relaxed);
                let _ = crowd.join();
                found.map(|times| (answered, times))
            })
        })?;
        times.sort_by(f64::total_cmp);
        let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
        if json {
            println!(
                "{}",
                json!({
                    "ports": ports, "asked": rate, "answered": found, "descents": DESCENTS,
                    "found": times.len(), "median_ms": median,
                })
            );
        } else {
            let of = format!("{}/{DESCENTS}", times.len());
            println!("{ports:>6} {rate:>7} {found:>9.0} {of:>6} {median:>5.0} ms");
        }
    }
    Ok(())
}

/// Milliseconds of the descents that found a TURN server.
fn descents() -> std::result::Result<Vec<f64>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut times = Vec::new();
        for _ in 0..DESCENTS {
            let start = Instant::now();
            let socket = UdpSocket::bind((ADDRESS, 0)).map_err(|error| error.to_string())?;
            let balance = Balance::builder().root(ROOT).socket(socket).build().await;
            if balance.map_err(|error| error.to_string())?.select().await.is_ok() {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(times)
    })
}

/// One who asks from a port, and returns the cookie that it is given.
struct Neighbour {
    socket: UdpSocket,
    cookie: Vec<u8>,
}

impl Neighbour {
    fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind((ADDRESS, 0))?;
        socket.set_nonblocking(true)?;
        socket.connect(ROOT)?;
        Ok(Self { socket, cookie: Vec::new() })
    }

    /// Takes what has come, and asks again. Returns how many lists came.
    fn ask(&mut self, n: u64) -> u64 {
        let (mut buffer, mut lists) = ([0; 2048], 0);
        while let Ok(len) = self.socket.recv(&mut buffer) {
            match Response::decode(&buffer[..len]) {
                Ok(Response { body: ResponseBody::Probe(reply), .. }) if reply.retry => {
                    self.cookie = reply.cookie;
                }
                _ => lists += 1,
            }
        }
        let probe = Probe { nonce: n + 1, cookie: &self.cookie, ..Probe::default() };
        let request = Request { id: n as u32, body: RequestBody::Probe(probe) };
        let _ = self.socket.send(&request.encode(PADDED_REQUEST));
        lists
    }
}

fn neighbours(ports: usize, rate: u32, stop: &AtomicBool, answers: &AtomicU64) -> io::Result<()> {
    let mut all = (0..ports).map(|_| Neighbour::new()).collect::<io::Result<Vec<_>>>()?;
    let (start, mut asked) = (Instant::now(), 0);
    while !stop.load(Ordering::Relaxed) {
        let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        for n in asked..due {
            let lists = all[n as usize % ports].ask(n);
            answers.fetch_add(lists, Ordering::Relaxed);
        }
        asked = due;
        thread::sleep(Duration::from_micros(500));
    }
    Ok(())
}
