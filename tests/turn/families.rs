//! One leaf of a TURN server that has an address of each family.

use std::net::{SocketAddr, UdpSocket};

use turn_balance::{Balance, Server};
use turn_balance_lab::loopback::{Net, answer_bindings, config};
use turn_balance_lab::patience::PATIENCE;

/// A port of ::1 that was free a moment ago: all tests share that address.
fn free() -> SocketAddr {
    UdpSocket::bind("[::1]:0").unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_asker_is_told_the_address_of_its_own() {
    let net = Net::new();
    let servers = [net.server(1), free()];
    let turns = [net.turn(1), free()];
    turns.iter().copied().for_each(answer_bindings);
    let mut leaf = config(servers[0], "leaf", None, &[], Some(turns[0]));
    leaf.net.bind.push(servers[1].into());
    leaf.turn.bind.push(turns[1]);
    let _leaf = Server::start(leaf).await.unwrap();
    for (server, turn) in servers.into_iter().zip(turns) {
        let balance = Balance::new(server).await.unwrap();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                // Until its own is seen to answer, the other family's is better than none.
                match balance.select().await {
                    Ok(found) if found.turn == turn => return found,
                    _ => tokio::task::yield_now().await,
                }
            }
        });
        let found = found.await.unwrap_or_else(|_| panic!("{server} names {turn}"));
        assert!(found.verified, "asked by {server}");
    }
}
