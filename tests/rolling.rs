//! Every server of a real cascade is restarted, one after another, while clients come.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use turn_balance::Balance;
use turn_balance::internals::wire::{Probe, Request, RequestBody, Response, ResponseBody, State};
use turn_balance_lab::loopback::{Net, answer_bindings};
use turn_balance_lab::served::Served;
use turn_balance_lab::{Built, built};

const BUILT: Built = built!();

/// The hosts of each level.
const ROOTS: [u8; 2] = [1, 2];
const REGIONS: [u8; 2] = [3, 4];
const LEAVES: [[u8; 3]; 2] = [[11, 12, 13], [14, 15, 16]];

/// Clients that come at once, and how long each waits before it comes again.
const CLIENTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(20);

/// What is known of the cascade at a moment.
struct Cascade {
    net: Net,
    served: BTreeMap<u8, Served>,
}

impl Cascade {
    fn start(net: Net) -> Self {
        let mut cascade = Self { net, served: BTreeMap::new() };
        LEAVES.into_iter().flatten().for_each(|leaf| answer_bindings(cascade.net.turn(leaf)));
        let hosts = LEAVES.into_iter().flatten().chain(REGIONS).chain(ROOTS);
        hosts.for_each(|host| cascade.serve(host));
        REGIONS.iter().chain(&ROOTS).for_each(|host| cascade.wait_for_nodes(*host));
        cascade
    }

    fn serve(&mut self, host: u8) {
        let (net, list) = (&self.net, |hosts: &[u8]| {
            let addrs = hosts.iter().map(|host| format!("'{}'", self.net.server(*host)));
            format!("[{}]", addrs.collect::<Vec<_>>().join(", "))
        });
        let (superiors, nodes) = (self.superiors(host), self.nodes(host));
        let turn = if nodes.is_empty() {
            format!("turn.bind = '{}'", net.turn(host))
        } else {
            String::new()
        };
        let rest = format!(
            "net.drain = '1s'\ncluster.superiors = {}\ncluster.nodes = {}\n{turn}\n",
            list(&superiors),
            list(&nodes)
        );
        let served = Served::start(BUILT, net.server(host), "info", &rest);
        self.served.insert(host, served);
    }

    fn nodes(&self, host: u8) -> Vec<u8> {
        match (ROOTS.contains(&host), REGIONS.iter().position(|region| *region == host)) {
            (true, _) => REGIONS.to_vec(),
            (false, Some(region)) => LEAVES[region].to_vec(),
            (false, None) => Vec::new(),
        }
    }

    fn superiors(&self, host: u8) -> Vec<u8> {
        match LEAVES.iter().position(|leaves| leaves.contains(&host)) {
            Some(region) => vec![REGIONS[region]],
            None if REGIONS.contains(&host) => ROOTS.to_vec(),
            None => Vec::new(),
        }
    }

    /// Waits until a server has seen each of its nodes.
    fn wait_for_nodes(&mut self, host: u8) {
        let nodes = self.nodes(host).len();
        let served = self.served.get_mut(&host).unwrap();
        (0..nodes).for_each(|_| served.until_it_logs("node online"));
    }

    /// Restarts one as systemd does, and waits until those above it and itself are as before.
    fn restart(&mut self, host: u8, drained: &Mutex<BTreeMap<SocketAddr, Instant>>) {
        let mut served = self.served.remove(&host).unwrap();
        served.signal("TERM");
        until_it_drains(self.net.server(host));
        drained.lock().unwrap().insert(self.net.turn(host), Instant::now());
        assert_eq!(served.until_it_ends(), Some(0), "host {host}");
        drained.lock().unwrap().remove(&self.net.turn(host));
        self.serve(host);
        self.wait_for_nodes(host);
        for superior in self.superiors(host) {
            self.served.get_mut(&superior).unwrap().until_it_logs("node online");
        }
    }
}

/// Waits until a server has said that it drains.
fn until_it_drains(addr: SocketAddr) {
    let client = UdpSocket::bind((addr.ip(), 0)).unwrap();
    client.connect(addr).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut buffer = [0; 2048];
    for id in 1.. {
        let body = RequestBody::Probe(Probe { nonce: id, ..Probe::default() });
        client.send(&Request { id: id as u32, body }.encode(0)).unwrap();
        let len = client.recv(&mut buffer).unwrap_or(0);
        if let Ok(Response { body: ResponseBody::Probe(reply), .. }) =
            Response::decode(&buffer[..len])
            && reply.state == State::Draining
        {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_descent_fails_or_names_who_drains_while_every_server_is_restarted() {
    let net = Net::new();
    let roots = ROOTS.map(|root| net.server(root));
    let drained = Arc::new(Mutex::new(BTreeMap::<SocketAddr, Instant>::new()));
    let (over, descents) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut cascade = tokio::task::spawn_blocking(move || Cascade::start(net)).await.unwrap();

    let clients = [(); CLIENTS].map(|()| {
        let (drained, over, descents) = (drained.clone(), over.clone(), descents.clone());
        tokio::spawn(async move {
            let balance = Balance::builder().root(roots[0]).root(roots[1]).build().await.unwrap();
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                let turn = balance.select().await.expect("a TURN server").turn;
                // Who begins after that asks the leaf itself, and hears it.
                let since = drained.lock().unwrap().get(&turn).copied();
                assert!(since.is_none_or(|since| began < since), "{turn} drains, and is named");
                descents.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
        })
    });
    let restarts = tokio::task::spawn_blocking(move || {
        for host in LEAVES.into_iter().flatten().chain(REGIONS).chain(ROOTS) {
            cascade.restart(host, &drained);
        }
        cascade
    });
    let _cascade = restarts.await.unwrap(); // which clients come to until they end
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let descents = descents.load(Ordering::Relaxed);
    assert!(descents >= 1000, "{descents} descents");
}
