//! Key files and what they open, with real files and servers.
#![cfg(unix)]

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use turn_balance::{Balance, Config, Server};
use turn_balance_lab::loopback::Net;

const SECRET: [u8; 32] = [0x5e; 32];

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keys-{name}"));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(file: &Path, content: &[u8], mode: u32) {
    fs::write(file, content).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

fn serve(config: &Path, option: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
    command.arg("serve").arg("-c").arg(config).arg(option);
    command.env("NO_COLOR", "1").env_remove("TB_CONFIG").output().unwrap()
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let folder = folder("open");
    let (config, key) = (folder.join("balance.toml"), folder.join("it's a key"));
    fs::write(&config, "[cluster]\nkeys = [{ id = 1, file = \"it's a key\" }]\n").unwrap();
    let said = |content: &[u8], mode| {
        write(&key, content, mode);
        let output = serve(&config, "--check");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = said(&SECRET, 0o644);
    assert_eq!(code, Some(2));
    assert!(text.contains("is open to others than its owner"), "{text}");
    assert!(text.contains("chmod 600 '") && text.contains(r"it'\''s a key'"), "{text}");
    let (code, text) = said(b"not a key", 0o600);
    assert_eq!(code, Some(2));
    assert!(text.contains("holds neither 32 bytes nor 64 hex digits"), "{text}");
    let (code, text) = said(&SECRET, 0o600);
    assert_eq!(code, Some(0), "{text}");
    fs::remove_file(&key).unwrap();
    let text = String::from_utf8(serve(&config, "--check").stderr).unwrap();
    assert!(text.contains("cannot read key file") && text.contains("No such file"), "{text}");
}

#[test]
fn a_key_is_printed_nowhere() {
    let folder = folder("print");
    let (config, key) = (folder.join("balance.toml"), folder.join("balance.key"));
    fs::write(&config, "[cluster]\nkeys = [{ id = 1, file = \"balance.key\" }]\n").unwrap();
    let digits: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    write(&key, format!("{digits}\n").as_bytes(), 0o600);
    let output = serve(&config, "--print-config");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("{{ id = 1, file = \"{}\" }}", key.display())), "{text}");
    let config = Config::load(&config).unwrap();
    for shown in [text, format!("{config:?}"), String::from_utf8(output.stderr).unwrap()] {
        assert!(!shown.contains(&digits) && !shown.contains("94, 94"), "{shown}");
    }
}

/// Starts a server from files.
async fn start(folder: &Path, bind: SocketAddr, rest: &str) -> Server {
    let file = folder.join(format!("{bind}.toml"));
    fs::write(&file, format!("net.bind = \"{bind}\"\n{rest}")).unwrap();
    Server::start(Config::load(&file).unwrap()).await.unwrap()
}

/// What a descent from there ends with.
async fn found(root: SocketAddr) -> Option<SocketAddr> {
    let balance = Balance::builder().root(root).timeout(Duration::from_millis(500));
    balance.build().await.unwrap().select().await.ok().map(|selection| selection.turn)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_with_a_key_joins_and_one_without_does_not() {
    let (net, folder) = (Net::new(), folder("live"));
    write(&folder.join("1.key"), &SECRET, 0o600);
    write(&folder.join("2.key"), &[0x5f; 32], 0o600);
    let root = net.server(1);
    let rest = "[cluster]\njoin = true\nrequire-auth = true\n\
                keys = [{ id = 2, file = \"2.key\" }, { id = 1, file = \"1.key\" }]\n";
    let _root = start(&folder, root, rest).await;
    let leaf = |n, keys: &str| {
        let turn = net.turn(n);
        let rest = format!(
            "[cluster]\nsuperiors = \"{root}\"\n{keys}\n[turn]\nbind = \"{turn}\"\nhealth = \"none\"\n"
        );
        let (folder, bind) = (folder.clone(), net.server(n));
        async move { start(&folder, bind, &rest).await }
    };
    let _stranger = leaf(2, "").await;
    let friend = leaf(3, "keys = [{ id = 1, file = \"1.key\" }]").await;
    let start = Instant::now();
    while found(root).await != Some(net.turn(3)) {
        assert!(start.elapsed() < Duration::from_secs(30), "the leaf never joins");
    }
    // Its key changes: nothing else must.
    friend.stop().await;
    let keys = "keys = [{ id = 2, file = \"2.key\" }, { id = 1, file = \"1.key\" }]";
    let _friend = leaf(3, keys).await;
    assert_eq!(found(root).await, Some(net.turn(3)));
    let balance = Balance::builder().root(root).build().await.unwrap();
    let trace = balance.trace().await.unwrap();
    let strangers = trace.candidates.iter().filter(|candidate| candidate.addr.ip() == net.ip(2));
    assert_eq!(strangers.count(), 0);
}
