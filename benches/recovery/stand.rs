//! A cascade of three levels: a root, three servers below it, three leaves below each, and a coturn
//! beside each leaf; where it is wanted, one more with nothing beside it below each of the three.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{ProbeReply, View};

use crate::Result;
use turn_balance_lab::built;
use turn_balance_lab::host::{Host, Lab, ask};
use turn_balance_lab::process::Process;

/// Servers below each that is no leaf.
pub(crate) const BELOW: usize = 3;

/// Where the one looks from who may ask as often as he likes.
const OBSERVER: &str = "203.0.113.8";

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);

/// How servers know of what is below them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They list it.
    Listed,
    /// They list nobody, and all have a key.
    Joined,
    /// The same, and they write down who has joined.
    Remembered,
    /// They list it, a TURN server each among it.
    TurnNodes,
}

/// A host and what runs there.
pub(crate) struct Site {
    pub(crate) host: Host,
    pub(crate) tb: Option<Process>,
    pub(crate) turn: Option<Process>,
    ip: IpAddr,
    toml: String,
}

pub(crate) struct Stand {
    pub(crate) root: Site,
    pub(crate) middles: Vec<Site>,
    /// Leaf `n` is below middle `n / BELOW`.
    pub(crate) leaves: Vec<Site>,
    /// TURN servers with nothing beside them: one below each server in the middle, or none.
    pub(crate) turns: Vec<Site>,
    pub(crate) client: Arc<Host>,
    eye: UdpSocket,
    key: PathBuf,
    _lab: Lab,
}

impl Stand {
    /// Starts all of it.
    pub(crate) fn new(kind: Kind) -> Result<Self> {
        let lab = Lab::new(built!())?;
        let key = built!().file("key");
        std::fs::write(&key, [7; 32])?;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
        let host = |ip: Ipv4Addr, toml| {
            let host = lab.host(&ip.to_string(), &[&format!("{ip}/24")]);
            Site { host, tb: None, turn: None, ip: ip.into(), toml }
        };
        let site = |ip: Ipv4Addr, above: Option<Ipv4Addr>, below: &[Ipv4Addr], turn: Option<_>| {
            let mut toml = format!(
                "net.bind = '{ip}:3001'\nlimits.exempt = ['{OBSERVER}/32']\nlog.level = 'warn'\n"
            );
            if let Some(above) = above {
                toml += &format!("cluster.superiors = ['{above}:3001']\n");
            }
            if matches!(kind, Kind::Joined | Kind::Remembered) {
                if kind == Kind::Remembered {
                    let file = built!().file("joined");
                    toml += &format!("cluster.state = '{}'\n", file.display());
                }
                toml += &format!("cluster.keys = [{{ id = 1, file = '{}' }}]\n", key.display());
                toml += "cluster.join = true\ncluster.require-auth = true\n";
            } else {
                let servers: String = below.iter().map(|ip| format!("'{ip}:3001', ")).collect();
                let turn = turn.map(|ip: Ipv4Addr| format!("{{ turn = '{ip}:3478' }}"));
                toml += &format!("cluster.nodes = [{servers}{}]\n", turn.unwrap_or_default());
            }
            if below.is_empty() {
                toml += &format!("turn.bind = '{ip}:3478'\n");
            }
            host(ip, toml)
        };
        let ip = |n: usize| Ipv4Addr::new(203, 0, 113, n as u8);
        let (root, middles): (_, Vec<_>) = (ip(1), (0..BELOW).map(|n| ip(11 + n)).collect());
        let leaves = |m: usize| (0..BELOW).map(move |n| ip(21 + BELOW * m + n));
        let below = |m: usize| leaves(m).collect::<Vec<_>>();
        let turn = |m: usize| (kind == Kind::TurnNodes).then(|| ip(41 + m));
        let mut stand = Self {
            root: site(root, None, &middles, None),
            middles: (0..BELOW).map(|m| site(middles[m], Some(root), &below(m), turn(m))).collect(),
            leaves: (0..BELOW)
                .flat_map(|m| leaves(m).map(move |leaf| (leaf, m)))
                .map(|(leaf, m)| site(leaf, Some(middles[m]), &[], None))
                .collect(),
            turns: (0..BELOW).filter_map(turn).map(|ip| host(ip, String::new())).collect(),
            client: Arc::new(lab.host("client", &["203.0.113.9/24"])),
            eye: lab.host("observer", &[&format!("{OBSERVER}/24")]).udp(([0; 4], 0)),
            key,
            _lab: lab,
        };
        for site in stand.leaves.iter_mut().chain(&mut stand.turns) {
            site.start_turn()?;
        }
        for site in stand.sites_mut() {
            site.start();
        }
        stand.until_whole()?;
        Ok(stand)
    }

    pub(crate) fn sites(&self) -> impl Iterator<Item = &Site> {
        [&self.root].into_iter().chain(&self.middles).chain(&self.leaves)
    }

    fn sites_mut(&mut self) -> impl Iterator<Item = &mut Site> {
        [&mut self.root].into_iter().chain(&mut self.middles).chain(&mut self.leaves)
    }

    /// Waits until the root's flat list has every leaf and TURN node, and every server answers, with all that is
    /// below it. Returns how long that took.
    pub(crate) fn until_whole(&self) -> Result<Duration> {
        let all: BTreeSet<_> = self.leaves.iter().chain(&self.turns).map(Site::listed).collect();
        self.until("the tree is whole", || {
            let flat = self.offered(&self.root, View::Flat)? == all;
            let lists = self.middles.iter().enumerate().all(|(m, middle)| {
                let leaves = self.leaves[m * BELOW..][..BELOW].iter();
                let below = leaves.chain(self.turns.get(m)).map(Site::listed).collect();
                self.offered(middle, View::Subordinates) == Some(below)
            });
            let leaves = self
                .leaves
                .iter()
                .all(|leaf| self.reply(leaf, View::Flat).is_some_and(|reply| reply.turn.is_some()));
            (flat && lists && leaves).then_some(())
        })
    }

    /// Waits until a leaf is, or is not, offered. Returns how long that took since then.
    pub(crate) fn until(
        &self,
        what: &str,
        mut look: impl FnMut() -> Option<()>,
    ) -> Result<Duration> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if look().is_some() {
                return Ok(start.elapsed());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(format!("never: {what}").into())
    }

    /// The nodes that a server lists; none while it does not answer.
    pub(crate) fn offered(&self, site: &Site, view: View) -> Option<BTreeSet<SocketAddr>> {
        Some(self.reply(site, view)?.nodes.iter().map(|node| node.addr).collect())
    }

    fn reply(&self, site: &Site, view: View) -> Option<ProbeReply> {
        ask(&self.eye, site.addr(), view, Duration::from_millis(25))
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.key);
    }
}

impl Site {
    pub(crate) fn start(&mut self) {
        self.tb = Some(self.host.serve(&self.toml));
    }

    /// Starts its coturn.
    pub(crate) fn start_turn(&mut self) -> Result<()> {
        self.turn = Some(self.host.coturn(self.turn_addr())?);
        Ok(())
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.ip, 3001)
    }

    /// As lists have it.
    pub(crate) fn listed(&self) -> SocketAddr {
        if self.toml.is_empty() { self.turn_addr() } else { self.addr() }
    }

    pub(crate) fn turn_addr(&self) -> SocketAddr {
        SocketAddr::new(self.ip, 3478)
    }
}
