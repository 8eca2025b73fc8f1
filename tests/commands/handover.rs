//! What `tb probe` prints for WebRTC clients, and who may see its secrets.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use turn_balance::TurnSecret;
use turn_balance_lab::loopback::{Net, answer_bindings};

use crate::{client, leaf, said};

const SECRET: &str = "north-wind, and 'more'";

/// A file of this test's own with a secret, closed to others.
fn file(name: &str, content: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("handover-{name}"));
    let _ = fs::remove_file(&file);
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_gets_what_it_reads() {
    let net = Net::new();
    answer_bindings(net.turn(1));
    let (_server, root) = leaf(&net).await;
    let (turn, root) = (net.turn(1).to_string(), root.to_string());
    let secret = file("secret", &format!("{SECRET}\n"));
    let secret = secret.to_str().unwrap();
    let print = |args: &[&str]| {
        let output = client(&[&["probe", &root], args].concat()).output().unwrap();
        let (code, stdout, stderr) = said(output);
        assert_eq!(code, Some(0), "{args:?}: {stderr}");
        stdout
    };
    let url = format!("turn:{turn}?transport=udp");
    assert_eq!(
        print(&["--format", "ice"]),
        format!("{{\"iceServers\":[{{\"urls\":[\"{url}\"]}}]}}\n")
    );
    let document: Value = serde_json::from_str(&print(&["--json"])).unwrap();
    assert_eq!(document["urls"], serde_json::json!([url]), "it says no less");
    assert_eq!(print(&["--format", "gst"]), format!("turn://{turn}?transport=udp\n"));
    let nobody = "TURN_USERNAME=''\nTURN_CREDENTIAL=''\n";
    assert_eq!(print(&["--format", "env"]), format!("TURN_URL='{url}'\n{nobody}"));
    let gst = said(client(&["probe", &root, "--format", "gst"]).output().unwrap());
    assert!(gst.2.contains("warning: GStreamer refuses URIs without a user"), "{}", gst.2);
    let known = client(&["probe", &root, "--format", "gst", "--turn-secret-file", secret]).output();
    assert!(!said(known.unwrap()).2.contains("GStreamer"));

    // Minted ones end when they should, and are those of the secret.
    let minted =
        ["--format", "ice", "--turn-secret-file", secret, "--turn-user", "me", "--ttl", "1h"];
    let before = now().as_secs();
    let ice: Value = serde_json::from_str(&print(&minted)).unwrap();
    let server = &ice["iceServers"][0];
    let (user, password) = (server["username"].as_str().unwrap(), &server["credential"]);
    let expiry: u64 = user.strip_suffix(":me").unwrap().parse().unwrap();
    assert!((before + 3600..=now().as_secs() + 3601).contains(&expiry), "{expiry}");
    assert_eq!(*password, TurnSecret::new(SECRET).mint(expiry, "me").password);

    // A user with a password; a shell and a URI take both as they are.
    let own = file("password", "a'b:c/@\n");
    let own = ["--turn-user", "tb:1", "--turn-password-file", own.to_str().unwrap()];
    let ice: Value =
        serde_json::from_str(&print(&[&["--format", "ice"], &own[..]].concat())).unwrap();
    assert_eq!(ice["iceServers"][0]["username"], "tb:1");
    assert_eq!(ice["iceServers"][0]["credential"], "a'b:c/@");
    let gst = print(&[&["--format", "gst"], &own[..]].concat());
    assert_eq!(gst, format!("turn://tb%3A1:a%27b%3Ac%2F%40@{turn}?transport=udp\n"));
    let script = print(&[&["--format", "env"], &own[..]].concat())
        + "printf '%s %s %s' \"$TURN_URL\" \"$TURN_USERNAME\" \"$TURN_CREDENTIAL\"";
    let shell = Command::new("sh").arg("-c").arg(script).output().unwrap();
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), format!("{url} tb:1 a'b:c/@"));

    // JSON has nothing of it, and variables that are meant for other formats do it no harm.
    let mut json = client(&["probe", &root, "--json"]);
    json.envs([("TB_TURN_SECRET_FILE", "/nonexistent"), ("TB_TURN_TTL", "1h")]);
    let (code, stdout, stderr) = said(json.output().unwrap());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stdout.contains("credential"), "{stdout}");
    let mut ice = client(&["probe", &root]);
    ice.envs([("TB_TURN_SECRET_FILE", secret), ("TB_FORMAT", "ice"), ("TB_TURN_TTL", "1h")]);
    assert!(said(ice.output().unwrap()).1.contains("credential"));

    // Standard input is as good as a file.
    let mut piped = client(&["probe", &root, "--format", "env", "--turn-secret-file", "-"]);
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(SECRET.as_bytes()).unwrap();
    let printed = String::from_utf8(piped.wait_with_output().unwrap().stdout).unwrap();
    let user = printed.lines().nth(1).unwrap().trim_start_matches("TURN_USERNAME=");
    let expiry = user.trim_matches('\'').strip_suffix(":tb").unwrap().parse().unwrap();
    let expected = TurnSecret::new(SECRET).mint(expiry, "tb").password;
    assert!(printed.ends_with(&format!("TURN_CREDENTIAL='{expected}'\n")), "{printed}");
}

