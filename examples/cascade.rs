//! A whole cascade in one process, on loopback: a root, two regions and four leaves, each leaf
//! beside a stand-in for a TURN server. Then does what `tb trace` and `tb probe` do.
//!
//! ```console
//! cargo run --release --example cascade
//! ```

#[expect(dead_code, unused_imports, reason = "it runs two of the four commands")]
#[path = "../src/cmd/mod.rs"]
mod cmd;

use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;
use stun_types::message::{Message, MessageWrite, MessageWriteVec};
use turn_balance::{Balance, Config, Endpoint, NodeEntry, Server, View};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (root, _servers) = runtime.block_on(start())?;
    println!("$ tb trace {root}");
    run(&["tb", "trace", &root.to_string()])?;
    println!("\n$ tb probe {root}");
    run(&["tb", "probe", &root.to_string()])
}

/// The code of `tb` itself.
fn run(line: &[&str]) -> Result<ExitCode, Error> {
    Ok(cmd::output::leave(cmd::Cli::try_parse_from(line)?.run()))
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
    config.net.bind = vec![bind];
    config.net.name = Some(name.parse()?);
    config.cluster.superiors = superior.into_iter().map(Endpoint::from).collect();
    config.cluster.nodes = nodes.iter().map(node).collect();
    config.turn.bind = turn;
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
