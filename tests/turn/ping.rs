//! `tb ping` of a TURN server: each way to succeed, and each to fail.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use turn_balance::TurnCredentials;
use turn_balance_lab::Built;
use turn_balance_lab::certificates::Authority;
use turn_balance_lab::coturn::{Coturn, SECRET, WITH_SECRET, WITH_USER};
use turn_balance_lab::loopback::Net;
use turn_balance_lab::scripted::scripted;
use turn_balance_sim::turn::{Behaviour, PASSWORD, USER};

use crate::held::Held;

const BUILT: Built = turn_balance_lab::built!();

/// What is printed, and how it ends.
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

/// Pings, with this on standard input.
fn ping(input: &str, args: &[&str]) -> Said {
    let mut command = Command::new(BUILT.tb);
    command.arg("ping").args(args).env("NO_COLOR", "1").env_remove("TB_SERVER");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(!format!("{out}{err}").contains(SECRET), "{out}{err}");
    assert!(!format!("{out}{err}").contains(PASSWORD), "{out}{err}");
    Said { out, err, code: output.status.code() }
}

const AS_PROBE: [&str; 4] = ["--turn-user", USER, "--turn-password-file", "-"];

/// Pings once, as a user whose password is this, and in text and JSON alike: a failure, of which this is
/// the reason and that the end of the sentence.
fn fails(server: &str, input: &str, args: &[&str], reason: &str, why: &str) {
    let said = ping(input, &[&["-c", "1", server], args].concat());
    let (sentence, hint) = said.err.split_once("\n\nhint: ").unwrap_or((said.err.trim_end(), "-"));
    assert!(sentence.starts_with("error: `"), "{server} {reason}: {}", said.err);
    assert!(sentence.contains("` does not relay: ") && sentence.ends_with(why), "{}", said.err);
    assert_eq!((sentence.lines().count(), said.code), (1, Some(1)), "{}", said.err);
    assert!(!hint.is_empty());
    let said = ping(input, &[&["-c", "1", "--json", server], args].concat());
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((document["error"]["reason"].as_str(), said.code), (Some(reason), Some(1)));
    assert_eq!(document["replies"].as_array().unwrap().last().unwrap()["reason"], reason);
    assert_eq!((&document["transmitted"], &document["received"]), (&1.into(), &0.into()));
}

fn url(addr: SocketAddr) -> String {
    format!("turn:{addr}")
}

/// A file that only its owner reads.
fn secret_file(text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let file = BUILT.file("secret");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

#[test]
fn each_step_is_told() {
    let net = Net::new();
    scripted(net.turn(1), Behaviour::Healthy);
    let said =
        ping(PASSWORD, &[&["-c", "2", "-i", "10ms", &url(net.turn(1))], &AS_PROBE[..]].concat());
    let (turn, ip) = (net.turn(1), net.ip(1));
    let lines: Vec<_> = said.out.lines().collect();
    let relayed = format!("{ip}:49213");
    assert_eq!(lines[0], format!("PING {ip} ({turn}, udp): binding, allocate, relay"));
    for seq in [1, 2] {
        let of = |line: usize| lines[3 * seq - 2 + line];
        assert!(
            of(0).starts_with(&format!("binding from {turn}: seq={seq} time=")),
            "{}",
            said.out
        );
        assert!(of(1).starts_with(&format!("allocate from {turn}: seq={seq} time=")));
        assert!(of(1).ends_with(&format!(" ms relayed={relayed}")));
        assert!(of(2).starts_with(&format!("relay through {relayed}: seq={seq} time=")));
    }
    assert_eq!(lines[8], format!("--- turn:{turn} ping statistics ---"));
    assert!(lines[9].starts_with("2 packets transmitted, 2 received, 0% packet loss, time "));
    assert!(lines[10].starts_with("rtt min/avg/max/mdev = "));
    assert_eq!((said.err.as_str(), said.code), ("", Some(0)));
}

#[test]
fn documents_have_the_steps() {
    let net = Net::new();
    scripted(net.turn(1), Behaviour::Healthy);
    let said = ping(PASSWORD, &[&["-c", "1", "--json", &url(net.turn(1))], &AS_PROBE[..]].concat());
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let replies = document["replies"].as_array().unwrap();
    let steps: Vec<_> = replies.iter().map(|reply| reply["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["binding", "allocate", "relay"]);
    assert!(replies.iter().all(|reply| reply["rtt_ms"].is_f64() && reply["reason"].is_null()));
    assert_eq!(replies[1]["relayed"], format!("{}:49213", net.ip(1)));
    assert_eq!((&document["schema"], &document["received"]), (&"tb.ping/1".into(), &1.into()));
    let jsonl = ping("", &["-c", "1", "--format", "jsonl", &format!("stun:{}", net.turn(1))]);
    let lines: Vec<Value> =
        jsonl.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["kind"], &lines[0]["step"]), (&"reply".into(), &"binding".into()));
    assert_eq!((&lines[1]["kind"], lines.len()), (&"summary".into(), 2));
    let quiet = ping("", &["-qq", "-c", "1", &format!("stun:{}", net.turn(1))]);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str(), quiet.code), ("", "", Some(0)));
}

