//! Janus asks the broker for a TURN server, and gets a relay there. It takes no loopback address for a
//! candidate, so this is on a host of its own.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turn_balance::TurnSecret;
use turn_balance_lab::coturn::{NO_FILE, SECRET, WITH_SECRET};
use turn_balance_lab::host::{Host, Lab, eventually};
use turn_balance_lab::loopback::skipped;

use crate::{Process, file, lacks};

const BUILT: turn_balance_lab::Built = turn_balance_lab::built!();

const IP: &str = "203.0.113.5";

/// An API key that is written in another way in a query.
const API_KEY: &str = "0123456789+abcdef/0123";

/// Who wants to be called, as applications name people to Janus.
const USER: &str = "alice@app.example";

/// What a browser offers.
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n\
                     m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 192.0.2.1\r\na=mid:0\r\na=sendrecv\r\n\
                     a=rtcp-mux\r\na=setup:actpass\r\na=rtpmap:111 opus/48000/2\r\na=ice-ufrag:abcd\r\n\
                     a=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 ";

/// Asks a server of this host by HTTP, in its version without chunks: with a body it is a POST.
fn ask(host: &Host, port: u16, path: &str, body: Option<&Value>) -> Option<Value> {
    let (method, body) = body.map_or(("GET", String::new()), |body| ("POST", body.to_string()));
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {IP}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let addr: SocketAddr = format!("{IP}:{port}").parse().unwrap();
    let mut stream = host.run(|| TcpStream::connect(addr)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// Janus with nothing but its echo test, and where it logs.
fn janus(host: &Host, method: &str) -> (Process, PathBuf) {
    let folder = BUILT.file("janus");
    let of = |kind: &str| folder.join(kind);
    for kind in ["plugins", "transports", "none"] {
        fs::create_dir_all(of(kind)).unwrap();
    }
    for (kind, name) in [("plugins", "echotest"), ("transports", "http")] {
        let name = format!("libjanus_{name}.so");
        let script = "ln -s \"$(find /usr/lib -path \"*/janus/$1/$2\")\" \"$0\"";
        let mut link = Command::new("sh");
        link.args(["-c", script]).arg(of(kind)).args([kind, &name]);
        assert!(link.status().unwrap().success());
    }
    let [plugins, transports, none] = ["plugins", "transports", "none"].map(of);
    let text = format!(
        "general: {{ configs_folder = {folder:?}\nplugins_folder = {plugins:?}\n\
         transports_folder = {transports:?}\nevents_folder = {none:?}\nloggers_folder = {none:?}\n\
         debug_level = 6\ndebug_colors = false }}\n\
         nat: {{ turn_rest_api = \"http://{IP}:8443/turn\"\nturn_rest_api_key = \"{API_KEY}\"\n\
         turn_rest_api_method = \"{method}\" }}\n"
    );
    fs::write(of("janus.jcfg"), text).unwrap();
    let text = format!("general: {{ http = true\nport = 8088\nip = \"{IP}\" }}\n");
    fs::write(of("janus.transport.http.jcfg"), text).unwrap();
    let log = of("log");
    let mut command = host.command("janus");
    command.arg("-F").arg(&folder).arg("-C").arg(of("janus.jcfg"));
    let command = command.stdout(File::create(&log).unwrap()).stderr(Stdio::null());
    (Process(command.spawn().unwrap()), log)
}

/// What Janus answers an offer of [`USER`] with.
fn answered(host: &Host) -> String {
    let ask = |path: &str, body| ask(host, 8088, &format!("/janus{path}"), body);
    let create = json!({"janus": "create", "transaction": "t"});
    let session = eventually("Janus", || ask("", Some(&create)))["data"]["id"].clone();
    let plugin = "janus.plugin.echotest";
    let attach =
        json!({"janus": "attach", "plugin": plugin, "opaque_id": USER, "transaction": "t"});
    let attached = ask(&format!("/{session}"), Some(&attach)).unwrap();
    let sdp = format!("{OFFER}{}\r\n", ["AB"; 32].join(":"));
    let offer = json!({"janus": "message", "transaction": "t", "body": {"audio": true},
                       "jsep": {"type": "offer", "sdp": sdp}});
    let handle = &attached["data"]["id"];
    ask(&format!("/{session}/{handle}"), Some(&offer)).unwrap();
    let start = Instant::now();
    loop {
        let event = ask(&format!("/{session}?maxev=1"), None).unwrap();
        if let Some(sdp) = event["jsep"]["sdp"].as_str() {
            return sdp.to_owned();
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{event}");
    }
}

#[test]
fn janus_gets_a_relay_from_the_broker() {
    let found = Command::new("janus").arg("--version").stdout(Stdio::null()).status();
    if lacks("janus", found.is_ok()) {
        return;
    }
    let lab = match Lab::new(BUILT) {
        Ok(lab) => lab,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{error}");
            return skipped(&error.to_string());
        }
    };
    let host = lab.host("gateway", &[&format!("{IP}/24")]);
    let mut coturn = host.command("turnserver");
    coturn.args(["-n", "--no-tls", "--no-dtls", "--no-cli", "--log-file=stdout", NO_FILE]);
    coturn.args(["--pidfile=/dev/null", "--realm=turn.example", "--relay-threads=1"]);
    coturn.arg(format!("--listening-ip={IP}")).arg(format!("--relay-ip={IP}")).args(WITH_SECRET);
    let coturn = coturn.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if lacks("coturn", coturn.is_ok()) {
        return;
    }
    let _coturn = Process(coturn.unwrap());
    let keys = file("janus.keys", &format!("janus {API_KEY}\n"));
    let secret = file("janus.secret", SECRET);
    let broker = host.serve(&format!(
        "net.bind = '{IP}:3001'\nturn = {{ bind = '{IP}:3478', health = 'binding' }}\n\
         http = {{ bind = '{IP}:8443', plain = true, api-keys = {keys:?}, turn-secret = {secret:?} }}\n"
    ));
    eventually("the leaf offers its TURN server", || {
        let list = ask(&host, 8443, "/v1/servers", None)?;
        list["servers"].get(0).map(drop)
    });

    for method in ["GET", "POST"] {
        let (janus, log) = janus(&host, method);
        let sdp = answered(&host);
        drop(janus);
        let log = fs::read_to_string(log).unwrap();
        let took = |what: &str| {
            let line = log.lines().find_map(|line| line.trim().strip_prefix(what));
            line.unwrap_or_else(|| panic!("{method}: no {what}: {log}\n{}", broker.log())).trim()
        };
        let (expiry, name) = took("-- Username:").split_once(':').unwrap();
        assert_eq!(name, USER);
        let minted = TurnSecret::new(SECRET).mint(expiry.parse().unwrap(), USER);
        assert_eq!(took("-- Password:"), minted.password);
        assert_eq!((took("-- TTL:"), took("-- Servers:")), ("3600", "1"), "{log}");
        assert!(took("-- -- URI:").starts_with(&format!("{IP}:3478 ")), "{log}");
        assert!(sdp.contains("typ relay"), "coturn did not let it: {sdp}");
    }
}
