//! Together with the first implementation of the protocol, in both roles. Its behaviour is
//! written down here from its documents: what it reads and sends, and what makes it give up.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use turn_balance::internals::wire::{Request, RequestBody, Response, ResponseBody};
use turn_balance::{Balance, Server};
use turn_balance_lab::loopback::{Net, answer_bindings, config};

/// An old client: asks one server, then all hosts it names with one id, and takes the first
/// answer to each id. Without hosts it takes `turn`, or gives up.
fn old_client(net: &Net, root: SocketAddr) -> Option<SocketAddr> {
    let socket = UdpSocket::bind((net.ip(9), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut hosts = vec![root];
    let mut buffer = [0; 40_960];
    for id in 0..8u8 {
        for host in &hosts {
            // Id 0 is left out, as every default is.
            let probe = if id == 0 { vec![0x12, 0] } else { vec![0x08, id, 0x12, 0] };
            socket.send_to(&probe, host).unwrap();
        }
        let reply = loop {
            let (len, _) = socket.recv_from(&mut buffer).ok()?;
            let response = Response::decode(&buffer[..len]).unwrap();
            if response.id == u32::from(id) {
                let ResponseBody::Probe(reply) = response.body else {
                    return None;
                };
                assert!(reply.nodes.is_empty() && reply.nonce == 0, "it reads no such field");
                break reply;
            }
        };
        if reply.hosts.is_empty() {
            return reply.turn;
        }
        hosts = reply.hosts;
    }
    None
}

/// An old server: answers whatever asks with its hosts, or `turn` when it has none, and tells
/// its superior once that it is there.
fn old_server(
    bind: SocketAddr,
    hosts: Vec<SocketAddr>,
    turn: Option<SocketAddr>,
    superior: Option<SocketAddr>,
) {
    let socket = UdpSocket::bind(bind).unwrap();
    thread::spawn(move || {
        if let Some(superior) = superior {
            socket.send_to(&[0x1a, 0x00], superior).unwrap();
        }
        let mut buffer = [0; 40_960];
        let mut online = Vec::new();
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let Ok(request) = Request::decode(&buffer[..len]) else {
                continue;
            };
            match request.body {
                // Only whoever has sent a heartbeat is online.
                RequestBody::Ping(_) if hosts.contains(&from) => online.push(from),
                RequestBody::Ping(_) => {}
                RequestBody::Probe(_) => {
                    let turn = turn.filter(|_| online.is_empty());
                    let reply = turn_balance::internals::wire::ProbeReply {
                        hosts: online.clone(),
                        turn,
                        ..Default::default()
                    };
                    let body = ResponseBody::Probe(reply);
                    let answer = Response { id: request.id, body }.encode();
                    socket.send_to(&answer, from).unwrap();
                }
            }
        }
    });
}

async fn asks_until_found(root: SocketAddr) -> SocketAddr {
    let balance = Balance::new(root).await.unwrap();
    let found = async {
        loop {
            match balance.probe(5).await {
                Ok(turn) => return turn,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect("it is found")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_goes_down_our_cascade() {
    let net = Net::new();
    answer_bindings(net.turn(3));
    let turn = Some(net.turn(3));
    let leaf = config(net.server(3), "leaf", Some(net.server(2)), &[], turn);
    let region = config(net.server(2), "region", Some(net.server(1)), &[net.server(3)], None);
    let root = config(net.server(1), "root", None, &[net.server(2)], None);
    let mut servers = Vec::new();
    for config in [leaf, region, root] {
        servers.push(Server::start(config).await.unwrap());
    }
    assert_eq!(asks_until_found(net.server(1)).await, net.turn(3));
    assert_eq!(old_client(&net, net.server(1)), Some(net.turn(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_leaf_is_a_subordinate_of_ours() {
    let net = Net::new();
    answer_bindings(net.turn(2));
    let root = config(net.server(1), "root", None, &[net.server(2)], None);
    let _root = Server::start(root).await.unwrap();
    old_server(net.server(2), Vec::new(), Some(net.turn(2)), Some(net.server(1)));
    assert_eq!(asks_until_found(net.server(1)).await, net.turn(2));
    assert_eq!(old_client(&net, net.server(1)), Some(net.turn(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_root_is_a_superior_of_ours() {
    let net = Net::new();
    answer_bindings(net.turn(2));
    old_server(net.server(1), vec![net.server(2)], None, None);
    let turn = Some(net.turn(2));
    let leaf = config(net.server(2), "leaf", Some(net.server(1)), &[], turn);
    let _leaf = Server::start(leaf).await.unwrap();
    assert_eq!(asks_until_found(net.server(1)).await, net.turn(2));
    assert_eq!(old_client(&net, net.server(1)), Some(net.turn(2)));
}