#[test]
fn each_failure_has_its_sentence() {
    let net = Net::new();
    let useless = Behaviour::RelaysAt("0.0.0.0:49213".parse().unwrap());
    for (n, (behaviour, reason, why)) in [
        (Behaviour::Silent, "silent", "no answer comes"),
        (Behaviour::NoStun, "not-stun", "what answers there speaks no STUN"),
        (Behaviour::Unauthorized, "wrong-credentials", "the credentials are wrong"),
        (Behaviour::OtherRealms, "other-realm", "its realm demands other credentials"),
        (Behaviour::Refuses(486), "quota", "the user's quota is full (486)"),
        (Behaviour::Refuses(508), "capacity", "its capacity is full (508)"),
        (Behaviour::Refuses(403), "forbidden", "it forbids it, as one that drains does (403)"),
        (Behaviour::Refuses(500), "refused", "it answers with error 500"),
        (Behaviour::RelaysNothing, "unrelayed", "what is sent through it does not come back"),
        (useless, "useless-address", "its relayed address, 0.0.0.0:49213, is of no use here"),
        (Behaviour::SwallowsAllocate, "silent", "it answers Binding but not Allocate"),
    ]
    .into_iter()
    .enumerate()
    {
        let turn = net.turn(n as u8 + 1);
        let server = scripted(turn, behaviour);
        let args = [&AS_PROBE[..], &["-W", "700ms"]].concat();
        fails(&url(turn), PASSWORD, &args, reason, why);
        assert_eq!(server.lock().unwrap().allocations(), 0, "{reason}");
    }
    let healthy = net.turn(100);
    scripted(healthy, Behaviour::Healthy);
    fails(&url(healthy), "trout", &AS_PROBE, "wrong-credentials", "the credentials are wrong");
    fails(&url(healthy), "", &[], "no-credentials", "it demands credentials");
    let tcp = url(healthy) + "?transport=tcp";
    fails(&tcp, "trout", &AS_PROBE, "wrong-credentials", "the credentials are wrong");
    let moved = net.turn(103);
    scripted(moved, Behaviour::Refuses(300));
    let why = format!("it sends to another server, {moved} (300)");
    fails(&url(moved), PASSWORD, &AS_PROBE, "moved", &why);
    for (transport, name) in [("", "UDP"), ("?transport=tcp", "TCP")] {
        let why = format!("nothing listens there by {name}");
        fails(&(url(net.turn(101)) + transport), PASSWORD, &AS_PROBE, "closed", &why);
    }
    let mute = TcpListener::bind(net.turn(104)).unwrap();
    std::thread::spawn(move || while mute.accept().is_ok() {});
    let tcp = url(net.turn(104)) + "?transport=tcp";
    fails(&tcp, PASSWORD, &AS_PROBE, "hung-up", "it ends the connection without a word");
    let http = TcpListener::bind(net.turn(102)).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut connection, _)) = http.accept() {
            let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let tcp = url(net.turn(102)) + "?transport=tcp";
    fails(&tcp, PASSWORD, &AS_PROBE, "not-stun", "what answers there speaks no STUN");
}

