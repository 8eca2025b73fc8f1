//! All that waits: checks, heartbeats, and what is said of them in the log.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

use super::log_limit::tell;
use super::{Arrival, Shared, socket_error, source_ips};
use crate::error::Error;
use crate::net::engine::Transmit;
use crate::net::engine::server::heartbeat::Outgoing;
use crate::net::engine::server::members::{self, ONLINE, START_GRACE};
use crate::net::engine::server::{ServerEngine, ServerEvent};
use crate::net::io::{mapped, send};
use crate::types::Name;

/// Room for any answer to a check: the first implementation may send as much as UDP holds.
const ANSWER_ROOM: usize = 65_535;

/// What falls due so soon after a turn of the loop waits for it and goes out with it: of thousands
/// of checks many in one turn, while no clock here is finer than that.
const GATHER: Duration = Duration::from_millis(5);

/// After an error, so that one that stays does not take the processor.
const PAUSE: Duration = Duration::from_millis(20);

/// Opens the sockets that checks are sent from.
pub(super) fn open_checkers(
    addrs: &[SocketAddr],
    port: Option<u16>,
) -> Result<Vec<UdpSocket>, Error> {
    let open = |ip| {
        let addr = SocketAddr::new(ip, port.unwrap_or(0));
        let opened = crate::net::io::open(addr);
        opened.map_err(socket_error("send checks from", addr))
    };
    source_ips(addrs).into_iter().map(open).collect()
}

