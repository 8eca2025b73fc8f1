//! The library's own call for a list.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use turn_balance::{Error, Failure, Lister, ServerKind, Strategy, View};

use crate::world::{World, http};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_with_urls() {
    let _ = Strategy::Best;
    let world = World::new(http()).await;
    let (net, list) = (&world.net, world.until_listed(3));
    assert_eq!(list["name"], "root");
    let lister = Lister::builder(net.server(1)).build().await.unwrap();
    let list = lister.list().await.unwrap();
    assert_eq!((list.addr, list.name.as_ref().unwrap().as_str()), (net.server(1), "root"));
    let mut told: Vec<_> = list
        .servers
        .iter()
        .map(|server| {
            let urls: Vec<_> = server.ways().iter().map(ToString::to_string).collect();
            (server.addr, server.kind, server.turn, urls)
        })
        .collect();
    told.sort();
    let udp = |addr: SocketAddr| format!("turn:{addr}?transport=udp");
    let leaf = |n, urls| (net.server(n), ServerKind::Leaf, Some(net.turn(n)), urls);
    let nyc = "turn:nyc.turn.example?transport=tcp".to_owned();
    assert_eq!(
        told,
        [
            leaf(2, vec![udp(net.turn(2)), "turns:fra.turn.example:443?transport=tcp".into()]),
            leaf(4, vec![udp(net.turn(4))]),
            (net.turn(5), ServerKind::Turn, Some(net.turn(5)), vec![udp(net.turn(5)), nyc]),
        ]
    );
    assert_eq!(list.total, 3);

    let direct = Lister::builder(net.server(1)).view(View::Subordinates).urls(false);
    let direct = direct.build().await.unwrap().list().await.unwrap();
    let region = direct.servers.iter().find(|server| server.addr == net.server(3)).unwrap();
    assert_eq!((region.kind, region.turn), (ServerKind::Balance, None));
    assert!(direct.servers.iter().all(|server| server.urls.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_lists_the_turn_server_beside_it() {
    let world = World::new(http()).await;
    let leaf = Lister::builder(world.net.server(2)).build().await.unwrap();
    let list = leaf.list().await.unwrap();
    let [turn] = list.servers.as_slice() else { panic!("{list:?}") };
    assert_eq!((turn.addr, turn.kind), (world.net.turn(2), ServerKind::Turn));
    assert_eq!(turn.urls.len(), 2);
    assert_eq!(leaf.urls(turn).await.unwrap_or_default().len(), 0, "it is no node of the leaf");
}

#[tokio::test]
async fn who_does_not_answer_is_an_error() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let lister = Lister::builder(silent.local_addr().unwrap()).timeout(Duration::from_millis(50));
    let error = lister.clone().build().await.unwrap().list().await.unwrap_err();
    assert!(matches!(error, Error::NotFound(Failure::NoAnswer { asked: 1, .. })), "{error:?}");
    let lister = lister.build().await.unwrap();
    drop(silent);
    let error = lister.list().await.unwrap_err();
    assert!(matches!(error, Error::NotFound(Failure::Unreachable { .. })), "{error:?}");
}
