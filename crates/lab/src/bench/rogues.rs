//! Nodes that list as much as a datagram holds, and change it all the time.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket as StdSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use turn_balance::internals::wire::{
    Kind, Node, Ping, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody, frame,
};

use super::{LOAD_CORE, Result, pin};

/// What one of them lists: with 14 bytes each they fill the longest datagram.
pub const ENTRIES: u16 = 4600;

/// Between two changes of one.
const CHANGES: Duration = Duration::from_millis(250);

/// Nodes at 127.3.0.1 and the addresses after that, each with a socket of its own. At first each is
/// a leaf that never changes.
pub struct Rogues {
    addrs: Vec<SocketAddr>,
    wild: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
}

impl Rogues {
    /// Starts to answer the checks of this server, on the core of what asks, and to tell it of changes.
    pub fn start(count: u32, superior: SocketAddr) -> Result<Self> {
        let bind = |index| {
            let ip = Ipv4Addr::from_bits(Ipv4Addr::new(127, 3, 0, 1).to_bits() + index);
            let socket = StdSocket::bind((ip, 0))?;
            socket.set_nonblocking(true)?;
            Ok((socket.local_addr()?, socket))
        };
        let sockets = (0..count).map(bind).collect::<Result<Vec<_>>>()?;
        let addrs = sockets.iter().map(|(addr, _)| *addr).collect();
        let (wild, answers) = <(Arc<AtomicBool>, Arc<AtomicU64>)>::default();
        let shared = (wild.clone(), answers.clone());
        std::thread::spawn(move || {
            let _ = pin(LOAD_CORE);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            let list: Arc<[u8]> = list().into();
            runtime.block_on(async {
                for (_, socket) in sockets {
                    let Ok(socket) = UdpSocket::from_std(socket) else { return };
                    let (wild, answers) = shared.clone();
                    let rogue =
                        Rogue { socket, superior, version: 1, list: list.clone(), wild, answers };
                    tokio::spawn(rogue.run());
                }
                std::future::pending::<()>().await
            });
        });
        Ok(Self { addrs, wild, answers })
    }

    /// What their superior is configured with.
    pub fn toml(&self) -> String {
        let nodes: Vec<_> = self.addrs.iter().map(|addr| format!("'{addr}'")).collect();
        format!("cluster.nodes = [{}]\n", nodes.join(","))
    }

    /// From now on they are what they are.
    pub fn run_wild(&self) {
        self.wild.store(true, Ordering::Relaxed);
    }

    /// How many checks they have answered.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }
}

struct Rogue {
    socket: UdpSocket,
    superior: SocketAddr,
    version: u64,
    list: Arc<[u8]>,
    wild: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
}

impl Rogue {
    async fn run(mut self) {
        let mut buffer = [0; 2048];
        let mut changes = tokio::time::interval(CHANGES);
        loop {
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    let Ok((len, from)) = received else { continue };
                    if let Some(answer) = self.answer(&buffer[..len]) {
                        self.answers.fetch_add(1, Ordering::Relaxed);
                        let _ = self.socket.send_to(&answer, from).await;
                    }
                }
                _ = changes.tick() => {
                    if self.wild.load(Ordering::Relaxed) {
                        self.version += 1;
                        let ping = Ping { version: self.version, ..Ping::default() };
                        let heartbeat = Request { id: 0, body: RequestBody::Ping(ping) }.encode(0);
                        let _ = self.socket.send_to(&heartbeat, self.superior).await;
                    }
                }
            }
        }
    }

    fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        let Ok(Request { id, body: RequestBody::Probe(Probe { nonce, .. }) }) =
            Request::decode(request)
        else {
            return None;
        };
        if !self.wild.load(Ordering::Relaxed) {
            let turn = Some(SocketAddr::new(self.socket.local_addr().ok()?.ip(), 3478));
            let reply = ProbeReply { turn, nonce, version: 1, ..ProbeReply::default() };
            return Some(Response { id, body: ResponseBody::Probe(reply) }.encode());
        }
        let mut answer = Vec::with_capacity(self.list.len() + 64);
        // Its version is field 10, of eight bytes.
        frame(&mut answer, id.into(), nonce, self.list.len() + 9);
        answer.extend_from_slice(&self.list);
        answer.push(10 << 3 | 1);
        answer.extend_from_slice(&self.version.to_le_bytes());
        Some(answer)
    }
}

fn list() -> Vec<u8> {
    let node = |n: u16| Node {
        name: "ab".parse().ok(),
        ..Node::new(SocketAddr::from(([192, 0, 2, n as u8], 1024 + n)), Kind::Balance)
    };
    let mut list = Vec::new();
    ProbeReply { nodes: (0..ENTRIES).map(node).collect(), ..ProbeReply::default() }
        .encode_tail(&mut list);
    list
}