/// Opens the socket that the TURN server beside a leaf is asked from.
pub(super) fn open_asker(turn: SocketAddr) -> Result<UdpSocket, Error> {
    let ip: IpAddr = match turn {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let addr = SocketAddr::new(ip, 0);
    crate::net::io::open(addr).map_err(socket_error("ask the TURN server from", addr))
}

/// Starts the tasks.
pub(super) fn spawn(
    shared: &Arc<Shared>,
    checkers: Vec<UdpSocket>,
    turn: Option<UdpSocket>,
    listeners: Vec<(SocketAddr, StdSocket)>,
    peer_messages: mpsc::Receiver<Arrival>,
) -> Vec<JoinHandle<()>> {
    let checkers: Vec<_> = checkers.into_iter().map(Checker::from).collect();
    let mut tasks = Vec::new();
    for checker in &checkers {
        let here = shared.clone();
        let task =
            take(shared.clone(), checker.socket.clone(), move |cluster, now, from, datagram| {
                let verdict = cluster.handle_answer(now, from, datagram);
                here.counters.checked(verdict);
                tell!(here.log_limit.allow(now), TRACE, %from, ?verdict, "answer to a check");
                // Of a node that goes on as before nothing is due before its next check.
                cluster.has_news()
            });
        tasks.push(tokio::spawn(task));
    }
    let turn = turn.map(Arc::new);
    if let Some(turn) = turn.clone() {
        let here = shared.clone();
        let task = take(shared.clone(), turn, move |cluster, now, from, datagram| {
            let right = cluster.handle_binding(now, from, datagram);
            if !right {
                here.counters.stray_binding();
            }
            right
        });
        tasks.push(tokio::spawn(task));
    }
    let control = Control { shared: shared.clone(), checkers, turn, listeners, next: 0 };
    tasks.push(tokio::spawn(control.run(peer_messages)));
    tasks
}

/// Takes what comes to a socket, for ever. `handle` says whether the control task must hear of it.
async fn take(
    shared: Arc<Shared>,
    socket: Arc<UdpSocket>,
    handle: impl Fn(&mut ServerEngine, Instant, SocketAddr, &[u8]) -> bool,
) {
    let mut buffer = vec![0; ANSWER_ROOM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((len, from)) => {
                let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                let news = handle(&mut shared.cluster(), Instant::now(), from, &buffer[..len]);
                if news {
                    shared.wake();
                }
            }
            Err(error) => {
                let may = || shared.log_limit.allow(Instant::now());
                tell!(may(), DEBUG, %error, "cannot receive answers, trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A socket that checks are sent from.
struct Checker {
    socket: Arc<UdpSocket>,
    /// Where it is bound.
    addr: Option<SocketAddr>,
}

impl From<UdpSocket> for Checker {
    fn from(socket: UdpSocket) -> Self {
        Self { addr: socket.local_addr().ok(), socket: Arc::new(socket) }
    }
}

struct Control {
    shared: Arc<Shared>,
    checkers: Vec<Checker>,
    /// Where the TURN server is asked from.
    turn: Option<Arc<UdpSocket>>,
    listeners: Vec<(SocketAddr, StdSocket)>,
    /// Which checker sends next, where several can: one of them may have no way to the node.
    next: usize,
}

impl Control {
    async fn run(mut self, mut peer_messages: mpsc::Receiver<Arrival>) {
        let idle = Duration::from_secs(3600);
        loop {
            let next = self.step(Instant::now()).unwrap_or_else(|| Instant::now() + idle);
            let next = next.max(Instant::now() + GATHER);
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => {}
                () = self.shared.news.notified() => {}
                Some((to, from, knock)) = peer_messages.recv() => {
                    let now = Instant::now();
                    let result = self.shared.cluster().handle_peer_message(now, to, from, &knock);
                    tell!(self.shared.log_limit.allow(now), TRACE, %from, ?result, "heartbeat");
                    if let Err(reason) = result {
                        self.shared.counters.dropped(reason);
                    }
                }
            }
        }
    }

    /// One turn of the loop: everything that is due. Returns when the next is.
    fn step(&mut self, now: Instant) -> Option<Instant> {
        self.shared.cluster().handle_timeout(now);
        self.shared.refresh(now);
        loop {
            let mut cluster = self.shared.cluster();
            let check = cluster.poll_check(now);
            let binding = cluster.poll_binding(now);
            let heartbeat = cluster.poll_heartbeat(now);
            let event = cluster.poll_event().map(|event| (event, cluster.count(now)));
            let next = cluster.poll_timeout();
            drop(cluster); // what follows are system calls
            if check.is_none() && binding.is_none() && heartbeat.is_none() && event.is_none() {
                return next;
            }
            if let Some(check) = check {
                self.send_check(now, &check);
            }
            if let (Some(binding), Some(turn)) = (binding, &self.turn)
                && let Err(error) = send(turn, &binding.payload, binding.to)
            {
                debug!(turn = %binding.to, %error, "cannot ask the TURN server");
            }
            if let Some(heartbeat) = heartbeat {
                self.send_heartbeat(now, &heartbeat);
            }
            if let Some((event, count)) = event {
                self.tell(event, count);
            }
        }
    }

    /// Sends from the next socket of the family; where that fails, from another.
    fn send_check(&mut self, now: Instant, check: &Transmit) {
        let may = || self.shared.log_limit.allow(now);
        self.next = self.next.wrapping_add(1);
        let count = self.checkers.len();
        for index in 0..count {
            let checker = &self.checkers[self.next.wrapping_add(index) % count];
            let same = checker.addr.is_some_and(|addr| addr.is_ipv4() == check.to.is_ipv4());
            if !same {
                continue;
            }
            match send(&checker.socket, &check.payload, check.to) {
                Ok(()) => return tell!(may(), TRACE, to = %check.to, "check"),
                Err(error) => tell!(may(), DEBUG, to = %check.to, %error, "cannot send a check"),
            }
        }
    }

    /// Sends from every listening socket of the family, until it is known by which one of them
    /// the superior knows the node.
    fn send_heartbeat(&self, now: Instant, Outgoing { transmit: heartbeat, via }: &Outgoing) {
        let may = || self.shared.log_limit.allow(now);
        let chosen = |addr: &SocketAddr| via.is_none_or(|via| via == *addr);
        for (addr, listener) in self.listeners.iter().filter(|(addr, _)| chosen(addr)) {
            let Some(to) = mapped(heartbeat.to, *addr) else {
                continue;
            };
            match listener.send_to(&heartbeat.payload, to) {
                Ok(_) => tell!(may(), TRACE, to = %heartbeat.to, from = %addr, "heartbeat"),
                Err(error) => {
                    let to = heartbeat.to;
                    tell!(may(), DEBUG, %to, from = %addr, %error, "cannot send a heartbeat");
                }
            }
        }
    }

    fn tell(&self, event: ServerEvent, (online, all): (usize, usize)) {
        let online = format_args!("{online} of {all}").to_string();
        let text = |name: Option<Name>| name.map_or_else(|| "-".into(), |name| name.to_string());
        match event {
            ServerEvent::TurnUp(turn) => info!(%turn, "TURN server up"),
            ServerEvent::TurnDown(turn) => warn!(%turn, "TURN server down"),
            ServerEvent::Node(members::MemberEvent::Online { addr, name }) => {
                info!(%addr, name = %text(name), %online, "node online");
            }
            ServerEvent::Node(members::MemberEvent::Offline { addr, name, silent: true }) => {
                let name = text(name);
                warn!(%addr, %name, silent = ?ONLINE, %online, "node offline");
            }
            ServerEvent::Node(members::MemberEvent::Offline { addr, name, silent: false }) => {
                let name = text(name);
                warn!(%addr, %name, offers = "nothing", %online, "node offline");
            }
            ServerEvent::Node(members::MemberEvent::Forgotten { addr }) => {
                info!(%addr, nodes = all, "node forgotten");
            }
            ServerEvent::Node(members::MemberEvent::NoneAnswered) => {
                let ports = self.checkers.iter().filter_map(|checker| checker.addr);
                let from: Vec<_> = ports.map(|addr| addr.to_string()).collect();
                warn!(
                    after = ?START_GRACE,
                    checks_from = %from.join(" "),
                    nodes = all,
                    "no node has answered: does a firewall drop checks or their answers? \
                     `check-bind` in [cluster] fixes the port"
                );
            }
        }
    }
}
