//! `cluster.state`: nodes that have joined, over a restart of their superior.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use turn_balance_lab::loopback::{Net, answer_bindings};
use turn_balance_lab::patience::until;
use turn_balance_lab::served::Served;
use turn_balance_lab::{Built, built};

const BUILT: Built = built!();

/// A superior that writes down who has joined, in a folder of its own.
struct Stand {
    net: Net,
    folder: PathBuf,
}

impl Stand {
    fn new() -> Self {
        let net = Net::new();
        let folder = BUILT.file("state");
        fs::create_dir(&folder).unwrap();
        let key = folder.join("balance.key");
        fs::write(&key, [7; 32]).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        Self { net, folder }
    }

    fn key(&self) -> String {
        format!("keys = [{{ id = 7, file = '{}/balance.key' }}]", self.folder.display())
    }

    fn file(&self) -> PathBuf {
        self.folder.join("joined")
    }

    /// The superior's configuration, with this file.
    fn cluster(&self, file: &Path) -> String {
        let key = self.key();
        format!("[cluster]\n{key}\njoin = true\nmax-nodes = 5\nstate = '{}'\n", file.display())
    }

    fn superior(&self) -> Served {
        Served::start(BUILT, self.net.server(1), "info", &self.cluster(&self.file()))
    }

    /// What a leaf is configured with, below the superior or nobody.
    fn leaf_config(&self, superiors: &[SocketAddr]) -> String {
        let superiors: Vec<_> = superiors.iter().map(|addr| format!("'{addr}'")).collect();
        let (key, superiors, turn) = (self.key(), superiors.join(", "), self.net.turn(2));
        format!("[cluster]\nsuperiors = [{superiors}]\n{key}\n[turn]\nbind = '{turn}'\n")
    }

    fn leaf(&self) -> Served {
        answer_bindings(self.net.turn(2));
        let config = self.leaf_config(&[self.net.server(1)]);
        Served::start(BUILT, self.net.server(2), "info", &config)
    }

    /// Waits until a file ends so.
    fn until(&self, file: &Path, end: &str) {
        until(end, || fs::read_to_string(file).unwrap_or_default().ends_with(end));
    }

    /// Has a server read another file.
    fn reload(&self, served: &mut Served, n: u8, rest: &str) {
        self.rewrite(served, n, rest);
        served.until_it_logs("reloaded");
    }

    /// The same, and waits for nothing.
    fn rewrite(&self, served: &Served, n: u8, rest: &str) {
        let addr = self.net.server(n);
        let file = Path::new(BUILT.folder).join(format!("{addr}.toml"));
        fs::write(file, format!("net.bind = '{addr}'\n{rest}")).unwrap();
        served.signal("HUP");
    }
}

#[test]
fn who_has_joined_is_known_after_a_restart_without_a_word_from_there() {
    let stand = Stand::new();
    let (mut superior, mut leaf) = (stand.superior(), stand.leaf());
    superior.until_it_logs("node online");
    let line = format!("\n{} 7\n", stand.net.server(2));
    stand.until(&stand.file(), &line);
    // From now on it sends no heartbeats, and answers checks.
    stand.reload(&mut leaf, 2, &stand.leaf_config(&[]));
    superior.end();
    let mut superior = stand.superior();
    let told = superior.line_that_has("nodes that had joined are checked again");
    assert!(told.ends_with(" nodes=1"), "{told}");
    superior.until_it_logs("node online");
    // Killed, and not at an end of its own.
    drop(superior);
    let mut superior = stand.superior();
    superior.until_it_logs("node online");
    // Another file counts at once.
    let elsewhere = stand.folder.join("elsewhere");
    stand.reload(&mut superior, 1, &stand.cluster(&elsewhere));
    stand.until(&elsewhere, &line);
    superior.end();
    assert_eq!(fs::metadata(&elsewhere).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_line_that_is_wrong_is_named_and_the_others_count() {
    let stand = Stand::new();
    let (_leaf, own) = (stand.leaf(), stand.net.server(1));
    let good = stand.net.server(2);
    let text =
        format!("# by hand\n{good}\n{good} 9\n{own} 7\n{good} 7\n\x1b[2J\n203.0.113.1:53 7\n");
    fs::write(stand.file(), text).unwrap();
    fs::set_permissions(stand.file(), fs::Permissions::from_mode(0o600)).unwrap();
    let mut superior = stand.superior();
    superior.until_it_logs("node online");
    let log = superior.end();
    let file = stand.file();
    let at = |line: u8| {
        format!("WARN a node that had joined is passed over at={}:{line} ", file.display())
    };
    for (line, reason) in [
        (2, "it is no address and number of a key".to_owned()),
        (3, format!("{good} has key 9, which is none of those here")),
        (4, format!("{own} is this server itself")),
        (6, "it is no address and number of a key".to_owned()),
        (7, "203.0.113.1:53 has an address that has the port of another service".to_owned()),
    ] {
        assert!(log.contains(&format!("{}reason={reason}", at(line))), "{line}: {log}");
    }
    assert!(!log.contains(&at(1)) && !log.contains(&at(5)), "{log}");
}

#[test]
fn a_file_that_cannot_be_written_is_told_once_and_stops_nothing() {
    let stand = Stand::new();
    let nowhere = stand.folder.join("none/joined");
    let config = stand.cluster(&nowhere);
    let mut superior = Served::start(BUILT, stand.net.server(1), "info", &config);
    let line = superior.line_that_has("WARN");
    assert!(line.contains("cannot write the file of joined nodes"), "{line}");
    assert!(line.contains("No such file or directory"), "{line}");
    let _leaf = stand.leaf();
    superior.until_it_logs("node online");
    // It says so before it says that it has reloaded, or after.
    stand.rewrite(&superior, 1, &stand.cluster(&stand.file()));
    superior.until_it_logs("is written again");
    let log = superior.end();
    assert_eq!(log.matches("cannot write").count(), 1, "{log}");
}

#[test]
fn a_file_that_something_else_is_read_from_is_refused() {
    let stand = Stand::new();
    let config = stand.folder.join("balance.toml");
    for (file, what, at) in [
        (stand.folder.clone(), "is a folder", "name a file in it"),
        (config.clone(), "is this configuration", "name a file of its own"),
        (stand.folder.join("balance.key"), "would be written over", "this is read from there"),
    ] {
        fs::write(&config, stand.cluster(&file)).unwrap();
        let mut tb = std::process::Command::new(BUILT.tb);
        let output = tb.args(["serve", "--check", "-c"]).arg(&config).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(what) && said.contains(at), "{said}");
        assert!(said.contains("balance.toml:5:9"), "{said}");
    }
}