#[test]
fn hints_fit_what_was_asked_and_how() {
    let net = Net::new();
    let hint = |server: &str, input: &str, args: &[&str]| {
        let said = ping(input, &[&["-c", "1", "-W", "1s", server], args].concat());
        said.err.split_once("\n\nhint: ").map(|(_, hint)| hint.trim_end().to_owned())
    };
    let expect = |server: &str, input: &str, args: &[&str], words: &str| {
        let hint = hint(server, input, args).unwrap_or_default();
        assert!(hint.contains(words), "{server} {args:?}: {hint}");
    };
    let (healthy, moved, deaf) = (net.turn(1), net.turn(2), net.turn(3));
    scripted(healthy, Behaviour::Healthy);
    scripted(moved, Behaviour::Refuses(300));
    scripted(deaf, Behaviour::SwallowsAllocate);
    expect(&url(healthy), "trout", &AS_PROBE, "by another password");
    let secret = ["--turn-secret-file", "-"];
    expect(&url(healthy), "south-wind", &secret, "the server's own secret");
    expect(&url(moved), PASSWORD, &AS_PROBE, &format!("`tb ping 'turn:{moved}'` asks that one"));
    expect(&url(deaf), PASSWORD, &AS_PROBE, &format!("`tb ping {deaf}`"));
    let nobody = net.ip(4);
    let other = format!("as in `tb ping 'turn:{nobody}?transport=tcp'`");
    expect(&format!("turn:{nobody}"), PASSWORD, &AS_PROBE, &other);
    expect(&format!("turn:{nobody}:1"), PASSWORD, &AS_PROBE, "TURN is at port 3478");
    // What is no balance server may be a TURN server.
    let said = ping("", &["-c", "1", "-w", "300ms", &healthy.to_string()]);
    let hint = format!("hint: if that is a TURN server: `tb ping turn:{healthy}` checks it\n");
    assert_eq!((said.err, said.code), (hint, Some(1)));
}

#[test]
fn addresses_that_a_fault_is_about_are_told() {
    let net = Net::new();
    let told = |n, behaviour| {
        let server = url(net.turn(n));
        scripted(net.turn(n), behaviour);
        let args = [&["-c", "1", "--json", &server], &AS_PROBE[..]].concat();
        let document: Value = serde_json::from_str(&ping(PASSWORD, &args).out).unwrap();
        let reply = &document["replies"][1];
        ["relayed", "alternate"].map(|key| reply[key].as_str().map(str::to_owned))
    };
    let useless = Behaviour::RelaysAt("0.0.0.0:49213".parse().unwrap());
    assert_eq!(told(1, useless), [Some("0.0.0.0:49213".to_owned()), None]);
    assert_eq!(told(2, Behaviour::Refuses(300)), [None, Some(net.turn(2).to_string())]);
}

#[test]
fn a_deadline_within_a_check_is_an_outcome_too() {
    let net = Net::new();
    scripted(net.turn(1), Behaviour::Silent);
    let args = [&AS_PROBE[..], &["-w", "300ms"]].concat();
    fails(&url(net.turn(1)), PASSWORD, &args, "silent", "no answer comes");
}

