//! Who is there: the server, four leaves below it, honest clients, and the one who floods.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use turn_balance::internals::wire::View;

use turn_balance_lab::bench::Result;
use turn_balance_lab::built;
use turn_balance_lab::host::{Host, Lab};
use turn_balance_lab::process::{Answerer, Process, answer_bindings};

/// Honest addresses of each family.
pub(crate) const HONEST: u8 = 50;

pub(crate) const SERVER_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
pub(crate) const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);

/// One of the server's nodes, in whose name heartbeats are forged.
pub(crate) const NODE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 11);

pub(crate) struct Stand {
    pub(crate) server: Host,
    pub(crate) client: Host,
    pub(crate) flooder: Host,
    _leaves: Vec<(Host, Process, Answerer)>,
    _lab: Lab,
}

impl Stand {
    pub(crate) fn new() -> Result<Self> {
        let lab = Lab::new(built!())?;
        let v6 = |n: u16| format!("2001:db8:ffff::{n:x}");
        let host = |name: &str, n: u16| {
            lab.host(name, &[&format!("198.51.100.{n}/26"), &format!("{}/64", v6(n))])
        };
        let [server, client, flooder] =
            [("server", 1), ("client", 2), ("flooder", 3)].map(|(name, n)| host(name, n));
        // Honest clients are at home beyond one router, all others beyond another.
        for n in 0..HONEST {
            let addrs = [honest_v4(n).to_string() + "/32", honest_v6(n).to_string() + "/128"];
            client.add_addrs("lo", &[&addrs[0], &addrs[1]]);
        }
        let leaves = [11, 12].map(|n| format!("198.51.100.{n}")).into_iter();
        let leaves = leaves.chain([11, 12].map(v6)).map(|ip| ip.parse()).collect::<Vec<_>>();
        let mut started = Vec::new();
        for (index, ip) in leaves.into_iter().enumerate() {
            let ip: IpAddr = ip?;
            let len = if ip.is_ipv4() { 26 } else { 64 };
            let host = lab.host(&format!("leaf {index}"), &[&format!("{ip}/{len}")]);
            let [bind, turn] = [3001, 3478].map(|port| SocketAddr::new(ip, port));
            let tb = host.serve(&format!("net.bind = '{bind}'\nturn.bind = '{turn}'\n"));
            let turn = host.answer(turn, answer_bindings);
            started.push((host, tb, turn));
        }
        let homes = (0..HONEST).map(|n| format!("route add {}/48 via {}\n", block(n), v6(2)));
        let to_v6 = homes.collect::<String>() + &format!("route add default via {}\n", v6(3));
        let to_v4 = "route add 203.0.113.64/26 via 198.51.100.2\n\
                     route add default via 198.51.100.3\n";
        server.ip(to_v4);
        server.ip(&to_v6);
        for (index, (leaf, ..)) in started.iter().enumerate() {
            leaf.ip(if index < 2 { to_v4 } else { &to_v6 });
        }
        Ok(Self { server, client, flooder, _leaves: started, _lab: lab })
    }

    /// Starts what is flooded, and waits until it answers: a balance server that lists all leaves,
    /// or an echo.
    pub(crate) fn serve(&self, is_tb: bool, keys: &str) -> Result<Process> {
        let process = if is_tb {
            let nodes: Vec<_> = [11, 12]
                .iter()
                .flat_map(|n| {
                    [format!("198.51.100.{n}:3001"), format!("[2001:db8:ffff::{n:x}]:3001")]
                })
                .collect();
            self.server.serve(&format!(
                "net.bind = ['{SERVER_V4}:3001', '[{SERVER_V6}]:3001']\ncluster.nodes = {nodes:?}\n\
                 log.level = 'debug'\n{keys}"
            ))
        } else {
            let mut command = self.server.command(&std::env::current_exe()?.to_string_lossy());
            Process::start(built!(), command.args(["echo-tokio", "[::]:3001"]))?
        };
        for _ in 0..500 {
            let reply = self.client.list(SocketAddr::new(SERVER_V4.into(), 3001), View::Flat);
            if reply.is_some_and(|reply| reply.nodes.len() == 4) || !is_tb {
                thread::sleep(Duration::from_millis(500));
                return Ok(process);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("the server does not list its leaves: {}", process.log()).into())
    }
}

/// In one of the flooded /24s.
pub(crate) fn honest_v4(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 65 + n)
}

/// Each in a /48 of its own, which flooders are in too.
pub(crate) fn honest_v6(n: u8) -> Ipv6Addr {
    Ipv6Addr::from_bits(block(n).to_bits() | 1)
}

fn block(n: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0x100 + u16::from(n), 0, 0, 0, 0, 0)
}
