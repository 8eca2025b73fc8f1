//! A server's configuration, made in a program: every part and every value.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use turn_balance::{
    Admin, AdminAddr, AdminListener, BareAnswers, Broker, Cluster, Config, DEFAULT_PORT,
    Difference, Endpoint, Error, Http, HttpsUrl, HttpsUrlError, KeyFile, Labels, ListenAddr, Load,
    LoadSource, Log, LogFormat, LogLevel, MetricsUrl, MetricsUrlError, Name, Net, NodeEntry,
    NodeSecret, Prefix, PrefixError, Rates, Reloaded, RequestLimits, Server, ServerLabel,
    ServerUrl, ServerUrlError, Turn, TurnHealth, TurnScheme, TurnServer, TurnTransport, TurnUrl,
    TurnUrlError,
};

/// Which link it is on its interface says.
const V6: SocketAddr =
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 7)), DEFAULT_PORT);

fn addr(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, last], port))
}

fn net(name: Name) -> Net {
    let mut net = Net::default();
    net.bind = vec![addr(7, DEFAULT_PORT).into(), "[fe80::7%eth0]:3001".parse().unwrap()];
    let named: &ListenAddr = &net.bind[1];
    assert_eq!((named.addr(), named.interface()), (V6, Some("eth0")));
    net.name = Some(name);
    let labels: Labels = "tier=gold,region=eu".parse().unwrap();
    let label: ServerLabel = "region=eu".parse().unwrap();
    assert_eq!(labels.iter().next(), Some((label.key(), label.value())));
    net.labels = labels;
    net.workers = 2;
    net.drain = Some(Duration::from_secs(5));
    net
}

fn cluster(key: &Path, node: Name) -> Cluster {
    let mut cluster = Cluster::default();
    let srv = Endpoint::Srv("_tb-root._udp.example.org".to_owned());
    cluster.superiors = vec![Endpoint::Name("root.example".to_owned(), 3001), srv];
    let mut turn = TurnServer::default();
    turn.health = TurnHealth::Allocate;
    turn.secret_file = Some("nyc.secret".into());
    turn.urls = vec!["turn:nyc.example?transport=tcp".parse().unwrap()];
    cluster.nodes = vec![
        NodeEntry::new(addr(8, 3001)).public(addr(9, 3001)).name(node),
        NodeEntry::new(addr(11, 3478)).turn(turn).labels("net=b".parse().unwrap()),
    ];
    cluster.check_bind = Some(3002);
    cluster.advertise = Some(addr(10, 3001));
    cluster.keys = vec![KeyFile::new(1, key)];
    cluster.require_auth = true;
    cluster.join = true;
    cluster.max_nodes = 100;
    cluster.join_prefixes = vec![Prefix::V4, Prefix::V6];
    cluster.state = Some("joined".into());
    cluster
}

fn turn() -> Turn {
    let mut turn = Turn::default();
    turn.bind = vec![addr(7, 3478), "[2001:db8::7]:3478".parse().unwrap()];
    turn.check = vec![([127, 0, 0, 1], 3478).into()];
    let server = &mut turn.server;
    server.health = TurnHealth::Relay;
    server.user = Some("probe".into());
    server.password_file = Some("turn.password".into());
    server.ca_file = Some("ca.pem".into());
    let beside: HttpsUrl = "https://fra.turn.example/".parse().unwrap();
    server.urls = vec!["turns:fra.turn.example".parse::<TurnUrl>().unwrap().into(), beside.into()];
    (turn.capacity, turn.weight) = (Some(400), Some(2));
    let url: MetricsUrl = "http://127.0.0.1:9641/metrics".parse().unwrap();
    assert_eq!((&*url.endpoint().to_string(), url.path()), ("127.0.0.1:9641", "/metrics"));
    let metric = "turn_total_allocations".to_owned();
    let written =
        LoadSource::File { file: "/run/turn/metrics".into(), metric: Some(metric.clone()) };
    turn.load = Some(LoadSource::Url { url, metric }).filter(|url| *url != written);
    turn
}

fn http() -> Http {
    let mut http = Http::default();
    http.bind = vec![addr(7, 8443).into()];
    http.cert = Some("fullchain.pem".into());
    http.key = Some("privkey.pem".into());
    http.plain = false;
    http.api_keys = Some("api-keys".into());
    http.token_secret = Some("token.secret".into());
    http.turn_secret = Some("turn.secret".into());
    http.turn_secrets = vec![NodeSecret::new(addr(9, 3478), "nyc.secret")];
    http.ttl = Duration::from_secs(600);
    http.origins = vec!["https://app.example".into()];
    http.trusted_proxies = Vec::from(Prefix::LOOPBACK);
    http.demo = true;
    http
}

