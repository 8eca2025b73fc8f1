//! Key files and what they open, with real files and servers.
#![cfg(unix)]

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use turn_balance::{Balance, Config, KeyFile, Server};
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

/// A configuration with one key, in a file of this name beside it, which is not there yet.
fn with_key(name: &str, file: &str) -> (PathBuf, PathBuf) {
    let folder = folder(name);
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    let config = folder.join("balance.toml");
    fs::write(&config, format!("[cluster]\nkeys = [{{ id = 1, file = \"{file}\" }}]\n")).unwrap();
    (config, folder.join(file))
}

/// What `--check` says against a configuration; empty: nothing.
fn check(config: &Path) -> String {
    let output = serve(config, "--check");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(if text.is_empty() { 0 } else { 2 }), "{text}");
    text
}

#[test]
fn each_fault_of_a_key_file_has_its_sentence_and_no_hint_writes_over_it() {
    let (config, key) = with_key("faults", "it's a key");
    assert!(check(&config).contains("there is no key file"), "{}", check(&config));
    let digits = "5e".repeat(32);
    let base64 = "Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl4=\n";
    let cases: [(Vec<u8>, u32, &str); 13] = [
        (SECRET.into(), 0o604, "is open to everybody"),
        (SECRET.into(), 0o646, "is open to everybody"),
        (SECRET[1..].into(), 0o600, "holds 31 bytes"),
        (vec![7; 4096], 0o600, "holds more than 128 bytes"),
        (vec![], 0o600, "holds 0 bytes"),
        ([&SECRET[..], b"\n"].concat(), 0o600, "has blanks after its key"),
        (format!("{digits} \n").into(), 0o600, "has blanks after its key"),
        (format!("{digits}\n\n").into(), 0o600, "has blanks after its key"),
        (base64.into(), 0o600, "holds base64"),
        ("zz".repeat(32).into(), 0o600, "holds neither 32 bytes nor 64 hex digits"),
        (vec![0; 32], 0o600, "is all zeros"),
        ("0".repeat(64).into(), 0o600, "is all zeros"),
        ("not a key".into(), 0o600, "holds 9 bytes"),
    ];
    for (content, mode, said) in cases {
        write(&key, &content, mode);
        let text = check(&config);
        assert!(text.contains(said), "{said}: {text}");
        // Whatever it advises is done in a folder where it may write: the file stays as it was.
        for command in text.split('`').skip(1).step_by(2).filter(|part| part.contains("'s a key'"))
        {
            Command::new("sh").arg("-c").arg(command).output().unwrap();
        }
        assert_eq!(fs::read(&key).unwrap(), content, "{text}");
        let _ = fs::remove_file(key.with_extension("new"));
    }
}

#[test]
fn what_the_hint_for_a_missing_key_makes_is_one() {
    let (config, key) = with_key("missing", "it's another");
    let text = check(&config);
    let command = text.split('`').find(|part| part.contains("/dev/urandom")).unwrap();
    assert!(Command::new("sh").arg("-c").arg(command).status().unwrap().success(), "{command}");
    assert_eq!(check(&config), "");
    let made = fs::read(&key).unwrap();
    assert!(!Command::new("sh").arg("-c").arg(command).output().unwrap().status.success());
    assert_eq!(fs::read(&key).unwrap(), made, "{command}");
}

#[test]
fn what_is_no_regular_file_holds_nobody_up() {
    let (config, key) = with_key("fifo", "fifo");
    let start = Instant::now();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    assert!(check(&config).contains("is not a regular file"), "{}", check(&config));
    fs::remove_file(&key).unwrap();
    let _socket = UnixListener::bind(&key).unwrap();
    assert!(check(&config).contains("is not a regular file"), "{}", check(&config));
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    assert!(check(&config).contains("is not a regular file"), "{}", check(&config));
    for device in ["/dev/zero", "/dev/urandom", "/dev/tty"] {
        let (config, key) = with_key("device", "device");
        symlink(device, key).unwrap();
        let text = check(&config);
        assert!(text.contains("is not a regular file") || text.contains("cannot read"), "{text}");
    }
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn keys_as_systemd_and_kubernetes_give_them() {
    // Kubernetes: a link to a link, and a group that may read (fsGroup, defaultMode 0440).
    let (config, link) = with_key("kubernetes", "balance.key");
    let folder = link.parent().unwrap();
    fs::create_dir(folder.join("..2026")).unwrap();
    let key = folder.join("..2026/balance.key");
    write(&key, &SECRET, 0o440);
    symlink("..2026", folder.join("..data")).unwrap();
    symlink("..data/balance.key", &link).unwrap();
    // systemd's LoadCredential: 0400, or with an ACL for the user of the service, which shows as 0440.
    for mode in [0o440, 0o400, 0o640, 0o660, 0o600] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(check(&config), "", "{mode:o}");
    }
}

#[test]
fn a_key_belongs_to_root_or_to_who_reads_it() {
    let (config, key) = with_key("owner", "balance.key");
    write(&key, &SECRET, 0o640);
    assert_eq!(check(&config), "");
    if chown(&key, Some(12_345), None).is_err() {
        eprintln!("SKIPPED: only root can give a file away");
        return;
    }
    let text = check(&config);
    assert!(text.contains("belongs to user 12345") && text.contains("chown"), "{text}");
    // Its owner may use it, and another with the key of root must be let.
    let as_user = |mode| {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
        command.args(["serve", "--check", "-c"]).arg(&config).uid(12_345).gid(12_345);
        command.output().map(|output| String::from_utf8(output.stderr).unwrap())
    };
    if let Err(error) = as_user(0o600) {
        eprintln!("SKIPPED: another user cannot run `tb` where it stands: {error}");
        return;
    }
    let as_user = |mode| as_user(mode).unwrap();
    assert_eq!(as_user(0o600), "");
    chown(&key, Some(0), Some(12_345)).unwrap();
    assert_eq!(as_user(0o440), "");
    let text = as_user(0o400);
    assert!(text.contains("user 12345 may not read") && text.contains("namei"), "{text}");
}

