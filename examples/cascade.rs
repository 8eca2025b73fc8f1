//! A whole cascade in one process, on loopback: a root, two regions and four leaves, each leaf
//! beside a stand-in for a TURN server. Then does with the library what `tb trace` and `tb probe` do.
//!
//! ```console
//! cargo run --example cascade
//! ```

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use stun_types::message::{Message, MessageWrite, MessageWriteVec};
use turn_balance::{
    Balance, Candidate, Config, Endpoint, NodeEntry, Selection, Server, Trace, View,
};

type Error = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (root, _servers) = start().await?;
    let level_by_level = Balance::builder().root(root).view(View::Subordinates).build().await?;
    println!("Every level below {root}:");
    print_trace(&level_by_level.trace().await?);
    println!("\nThe TURN server to use:");
    print_selection(&Balance::new(root).await?.select().await?);
    Ok(())
}

fn print_trace(trace: &Trace) {
    println!("LEVEL  CANDIDATE        NAME    VIA     RTT(ms)  TOTAL(ms)  STATE");
    for candidate in &trace.candidates {
        let Candidate { level, addr, rtt, total, state, .. } = candidate;
        let via = candidate.via.and_then(|index| trace.candidates.get(index));
        let (name, via) = (name(Some(candidate)), name(via));
        let (rtt, total, state) = (ms(*rtt), ms(*total), state.as_str());
        println!("{level:>5}  {addr}  {name:<6}  {via:<6}  {rtt:>7}  {total:>9}  {state}");
    }
}

fn print_selection(selection: &Selection) {
    let Selection { turn, rtt, elapsed, cost, .. } = selection;
    let name = selection.name.as_ref().map_or_else(String::new, ToString::to_string);
    println!(
        "{turn}  {name}  {} ms  in {} ms: {} candidates, {} silent, {} datagrams",
        ms(Some(*rtt)),
        ms(Some(*elapsed)),
        cost.candidates,
        cost.silent,
        cost.datagrams
    );
}

fn name(candidate: Option<&Candidate>) -> String {
    let name = candidate.and_then(|candidate| candidate.name.as_ref());
    name.map_or_else(|| "-".to_owned(), ToString::to_string)
}

fn ms(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.2}", time.as_secs_f64() * 1e3))
}

/// Starts all servers. Returns the root's address once it lists the whole cascade.
async fn start() -> Result<(SocketAddr, Vec<Server>), Error> {
    let root = free_address()?;
    let mut servers = Vec::new();
    let mut regions = Vec::new();
    for region in ["east", "west"] {
        let addr = free_address()?;
        let mut leaves = Vec::new();
        for n in 1..=2 {
            let leaf = free_address()?;
            let turn = turn_server()?;
            servers.push(serve(leaf, format!("{region}-{n}"), Some(addr), &[], Some(turn)).await?);
            leaves.push(leaf);
        }
        servers.push(serve(addr, region.to_owned(), Some(root), &leaves, None).await?);
        regions.push(addr);
    }
    servers.push(serve(root, "root".to_owned(), None, &regions, None).await?);

    // Each level comes online when the one below has: heartbeats bring that about at once.
    let balance = Balance::builder().root(root).view(View::Subordinates).build().await?;
    while balance.trace().await?.candidates.iter().filter(|c| c.level == 2).count() < 4 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok((root, servers))
}

async fn serve(
    bind: SocketAddr,
    name: String,
    superior: Option<SocketAddr>,
    nodes: &[SocketAddr],
    turn: Option<SocketAddr>,
) -> Result<Server, Error> {
    let node = |&addr: &SocketAddr| NodeEntry::new(addr);
    let mut config = Config::default();
    config.net.bind = vec![bind.into()];
    config.net.name = Some(name.parse()?);
    config.cluster.superiors = superior.into_iter().map(Endpoint::from).collect();
    config.cluster.nodes = nodes.iter().map(node).collect();
    config.turn.bind = Vec::from_iter(turn);
    Ok(Server::start(config).await?)
}

/// An address that nobody listens on: each server must know its neighbours' before they start.
fn free_address() -> Result<SocketAddr, Error> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}

/// Answers STUN Binding requests, as a TURN server does.
fn turn_server() -> Result<SocketAddr, Error> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let addr = socket.local_addr()?;
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            if let Ok(request) = Message::from_bytes(&buffer[..len]) {
                let answer = Message::builder_success(&request, MessageWriteVec::new()).finish();
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    Ok(addr)
}