fn admin() -> Admin {
    let mut admin = Admin::default();
    admin.bind = Some(AdminAddr::Tcp(addr(7, 9301).into()));
    admin.allow = vec![Prefix::V4];
    admin.token_file = Some("admin.token".into());
    assert!(matches!("unix:/run/tb.sock".parse(), Ok(AdminAddr::Unix(_))));
    admin
}

fn limits(exempt: Prefix) -> RequestLimits {
    let mut limits = RequestLimits::default();
    limits.exempt = Vec::from(Prefix::LOOPBACK);
    limits.exempt.push(exempt);
    limits.bare_answers = BareAnswers::Full;
    limits.bare_bytes = 2_000_000;
    limits.rates = Rates::UNLIMITED.v4_32(1).v4_24(2).v6_64(3).v6_56(4).v6_48(5);
    limits
}

fn log() -> Log {
    let mut log = Log::default();
    log.level = LogLevel::Debug;
    log.format = LogFormat::Json;
    log
}

fn config() -> Result<Config, Box<dyn std::error::Error>> {
    let mut config = Config::default();
    config.net = net("fra-b".parse()?);
    config.cluster = cluster(Path::new("balance.key"), "fra-c".parse()?);
    config.turn = turn();
    config.http = http();
    config.admin = admin();
    config.limits = limits("10.0.0.0/8".parse::<Prefix>()?);
    config.log = log();
    Ok(config)
}

/// Serves until it cannot go on, as a task of its own.
async fn serve(config: Config) -> Result<(), Error> {
    Broker::check(&config.http)?;
    AdminListener::check(&config.admin)?;
    let (http, admin) = (config.http.clone(), config.admin.clone());
    let again = config.clone();
    let server = Server::start(config).await?;
    let broker = Broker::start(http, server.addrs()).await?;
    println!("{:?} {:?}", server.addrs(), broker.addrs());
    if let Some(admin) = AdminListener::start(admin, &server).await? {
        println!("{} {}", admin.addr(), admin.failed().await);
        admin.stop().await;
    }
    let error = broker.failed().await;
    broker.stop().await;
    server.drain();
    server.undrain();
    server.set_load(Load::new(230.0, 400).filter(|load| !load.is_full()));
    let reloaded: Reloaded = server.reload(again).await?;
    let Reloaded { nodes, superiors, keys, changed, kept, .. } = reloaded;
    let Difference { new, gone, changed: others, .. } = nodes;
    println!("{superiors} {keys} {new} {gone} {others} {changed:?} {kept:?} {}", nodes.is_none());
    server.stop().await;
    Err(error)
}

#[test]
fn every_value_is_written_and_read_again() {
    let config = config().unwrap();
    config.validate().unwrap();
    let again = Config::parse(&config.to_toml(), "made.toml").unwrap();
    assert_eq!(again, config);
    let [node, other] = again.cluster.nodes.as_slice() else { panic!("{again:?}") };
    let NodeEntry { addr, public, name, labels, turn, .. } = node;
    assert!(turn.is_none() && labels.is_empty() && other.turn.is_some());
    assert_eq!(other.labels.get("net"), Some("b"));
    assert_eq!(*addr, Endpoint::Addr(([203, 0, 113, 8], 3001).into()));
    assert_eq!(public.map(|public| public.port()), Some(3001));
    assert_eq!(name.as_ref().map(Name::as_str), Some("fra-c"));
    let Rates { v4_32, v4_24, v6_64, v6_56, v6_48, .. } = again.limits.rates;
    assert_eq!([v4_32, v4_24, v6_64, v6_56, v6_48], [1, 2, 3, 4, 5]);
    let [KeyFile { id, file, .. }] = again.cluster.keys.as_slice() else { panic!("{again:?}") };
    assert_eq!((*id, file.as_path()), (1, Path::new("balance.key")));
}

