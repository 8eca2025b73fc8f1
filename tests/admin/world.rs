//! A root and a leaf, each with an admin interface.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use turn_balance::{Admin, AdminAddr, AdminListener, Server};
use turn_balance_lab::built;
use turn_balance_lab::http::get;
use turn_balance_lab::loopback::{Net, answer_bindings, config};
use turn_balance_lab::patience::until;

/// A root (host 1) above a leaf (2, its TURN server is beside it) and a node that nobody is (3).
pub(crate) struct World {
    pub(crate) net: Net,
    pub(crate) root: Server,
    pub(crate) leaf: Server,
    pub(crate) admin: AdminListener,
}

impl World {
    pub(crate) async fn new(admin: Admin) -> Self {
        let net = Net::new();
        answer_bindings(net.turn(2));
        let leaf = config(net.server(2), "leaf", Some(net.server(1)), &[], Some(net.turn(2)));
        let nodes = [net.server(2), net.server(3)];
        let root = config(net.server(1), "root", None, &nodes, None);
        let leaf = Server::start(leaf).await.unwrap();
        let root = Server::start(root).await.unwrap();
        let admin = AdminListener::start(admin, &root).await.unwrap().unwrap();
        Self { net, root, leaf, admin }
    }

    /// Where the root's admin interface is.
    pub(crate) fn addr(&self) -> SocketAddr {
        tcp(&self.admin)
    }

    /// Waits until the leaf is online.
    pub(crate) fn until_online(&self) {
        until("the leaf is online", || get(self.addr(), "/readyz").status == 200);
    }
}

pub(crate) fn tcp(admin: &AdminListener) -> SocketAddr {
    match admin.addr() {
        AdminAddr::Tcp(addr) => addr.addr(),
        other => panic!("{other}"),
    }
}

/// An admin interface on a port of this host.
pub(crate) fn admin() -> Admin {
    let mut admin = Admin::default();
    admin.bind = Some("127.0.0.1:0".parse().unwrap());
    admin
}

/// A file with this line, closed to others.
pub(crate) fn secret(line: &str) -> PathBuf {
    let file = built!().file("token");
    fs::write(&file, format!("{line}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}