#[test]
fn a_permission_that_is_forbidden_is_no_failure() {
    let net = Net::new();
    scripted(net.turn(1), Behaviour::Permits(403));
    let said = ping(PASSWORD, &[&["-c", "1", &url(net.turn(1))], &AS_PROBE[..]].concat());
    assert!(
        said.out.contains("seq=1 not to be seen: its own address is forbidden"),
        "{}",
        said.out
    );
    assert_eq!((said.err.as_str(), said.code), ("", Some(0)));
}

#[test]
fn one_that_fails_once_is_no_failure_as_a_whole() {
    let net = Net::new();
    scripted(net.turn(1), Behaviour::RefusesOnce(486));
    let server = url(net.turn(1));
    let said = ping(PASSWORD, &[&["-c", "2", "-i", "10ms", &server], &AS_PROBE[..]].concat());
    let refused = format!("no allocate from {}: seq=1 it has no room left", net.turn(1));
    assert!(said.out.contains(&refused), "{}", said.out);
    assert!(said.out.contains("2 packets transmitted, 1 received, +1 errors, 50% packet loss"));
    assert_eq!((said.err.as_str(), said.code), ("", Some(0)));
}

#[test]
fn coturn_relays_by_udp_and_tcp() {
    let net = Net::new();
    let Some(_coturn) = Coturn::start(net.turn(1), &WITH_USER) else { return };
    for server in [url(net.turn(1)), url(net.turn(1)) + "?transport=tcp"] {
        let said = ping(PASSWORD, &[&["-c", "1", &server], &AS_PROBE[..]].concat());
        assert!(said.out.contains("relay through "), "{}{}", said.out, said.err);
        assert_eq!((said.err.as_str(), said.code), ("", Some(0)));
    }
    fails(&url(net.turn(1)), "trout", &AS_PROBE, "wrong-credentials", "the credentials are wrong");
    fails(&url(net.turn(1)), "", &[], "no-credentials", "it demands credentials");
}

#[test]
fn coturn_takes_what_is_minted_from_its_secret_and_nothing_else() {
    let net = Net::new();
    let Some(_coturn) = Coturn::start(net.turn(1), &WITH_SECRET) else { return };
    let [right, wrong] = [SECRET, "south-wind"].map(|secret| secret_file(&format!("{secret}\n")));
    let args = ["-c", "1", &url(net.turn(1)), "--turn-secret-file", right.to_str().unwrap()];
    let said = ping("", &args);
    assert!(said.out.contains("relay through "), "{}{}", said.out, said.err);
    assert_eq!((said.err.as_str(), said.code), ("", Some(0)));
    let args = ["--turn-secret-file", wrong.to_str().unwrap()];
    fails(&url(net.turn(1)), "", &args, "wrong-credentials", "the credentials are wrong");
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&right, fs::Permissions::from_mode(0o644)).unwrap();
    let args = ["-c", "1", &url(net.turn(1)), "--turn-secret-file", right.to_str().unwrap()];
    let said = ping("", &args);
    assert!(said.err.contains("is open to everybody"), "{}", said.err);
    assert!(said.err.contains("hint: close it: `chmod o= "), "{}", said.err);
    assert_eq!((said.out.as_str(), said.code), ("", Some(2)));
    [right, wrong].iter().for_each(|file| drop(fs::remove_file(file)));
}

#[test]
fn a_quota_that_is_full_is_told() {
    let net = Net::new();
    let options = [&WITH_USER[..], &["--user-quota=1"]].concat();
    let Some(_coturn) = Coturn::start(net.turn(1), &options) else { return };
    let _held = Held::new(net.turn(1), TurnCredentials::new(USER, PASSWORD));
    let why = "the user's quota is full (486)";
    fails(&url(net.turn(1)), PASSWORD, &AS_PROBE, "quota", why);
}