#[test]
fn every_word_of_a_file_has_a_name() {
    let bare = [BareAnswers::Sample, BareAnswers::Full].map(BareAnswers::as_str);
    assert_eq!(bare, ["sample", "full"]);
    let health = [TurnHealth::None, TurnHealth::Binding, TurnHealth::Allocate, TurnHealth::Relay];
    assert_eq!(health.map(TurnHealth::as_str), ["none", "binding", "allocate", "relay"]);
    let format = [LogFormat::Text, LogFormat::Json].map(LogFormat::as_str);
    assert_eq!(format, ["text", "json"]);
    let levels =
        [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    assert_eq!(levels.map(LogLevel::as_str), ["error", "warn", "info", "debug", "trace"]);
}

#[test]
fn a_url_tells_its_parts() {
    let url: TurnUrl = "turns:[2001:db8::7]".parse().unwrap();
    assert_eq!((url.scheme().as_str(), url.transport().as_str()), ("turns", "tcp"));
    assert_eq!((url.host(), url.port(), url.ip().is_some()), ("2001:db8::7", 5349, true));
    assert!(url.is_turn() && url.is_secure() && url.to_string().len() < TurnUrl::MAX_LEN);
    let udp = TurnUrl::udp(addr(7, 3478));
    assert_eq!((udp.scheme(), udp.transport()), (TurnScheme::Turn, TurnTransport::Udp));
    for (text, scheme) in [
        ("stun:a.example", TurnScheme::Stun),
        ("stuns:a.example", TurnScheme::Stuns),
        ("turns:a.example?transport=tcp", TurnScheme::Turns),
    ] {
        let url: TurnUrl = text.parse().unwrap();
        let transport = if url.is_secure() { TurnTransport::Tcp } else { TurnTransport::Udp };
        assert_eq!((url.scheme(), url.transport()), (scheme, transport));
    }
    let errors = ["turn.example", "turn://a", "turn:a b", "turn:::1", "turn:a:x", "turn:a?b"];
    for (text, error) in errors.into_iter().zip([
        TurnUrlError::Scheme("turn.example".into()),
        TurnUrlError::Slashes("turn://a".into()),
        TurnUrlError::Host("a b".into()),
        TurnUrlError::Ipv6("::1".into()),
        TurnUrlError::Port("turn:a:x".into()),
        TurnUrlError::Query("b".into()),
    ]) {
        assert_eq!(text.parse::<TurnUrl>(), Err(error));
    }
    let stun = "stun:a?transport=udp";
    assert_eq!(stun.parse::<TurnUrl>(), Err(TurnUrlError::StunTransport(stun.into())));
}

#[test]
fn a_metrics_url_is_plain_http() {
    let wrong = |text: &str| text.parse::<MetricsUrl>().unwrap_err();
    assert_eq!(wrong("https://a/"), MetricsUrlError::Scheme("https://a/".into()));
    assert_eq!(wrong("http://me:secret@a/"), MetricsUrlError::User);
    assert!(matches!(wrong("http://a:x/"), MetricsUrlError::Endpoint(_)));
    assert_eq!(wrong("http://a/b#c"), MetricsUrlError::Path("/b#c".into()));
}

#[test]
fn a_web_server_s_url_tells_its_parts() {
    let url: HttpsUrl = "https://[2001:db8::7]:8443/a".parse().unwrap();
    assert_eq!((url.host(), url.port(), url.path()), ("2001:db8::7", 8443, "/a"));
    assert!(url.ip().is_some() && url.path().len() < HttpsUrl::MAX_PATH);
    let told = ServerUrl::Https(url);
    assert!(told.turn().is_none() && told.is_secure());
    assert_eq!((told.host(), told.port(), told.ip().is_some()), ("2001:db8::7", 8443, true));
    let told = ServerUrl::Turn("turn:a.example".parse().unwrap());
    assert!(told.turn().is_some_and(TurnUrl::is_turn) && !told.is_secure());
    let user = "https://me:secret@a".parse::<ServerUrl>().unwrap_err();
    assert_eq!(user, ServerUrlError::Https(HttpsUrlError::User));
    assert!(!user.to_string().contains("secret"));
    for (text, error) in [
        ("a", HttpsUrlError::Scheme("a".into())),
        ("http://a", HttpsUrlError::Insecure("http://a".into())),
        ("https://a b", HttpsUrlError::Host("a b".into())),
        ("https://::1", HttpsUrlError::Ipv6("::1".into())),
        ("https://a:x", HttpsUrlError::Port("https://a:x".into())),
        ("https://a?b", HttpsUrlError::Path("?b".into())),
    ] {
        assert_eq!(text.parse::<HttpsUrl>(), Err(error));
    }
    let other = "wss://a".parse::<ServerUrl>().unwrap_err();
    assert_eq!(other, ServerUrlError::Turn(TurnUrlError::Scheme("wss://a".into())));
}

#[test]
fn prefixes_tell_what_they_hold() -> Result<(), PrefixError> {
    let v4: Prefix = "10.0.0.0/8".parse()?;
    let v6: Prefix = "2001:db8::/32".parse()?;
    assert!(v4.contains("10.1.2.3".parse().unwrap()) && !v6.contains("::1".parse().unwrap()));
    assert_eq!(v4.v4_bits(), Some((10 << 24, 0xff << 24)));
    assert_eq!(v6.v6_bits(), Some((0x2001_0db8 << 96, 0xffff_ffff << 96)));
    assert_eq!("a".repeat(Name::MAX_LEN).parse::<Name>().unwrap().as_str().len(), Name::MAX_LEN);
    Ok(())
}

#[tokio::test]
async fn a_server_runs_as_a_task() {
    let task = tokio::spawn(async {
        let mut config = Config::default();
        config.net.bind = vec![([127, 0, 0, 1], 0).into()];
        serve(config).await
    });
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}
