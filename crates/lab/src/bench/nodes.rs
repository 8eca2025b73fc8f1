//! Nodes by the thousand: one socket that answers checks as any number of leaves, or TURN servers.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use turn_balance::internals::wire::{
    ProbeReply, Request, RequestBody, Response, ResponseBody, SHORT_REQUEST, stun,
};

use super::{LOAD_CORE, Result, echo, pin};

/// Limits that exempt nobody, and count what is asked without ever being reached by one host.
pub const COUNTED: &str =
    "limits = { exempt = [], ipv4-32 = 100_000_000, ipv4-24 = 100_000_000 }\n";

/// Leaves at 127.1.0.1 and the addresses after that, all on one port.
pub struct Nodes {
    port: u16,
    socket: UdpSocket,
}

impl Nodes {
    /// Starts to answer, on the core of what asks.
    pub fn start() -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20)?;
        let (port, answers) = (socket.local_addr()?.port(), socket.try_clone()?);
        std::thread::spawn(move || {
            let _ = pin(LOAD_CORE);
            let _ = echo::batches(&answers, |to, request, out| {
                let answer = answer(to, request).unwrap_or_default();
                out[..answer.len()].copy_from_slice(&answer);
                answer.len()
            });
        });
        Ok(Self { port, socket })
    }

    /// What their superior is configured with.
    pub fn toml(&self, count: u32) -> String {
        self.toml_of(count, |addr| format!("'{addr}'"))
    }

    /// The same, where they are TURN servers.
    pub fn turn_toml(&self, count: u32) -> String {
        self.toml_of(count, |addr| format!("{{ turn = '{addr}' }}"))
    }

    fn toml_of(&self, count: u32, node: impl Fn(SocketAddr) -> String) -> String {
        let nodes: Vec<_> = (0..count).map(|index| node(self.addr(index))).collect();
        format!("cluster.nodes = [{}]\n", nodes.join(","))
    }

    pub fn addr(&self, index: u32) -> SocketAddr {
        let ip = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + index);
        SocketAddr::new(ip.into(), self.port)
    }

    /// Where heartbeats leave from: they come from the addresses that answer.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }
}

/// That of a leaf whose TURN server is on the same machine.
fn answer(to: Ipv4Addr, request: &[u8]) -> Option<Vec<u8>> {
    if stun::is_stun(request) {
        return Some([&[1, 1], &request[2..]].concat());
    }
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return None;
    };
    if request.len() == SHORT_REQUEST {
        return None; // is it a balance server?
    }
    let turn = Some(SocketAddr::from((to, 3478)));
    let reply = ProbeReply { turn, nonce: probe.nonce, version: 1, ..ProbeReply::default() };
    Some(Response { id, body: ResponseBody::Probe(reply) }.encode())
}
