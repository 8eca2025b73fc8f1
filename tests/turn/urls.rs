//! URLs of real TURN servers: those that work are told, and why others are not.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use turn_balance::internals::wire::{
    Extras, PADDED_REQUEST, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
};
use turn_balance_lab::Built;
use turn_balance_lab::certificates::{Authority, Certificate};
use turn_balance_lab::coturn::{Coturn, WITH_SECRET};
use turn_balance_lab::loopback::Net;
use turn_balance_lab::patience::until_some;
use turn_balance_lab::served::Served;

const BUILT: Built = turn_balance_lab::built!();

/// Far enough.
pub(crate) const LATER: &str = "20991231235959Z";

/// What a server says that is asked for URLs.
fn ask(server: SocketAddr, urls_of: Option<SocketAddr>) -> Option<ProbeReply> {
    let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let extras = Extras { urls: true, ..Extras::default() };
    let probe = Probe { nonce: 7, extras, urls_of, ..Probe::default() };
    let request = Request { id: 1, body: RequestBody::Probe(probe) };
    socket.send_to(&request.encode(PADDED_REQUEST), server).unwrap();
    let mut buffer = [0; 2048];
    let len = socket.recv(&mut buffer).ok()?;
    match Response::decode(&buffer[..len]).unwrap().body {
        ResponseBody::Probe(reply) => Some(reply),
        body => panic!("{body:?}"),
    }
}

/// Waits until a server tells these URLs.
fn until_told(server: SocketAddr, urls_of: Option<SocketAddr>, urls: &[String]) -> ProbeReply {
    until_some(&format!("{urls:?}"), || ask(server, urls_of).filter(|reply| reply.urls == urls))
}

/// A coturn that has this certificate at port 5349, too.
pub(crate) fn with_tls(
    addr: SocketAddr,
    certificate: &Certificate,
    options: &[&str],
) -> Option<Coturn> {
    let [cert, key] = [&certificate.certificate, &certificate.key].map(|file| file.display());
    let tls = [format!("--cert={cert}"), format!("--pkey={key}")];
    let tls: Vec<_> = tls.iter().map(String::as_str).chain(options.iter().copied()).collect();
    Coturn::start(addr, &[&["--tls-listening-port=5349"], &tls[..]].concat())
}

pub(crate) fn made(turn: SocketAddr) -> String {
    format!("turn:{turn}?transport=udp")
}

fn file(text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let file = BUILT.file("secret");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

#[test]
fn those_that_work_are_told_by_each_transport_and_as_deep_as_is_asked() {
    let (net, authority) = (Net::new(), Authority::new(BUILT));
    let turn = net.turn(1);
    let certificate = authority.sign(&format!("IP:{}", turn.ip()), LATER);
    let Some(_coturn) = with_tls(turn, &certificate, &WITH_SECRET) else { return };
    let urls = [
        format!("turn:{turn}?transport=tcp"),
        format!("turns:{}:5349?transport=tcp", turn.ip()),
        // Whatever is behind a good certificate.
        format!("https://{}:5349/", turn.ip()),
    ];
    let secret = file("north-wind\n");
    let config = format!(
        "[turn]\nbind = '{turn}'\nhealth = 'allocate'\nsecret-file = '{}'\nca-file = '{}'\n\
         urls = {urls:?}\n",
        secret.display(),
        authority.roots().display()
    );
    let server = net.server(1);
    let mut served = Served::start(BUILT, server, "info", &config);
    urls.iter().for_each(|_| served.until_it_logs("URL works"));
    let reply = until_told(server, None, &[&[made(turn)][..], &urls].concat());
    assert_eq!(reply.turn, Some(turn));
    assert_eq!(ask(server, Some(net.turn(9))).unwrap().urls.len(), 0, "nobody it knows");
    assert!(!served.end().contains("north-wind"));
}

#[test]
fn that_of_a_balance_server_is_left_out() {
    let net = Net::new();
    let (server, turn) = (net.server(1), net.turn(1));
    let Some(_coturn) = Coturn::start(turn, &[]) else { return };
    let config = format!("[turn]\nbind = '{turn}'\nurls = ['turn:{server}?transport=udp']\n");
    let mut served = Served::start(BUILT, server, "info", &config);
    served.until_it_logs("URL left out: it is a balance server, and no TURN server");
    until_told(server, None, &[made(turn)]);
}

#[test]
fn those_that_fail_are_left_out_and_each_is_told_once_with_its_reason() {
    let (net, authority) = (Net::new(), Authority::new(BUILT));
    let stranger = Authority::new(BUILT);
    let ip = |n| format!("IP:{}", net.turn(n).ip());
    let certificates = [
        (1, authority.sign(&ip(1), "20250101000000Z"), "certificate-expired"),
        (2, authority.sign("DNS:other.example", LATER), "certificate-name"),
        (3, stranger.sign(&ip(3), LATER), "certificate-untrusted"),
        (4, authority.sign(&ip(4), LATER), "wrong-credentials"),
    ];
    let mut coturns = Vec::new();
    let mut nodes = String::new();
    let secret = file("south-wind\n");
    for (n, certificate, _) in &certificates {
        let turn = net.turn(*n);
        let Some(coturn) = with_tls(turn, certificate, &WITH_SECRET) else { return };
        coturns.push(coturn);
        let login = format!("health = 'allocate', secret-file = '{}', ", secret.display());
        let login = if *n == 4 { login } else { String::new() };
        nodes += &format!(
            "{{ turn = '{turn}', {login}ca-file = '{1}', urls = ['turns:{0}:5349', 'turn:{0}:1?transport=tcp', 'https://{0}:5349'] }},\n",
            turn.ip(),
            authority.roots().display()
        );
    }
    let server = net.server(1);
    let mut served =
        Served::start(BUILT, server, "info", &format!("[cluster]\nnodes = [\n{nodes}]\n"));
    // Of the last one's web server the certificate is good.
    for _ in 0..certificates.len() * 3 - 1 {
        served.until_it_logs("URL left out");
    }
    for (n, ..) in &certificates {
        let beside = (*n == 4).then(|| format!("https://{}:5349", net.turn(4).ip()));
        let told: Vec<_> = [made(net.turn(*n))].into_iter().chain(beside).collect();
        until_told(server, Some(net.turn(*n)), &told);
    }
    let log = served.end();
    for (n, _, reason) in certificates {
        let ip = net.turn(n).ip();
        let urls = [format!("url=turns:{ip}:5349"), format!("url=https://{ip}:5349")];
        for url in urls.iter().take(if n == 4 { 1 } else { 2 }) {
            let lines: Vec<_> = log.lines().filter(|line| line.contains(url)).collect();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.contains(&format!("reason={reason}")), "{line}");
            assert_eq!(line.contains("expired on 2025-01-01"), n == 1, "{line}");
        }
    }
    assert_eq!(log.matches("reason=closed").count(), 4, "{log}");
}