#[test]
fn certificates_are_judged() {
    let net = Net::new();
    let (authority, other) = (Authority::new(BUILT), Authority::new(BUILT));
    let roots = authority.roots();
    let trusting = ["--turn-ca-file", roots.to_str().unwrap()];
    let other = other.roots();
    let (near, far) = ("20200101000000Z", "20990101000000Z");
    let cases = [
        (1, None, [near, far], &trusting[1], None),
        (
            2,
            None,
            [near, "20261001000000Z"],
            &trusting[1],
            Some(("certificate-expired", "its certificate expired on 2026-10-01")),
        ),
        (
            3,
            Some("IP:127.0.0.1"),
            [near, far],
            &trusting[1],
            Some(("certificate-name", "its certificate is another host's")),
        ),
        (
            4,
            None,
            [near, far],
            &other.to_str().unwrap(),
            Some(("certificate-untrusted", "nobody trusted has signed its certificate")),
        ),
        (
            5,
            None,
            ["20980101000000Z", far],
            &trusting[1],
            Some(("certificate-not-yet-valid", "its certificate is not valid yet")),
        ),
    ];
    for (n, name, [start, end], trusted, fault) in cases {
        let own = format!("IP:{}", net.ip(n));
        let made = authority.sign_from(name.unwrap_or(&own), start, end);
        let [certificate, key] = [&made.certificate, &made.key].map(|file| file.to_str().unwrap());
        let files = [format!("--cert={certificate}"), format!("--pkey={key}")];
        let options = [&WITH_USER[..], &[&files[0], &files[1]]].concat();
        let Some(_coturn) = Coturn::start(net.turn(n), &options) else { return };
        let server = format!("turns:{}", net.ip(n));
        let args = [&AS_PROBE[..], &["--turn-ca-file", trusted]].concat();
        match fault {
            Some((reason, why)) => {
                fails(&server, PASSWORD, &args, reason, why);
                let said = ping(PASSWORD, &[&["-c", "1", &server], &args[..]].concat());
                let ended = "it shows a certificate that expired on 2026-10-01";
                assert_eq!(said.out.contains(ended), n == 2, "{}", said.out);
            }
            None => {
                let said = ping(PASSWORD, &[&["-c", "1", &server], &args[..]].concat());
                assert!(said.out.contains(", tls): "), "{}", said.out);
                assert!(said.out.contains("relay through "), "{}{}", said.out, said.err);
                assert_eq!((said.err.as_str(), said.code), ("", Some(0)));
            }
        }
    }
    // What speaks no TLS.
    let plain = net.turn(5);
    scripted(plain, Behaviour::Healthy);
    let args = [&AS_PROBE[..], &trusting, &["-W", "1s"]].concat();
    fails(&format!("turns:{plain}"), PASSWORD, &args, "silent", "no answer comes");
}

#[test]
fn what_cannot_be_asked_is_told() {
    for (server, said) in [
        ("turns:192.0.2.1?transport=udp", "DTLS"),
        ("turn://192.0.2.1", "slashes"),
        ("turn:192.0.2.1?transport=sctp", "transport=tcp"),
        ("turns:192.0.2.1 --turn-secret-file /no-such", "/no-such"),
        ("stun:192.0.2.1 --turn-secret-file /no-such", "credentials are for a TURN server"),
        ("192.0.2.1 --turn-user u", "credentials are for a TURN server"),
        ("192.0.2.1 --turn-ca-file /no-such", "`turns:` and `stuns:`"),
        ("turn:192.0.2.1 --turn-ca-file /no-such", "`turns:` and `stuns:`"),
        ("stuns:192.0.2.1 --turn-ca-file /no-such", "/no-such"),
    ] {
        let args: Vec<_> = server.split(' ').collect();
        let output = ping("", &[&["-c", "1"], &args[..]].concat());
        assert!(output.err.contains(said), "{server}: {}", output.err);
        assert_eq!(output.code, Some(2), "{server}");
    }
    let output = ping("", &["-c", "1", "turn:192.0.2.1", "--turn-password-file", "-"]);
    assert_eq!(output.code, Some(2), "a password without a user: {}", output.err);
}