#[test]
fn no_two_keys_have_one_secret() {
    let (config, key) = with_key("twice", "1.key");
    let folder = key.parent().unwrap();
    write(&key, &SECRET, 0o600);
    write(&folder.join("2.key"), format!("{}\n", "5e".repeat(32)).as_bytes(), 0o600);
    write(&folder.join("3.key"), &[0x5f; 32], 0o600);
    let keys = |second: &str, id: u32| {
        let keys = format!("{{ id = 1, file = '1.key' }}, {{ id = {id}, file = '{second}' }}");
        fs::write(&config, format!("cluster.keys = [{keys}]\n")).unwrap();
        check(&config)
    };
    let text = keys("2.key", 2);
    assert!(text.contains("has the secret of key `1`") && text.contains(":1:"), "{text}");
    assert!(keys("3.key", 1).contains("key `1` is listed twice"));
    assert_eq!(keys("3.key", 2), "");
}

#[tokio::test]
async fn a_program_is_told_too() {
    let folder = folder("program");
    let files = ["1.key", "2.key"].map(|name| folder.join(name));
    files.iter().for_each(|file| write(file, &SECRET, 0o600));
    let mut config = Config::default();
    config.net.bind = vec![([127, 0, 0, 1], 0).into()];
    config.cluster.keys = vec![KeyFile::new(1, &files[0]), KeyFile::new(2, &files[1])];
    let refused = Server::start(config.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("has the secret of key `1`"), "{refused}");
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

#[test]
fn files_of_turn_servers_are_read_as_those_of_keys_are() {
    let folder = folder("turn");
    let (config, file) = (folder.join("balance.toml"), folder.join("turn file"));
    let secret = "secret-file = \"turn file\"";
    let password = "user = \"probe\"\npassword-file = \"turn file\"";
    let cases: [(&str, &[u8], u32, &str); 9] = [
        (secret, b"north-wind\n", 0o600, ""),
        (secret, b"north-wind\r\n", 0o640, ""),
        (password, b"it is long", 0o600, ""),
        (secret, b"north-wind", 0o604, "secret file `FILE` is open to everybody"),
        (password, b"north-wind", 0o604, "password file `FILE` is open to everybody"),
        (password, b"\n", 0o600, "password file `FILE` is empty"),
        (password, b"a\nb\n", 0o600, "password file `FILE` does not hold one line of plain text"),
        (secret, b"\xff", 0o600, "secret file `FILE` does not hold one line of plain text"),
        (secret, &[b'a'; 1025], 0o600, "secret file `FILE` holds more than 1024 bytes"),
    ];
    for (keys, content, mode, said) in cases {
        let text = format!("[turn]\nbind = '203.0.113.52:3478'\nhealth = 'relay'\n{keys}\n");
        fs::write(&config, text).unwrap();
        write(&file, content, mode);
        let said = said.replace("FILE", &file.display().to_string());
        assert!(check(&config).contains(&said), "{said}: {}", check(&config));
        assert_eq!(check(&config).is_empty(), said.is_empty());
    }
    let with_ca =
        "[cluster]\nnodes = [{ turn = '203.0.113.9', ca-file = 'ca', urls = ['turns:a.example'] }]";
    fs::write(&config, with_ca).unwrap();
    assert!(check(&config).contains("there is no CA file `"), "{}", check(&config));
    write(&folder.join("ca"), b"-----BEGIN PRIVATE KEY-----", 0o644);
    assert!(check(&config).contains("holds no certificate, expected PEM"), "{}", check(&config));
    let junk = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let good = include_bytes!("config/ca.pem");
    for bad in [&b"# mine\n-----BEGIN CERTIFICATE-----\n"[..], junk, &[&good[..], junk].concat()] {
        write(&folder.join("ca"), bad, 0o644);
        assert!(
            check(&config).contains("holds no certificate, expected PEM"),
            "{}",
            check(&config)
        );
    }
    write(&folder.join("ca"), &[b"# mine\n", &good[..], good].concat(), 0o644);
    assert_eq!(check(&config), "");
    fs::remove_file(folder.join("ca")).unwrap();
}

#[test]
fn what_is_secret_of_a_turn_server_is_printed_nowhere() {
    let folder = folder("print-turn");
    let (config, file) = (folder.join("balance.toml"), folder.join("turn.secret"));
    let keys = "health = 'allocate'\nsecret-file = 'turn.secret'\n";
    fs::write(&config, format!("[turn]\nbind = '203.0.113.52:3478'\n{keys}")).unwrap();
    write(&file, b"north-wind\n", 0o600);
    let output = serve(&config, "--print-config");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("secret-file = \"{}\"", file.display())), "{text}");
    let config = Config::load(&config).unwrap();
    for shown in [text, format!("{config:?}"), String::from_utf8(output.stderr).unwrap()] {
        assert!(!shown.contains("north-wind"), "{shown}");
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
