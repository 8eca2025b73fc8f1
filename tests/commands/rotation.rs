//! A key is changed in a cascade of real processes, whose nodes have joined: every server is restarted with
//! each step, one after another, while clients come.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use turn_balance::Balance;
use turn_balance_lab::loopback::{Net, answer_bindings};
use turn_balance_lab::served::Served;
use turn_balance_lab::{Built, built};

const BUILT: Built = built!();

/// The hosts of each level: each leaf joins both roots.
const ROOTS: [u8; 2] = [1, 2];
const LEAVES: [u8; 2] = [11, 12];

/// How often a client comes that has just been served.
const PAUSE: Duration = Duration::from_millis(10);

struct Cascade {
    net: Net,
    folder: PathBuf,
    served: BTreeMap<u8, Served>,
}

impl Cascade {
    fn start(net: Net) -> Self {
        let folder = BUILT.file("rotation");
        fs::create_dir(&folder).unwrap();
        for id in [1, 2] {
            let key = folder.join(format!("{id}.key"));
            fs::write(&key, [id; 32]).unwrap();
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        }
        LEAVES.into_iter().for_each(|leaf| answer_bindings(net.turn(leaf)));
        let mut cascade = Self { net, folder, served: BTreeMap::new() };
        ROOTS.into_iter().chain(LEAVES).for_each(|host| cascade.serve(host, &[1]));
        for root in ROOTS {
            LEAVES.into_iter().for_each(|_| cascade.until_online(root));
        }
        cascade
    }

    /// What a server has with these keys, of which the first signs.
    fn config(&self, host: u8, keys: &[u8]) -> String {
        let folder = self.folder.display();
        let keys = keys.iter().map(|id| format!("{{ id = {id}, file = '{folder}/{id}.key' }}"));
        let keys = keys.collect::<Vec<_>>().join(", ");
        let rest = match ROOTS.contains(&host) {
            true => format!("join = true\nstate = '{folder}/joined-{host}'\n"),
            false => {
                let roots = ROOTS.map(|root| format!("'{}'", self.net.server(root))).join(", ");
                let turn = self.net.turn(host);
                format!("superiors = [{roots}]\n[turn]\nbind = '{turn}'\n")
            }
        };
        format!("net.drain = '500ms'\n[cluster]\nkeys = [{keys}]\nrequire-auth = true\n{rest}")
    }

    fn serve(&mut self, host: u8, keys: &[u8]) {
        let config = self.config(host, keys);
        self.served.insert(host, Served::start(BUILT, self.net.server(host), "info", &config));
    }

    fn until_online(&mut self, root: u8) {
        self.served.get_mut(&root).unwrap().until_it_logs("node online");
    }

    /// Restarts one as systemd does, and waits until it is whole again.
    fn restart(&mut self, host: u8, keys: &[u8]) {
        let mut served = self.served.remove(&host).unwrap();
        served.signal("TERM");
        assert_eq!(served.until_it_ends(), Some(0), "host {host}");
        self.serve(host, keys);
        match ROOTS.contains(&host) {
            true => LEAVES.into_iter().for_each(|_| self.until_online(host)),
            false => ROOTS.into_iter().for_each(|root| self.until_online(root)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_changed_and_no_descent_fails() {
    let net = Net::new();
    let roots = ROOTS.map(|root| net.server(root));
    let (over, descents) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut cascade = tokio::task::spawn_blocking(move || Cascade::start(net)).await.unwrap();
    let client = {
        let (over, descents) = (over.clone(), descents.clone());
        tokio::spawn(async move {
            let balance = Balance::builder().root(roots[0]).root(roots[1]).build().await.unwrap();
            while !over.load(Ordering::Relaxed) {
                balance.select().await.expect("a TURN server");
                descents.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
        })
    };
    let restarts = tokio::task::spawn_blocking(move || {
        for keys in [&[1, 2][..], &[2, 1], &[2]] {
            LEAVES.into_iter().chain(ROOTS).for_each(|host| cascade.restart(host, keys));
        }
        cascade
    });
    let cascade = restarts.await.unwrap();
    over.store(true, Ordering::Relaxed);
    client.await.unwrap();
    let descents = descents.load(Ordering::Relaxed);
    println!("12 restarts, {descents} descents, none failed");
    assert!(descents >= 100, "{descents} descents");
    for root in ROOTS {
        let file = fs::read_to_string(cascade.folder.join(format!("joined-{root}"))).unwrap();
        assert_eq!(file.lines().filter(|line| line.ends_with(" 2")).count(), 2, "{file}");
    }
}