#[test]
fn what_makes_no_sense_is_told_before_anybody_is_asked() {
    let secret = file("unused", SECRET);
    let secret = secret.to_str().unwrap();
    let ice = &["--format", "ice"][..];
    let lines: [(&[&str], &[&str], &str); 9] = [
        (&[], &["--turn-secret-file", secret], "with `--format ice`, `gst` or `env` alone"),
        (&["--json"], &["--ttl", "1h"], "with `--format ice`, `gst` or `env` alone"),
        (&["--format", "env"], &["--count", "1"], "`--count` is for `--format ice` and `gst`"),
        (ice, &["--ttl", "1h"], "`--ttl` needs `--turn-secret-file`"),
        (ice, &["--turn-user", "me"], "`--turn-user` needs `--turn-password-file` or"),
        (ice, &["--turn-password-file", secret], "`--turn-password-file` needs `--turn-user`"),
        (
            ice,
            &["--turn-password-file", secret, "--turn-secret-file", secret],
            "two ways to one password",
        ),
        (ice, &["--turn-user", "a\nb", "--turn-secret-file", secret], "in one line"),
        (ice, &["--turn-secret-file", "/nonexistent"], "there is no secret file `/nonexistent`"),
    ];
    for (format, flags, expected) in lines {
        let args = [&["probe", "192.0.2.1", "--timeout", "1ms"], format, flags].concat();
        let (code, stdout, stderr) = said(client(&args).output().unwrap());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{args:?}: {stderr}");
    }
}

#[test]
fn files_are_judged_as_keys_are_and_nothing_of_them_is_shown() {
    let open = file("open", SECRET);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let long = file("long", &"north-wind".repeat(200));
    let lines = file("lines", "north-wind\nnorth-wind\n");
    let empty = file("empty", "\n");
    for (file, expected) in [
        (&open, "is open to everybody"),
        (&long, "1024"),
        (&lines, "line"),
        (&empty, "secret file"),
    ] {
        let args = ["probe", "192.0.2.1", "--timeout", "1ms", "--format", "ice"];
        let args = [&args[..], &["-vv", "--turn-secret-file", file.to_str().unwrap()]].concat();
        let (code, stdout, stderr) = said(client(&args).output().unwrap());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(expected) && !stderr.contains("north"), "{stderr}");
    }
    // Asked in vain: nothing on stdout, and nothing of the secret.
    let good = file("good", SECRET);
    let args = ["probe", "127.0.0.1:9", "--timeout", "50ms", "--format", "ice", "-vv"];
    let args = [&args[..], &["--turn-secret-file", good.to_str().unwrap()]].concat();
    let (code, stdout, stderr) = said(client(&args).output().unwrap());
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(!stderr.contains("north"), "{stderr}");
}
