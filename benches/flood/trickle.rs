//! How soon a node with a key joins its superior, while somebody without one sends in its name, or in
//! that of its superior.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use serde_json::json;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::wire::auth::{Key, Purpose};
use turn_balance::internals::wire::{
    Ping, Pong, Request, RequestBody, Response, ResponseBody, View,
};
use turn_balance_lab::bench::Result;
use turn_balance_lab::built;
use turn_balance_lab::host::{Host, Lab};
use turn_balance_lab::process::answer_bindings;

use crate::spoof::Flood;

const RATES: [u32; 4] = [0, 400, 2_000, 50_000];

/// After which it is given up.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often the superior is asked for its list.
const LOOK: Duration = Duration::from_millis(20);

struct Stand {
    superior: Host,
    node: Host,
    client: Host,
    flooder: Host,
    key: std::path::PathBuf,
    _lab: Lab,
}

pub(crate) fn run(json: bool) -> Result<()> {
    let lab = Lab::new(built!())?;
    let [superior, node, client, flooder] =
        [1, 11, 2, 3].map(|n| lab.host(&format!("host {n}"), &[&format!("198.51.100.{n}/24")]));
    let key = std::env::temp_dir().join(format!("tb-trickle-{}.key", std::process::id()));
    let stand = Stand { superior, node, client, flooder, key, _lab: lab };
    write_key(&stand.key)?;
    if !json {
        println!("{:<12} {:>8} {:>12}", "in the name", "forged/s", "online after");
    }
    for whose in ["node", "superior"] {
        for rate in RATES {
            let after = stand.online_after(whose == "node", rate)?;
            let seconds = after.map(|after| after.as_secs_f64());
            if json {
                println!("{}", json!({ "name_of": whose, "forged": rate, "seconds": seconds }));
            } else {
                let text = seconds.map_or("never".into(), |seconds| format!("{seconds:.2} s"));
                println!("{whose:<12} {rate:>8} {text:>12}");
            }
        }
    }
    std::fs::remove_file(&stand.key)?;
    Ok(())
}

impl Stand {
    fn online_after(&self, in_the_nodes_name: bool, rate: u32) -> Result<Option<Duration>> {
        let keys = format!("cluster.keys = [{{ id = 1, file = {:?} }}]\n", self.key);
        let [superior, node] = [1, 11].map(|n| SocketAddr::from(([198, 51, 100, n], 3001)));
        let turn = SocketAddr::new(node.ip(), 3478);
        let _above = self.superior.serve(&format!(
            "net.bind = '{superior}'\n{keys}cluster.join = true\ncluster.require-auth = true\n\
             limits.exempt = ['198.51.100.2/32']\n"
        ));
        let _turn = self.node.answer(turn, answer_bindings);
        let mut rng = Rng::seed_from_u64(rate.into());
        let (from, to, target) = match in_the_nodes_name {
            true => (node, superior, &self.superior),
            false => (superior, node, &self.node),
        };
        let forge = || (from, to, forged(in_the_nodes_name, &mut rng));
        let flood = Flood::of(&self.flooder, target, forge)?;
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let flooding = scope.spawn(|| self.flooder.run(|| flood.run(rate, &stop)));
            thread::sleep(Duration::from_secs(1));
            let start = Instant::now();
            let _below = self.node.serve(&format!(
                "net.bind = '{node}'\n{keys}cluster.superiors = ['{superior}']\n\
                 cluster.require-auth = true\nturn.bind = '{turn}'\n"
            ));
            let mut after = None;
            while after.is_none() && start.elapsed() < PATIENCE {
                let reply = self.client.list(superior, View::Flat);
                after = reply.filter(|reply| reply.nodes.len() == 1).map(|_| start.elapsed());
                thread::sleep(LOOK);
            }
            stop.store(true, Ordering::Relaxed);
            flooding.join().expect("the flood does not panic")?;
            Ok(after)
        })
    }
}

/// What has a tag, of no key.
fn forged(heartbeat: bool, rng: &mut Rng) -> Vec<u8> {
    let (seq, challenge, version) = (rng.random(), rng.random(), rng.random());
    let (mut payload, purpose) = match heartbeat {
        true => {
            let ping = Ping { seq, challenge, version, ..Ping::default() };
            (Request { id: 0, body: RequestBody::Ping(ping) }.encode(38), Purpose::Ping)
        }
        false => {
            let pong = Pong { seq: seq % 9, challenge, status: 1, last_seq: 0 };
            (Response { id: 0, body: ResponseBody::Pong(pong) }.encode(), Purpose::Pong)
        }
    };
    Key::new(1, &[0xee; 32]).sign(purpose, &mut payload, 0);
    payload
}

pub(crate) fn write_key(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, [7; 32])?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(())
}
