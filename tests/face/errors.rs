//! Every error, as a program deals with it that reads no text.

use std::error::Error as _;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use turn_balance::{
    Balance, Breach, CandidateState, Config, ConfigError, Endpoint, EndpointError, Error, Failure,
    Family, KeyError, KeyFile, Label, LeftOut, ListenAddr, NameError, Obstacle, Parent, Pinger,
    Prefix, PrefixError, SecretKind, Server, SocketOperation, Unresolved, UnresolvedRoot,
};

/// Where to look.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// At a server that is asked; `None`: at all that were given.
    Server(Option<SocketAddr>),
    /// At a host's name, and the family asked for.
    Host(String, Option<Family>),
    /// At an address of this host.
    Address(SocketAddr),
    /// At a file.
    File(PathBuf),
    /// At the arguments.
    Arguments,
    /// At this host.
    System(io::ErrorKind),
    /// At the library's faults.
    Library,
    /// At the library's changelog.
    Newer,
}

fn look(error: &Error) -> Look {
    match error {
        Error::NotFound(failure) => Look::Server(blamed(failure)),
        Error::Resolve { host, source: _, .. } => Look::Host(host.clone(), None),
        Error::NoAddress { host, family, .. } => Look::Host(host.clone(), Some(*family)),
        Error::Endpoint(_) | Error::NoRoots => Look::Arguments,
        Error::Socket { operation, addr, source, .. } => match operation {
            SocketOperation::Open | SocketOperation::Send => Look::Server(Some(*addr)),
            SocketOperation::Listen
            | SocketOperation::Answer
            | SocketOperation::Use
            | SocketOperation::SendChecks
            | SocketOperation::AskTurn => Look::Address(*addr),
            _ => Look::System(source.kind()),
        },
        Error::Listen { addr, source: _, .. } => Look::Address(*addr),
        Error::ListenUnix { path, source: _, .. } => Look::File(path.clone()),
        Error::Certificate { file, key: _, source: _, .. } => Look::File(file.clone()),
        Error::Random(source) | Error::Thread(source) => Look::System(source.kind()),
        Error::Roots { file: Some(file), source: _, .. } => Look::File(file.clone()),
        Error::Worker { addr, .. } => Look::Address(*addr),
        Error::Task { task: _, .. } => Look::Library,
        Error::Config(error) if error.unreadable().is_some() => Look::File(error.origin().into()),
        Error::Config(_) => Look::Arguments,
        Error::Key(
            KeyError::Missing { file, source: _, .. }
            | KeyError::Forbidden { file, user: _, source: _, .. }
            | KeyError::Unreadable { file, source: _, .. }
            | KeyError::NotRegular { file, .. }
            | KeyError::Owner { file, owner: _, user: _, .. }
            | KeyError::Open { file, .. }
            | KeyError::Length { file, bytes: _, .. }
            | KeyError::Blanks { file, key: _, .. }
            | KeyError::Base64 { file, .. }
            | KeyError::NoKey { file, .. }
            | KeyError::Zero { file, .. }
            | KeyError::Twice { file, other: _, .. }
            | KeyError::Empty { file, what: _, .. }
            | KeyError::TooLong { file, what: _, most: _, .. }
            | KeyError::NotOneLine { file, what: _, .. }
            | KeyError::TooShort { file, what: _, least: _, .. }
            | KeyError::Line { file, what: _, line: _, fault: _, .. }
            | KeyError::NoPrivateKey { file, what: _, .. }
            | KeyError::NoCertificate { file, what: _, .. },
        ) => Look::File(file.clone()),
        _ => Look::Newer,
    }
}

/// What a file holds that an error is about.
fn is_secret(what: SecretKind) -> bool {
    match what {
        SecretKind::Certificates | SecretKind::CertificateChain => false,
        SecretKind::PrivateKey | SecretKind::ApiKeys | SecretKind::TokenSecret => true,
        SecretKind::AdminToken => true,
        SecretKind::Key | SecretKind::TurnPassword | SecretKind::TurnSecret => true,
        _ => true, // a newer one may be
    }
}

#[test]
fn certificates_are_no_secret() {
    assert!(is_secret(SecretKind::TurnSecret) && !is_secret(SecretKind::Certificates));
}

fn blamed(failure: &Failure) -> Option<SocketAddr> {
    let parent = |below: &Option<Parent>| below.as_ref().map(|Parent { addr, .. }| *addr);
    match failure {
        // Of several that are silent, the server that listed them knows more.
        // Nobody else can be blamed for silence.
        Failure::NoAnswer { answered_from: Some(from), .. } => Some(**from),
        Failure::NoAnswer { level, asked, below, waited, .. } => {
            assert!(*level <= 8 && *asked > 0 && *waited > Duration::ZERO);
            parent(below)
        }
        Failure::Unreachable { level, asked, below, addr, obstacle, .. } => match obstacle {
            Obstacle::Port | Obstacle::Path if *asked == 1 || *level == 0 => Some(*addr),
            _ => parent(below),
        },
        Failure::DeadEnd { nodes: Some(CandidateState::Silent), at, .. } => Some(at.addr),
        Failure::DeadEnd { level: _, state, at, .. } => match state {
            CandidateState::Full | CandidateState::Draining => None, // others may do
            _ => Some(at.addr),
        },
        // Whoever requires it wants to know of the TURN server.
        Failure::Unverified { level: _, turn, at: _, .. } => Some(*turn),
        Failure::RuledOut { left_out, others, allowed, silent, unoffered, .. } => {
            assert!(left_out.iter().all(rules_out));
            assert!(silent <= allowed, "{unoffered} are not offered besides");
            others.as_deref().and_then(blamed)
        }
        Failure::Limited { level: _, at: _, .. } => None, // the limits are the program's own
        _ => None,
    }
}

/// Whether somebody is left out by a rule that has labels.
fn rules_out(LeftOut { by, servers, subtrees, .. }: &LeftOut) -> bool {
    let rule = match by {
        Breach::Excluded(label) => vec![label.to_string()],
        Breach::Lacking(labels) => labels.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    };
    servers + subtrees > 0 && !rule.is_empty()
}

fn loopback(port: u16) -> Config {
    let mut config = Config::default();
    config.net.bind = vec![([127, 0, 0, 1], port).into()];
    config
}

/// Each way to fail that a test can go.
#[tokio::test]
async fn where_to_look() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let root = silent.local_addr().unwrap();
    let short = Duration::from_millis(50);
    let balance = Balance::builder().root(root).timeout(short).build().await.unwrap();
    let error = balance.select().await.unwrap_err();
    assert_eq!(look(&error), Look::Server(None), "{error:?}");

    let server = Server::start(loopback(0)).await.unwrap();
    let addr = server.addrs()[0];
    let error = Balance::new(addr).await.unwrap().select().await.unwrap_err();
    assert_eq!(look(&error), Look::Server(Some(addr)), "{error:?}");
    let error = Server::start(loopback(addr.port())).await.unwrap_err();
    assert_eq!(look(&error), Look::Address(addr), "{error:?}");

    let nowhere = Endpoint::Name("nowhere.invalid".to_owned(), 3001);
    let both = Balance::builder().root(nowhere.clone()).root(nowhere).timeout(short);
    let error = both.build().await.unwrap().select().await.unwrap_err();
    assert_eq!(look(&error), Look::Host("nowhere.invalid".to_owned(), None), "{error:?}");
    let Error::Resolve { others, .. } = &error else { panic!("{error:?}") };
    let [UnresolvedRoot { host, reason, .. }] = others.as_slice() else { panic!("{error:?}") };
    assert_eq!(host, "nowhere.invalid");
    assert!(matches!(reason, Unresolved::Failed(_) | Unresolved::Late), "{reason:?}");
    let error = Balance::builder().root(addr).family(Family::V6).build().await.unwrap_err();
    assert_eq!(look(&error), Look::Host("127.0.0.1".to_owned(), Some(Family::V6)), "{error:?}");
    let error = Balance::builder().build().await.unwrap_err();
    assert_eq!(look(&error), Look::Arguments, "{error:?}");

    let mut config = loopback(0);
    config.cluster.keys = vec![KeyFile::new(1, "no/such.key")];
    let error = Server::start(config).await.unwrap_err();
    assert_eq!(look(&error), Look::File("no/such.key".into()), "{error:?}");
    let error = Error::from(Config::load("no/such.toml").unwrap_err());
    assert_eq!(look(&error), Look::File("no/such.toml".into()), "{error:?}");
    let mut config = Config::default();
    config.net.bind.clear();
    let error = Server::start(config).await.unwrap_err();
    assert_eq!(look(&error), Look::Arguments, "{error:?}");
}

/// The kind of what the system said.
fn root_cause(error: &Error) -> Option<io::ErrorKind> {
    Some(error.source()?.downcast_ref::<io::Error>()?.kind())
}

#[tokio::test]
async fn what_the_system_said_is_the_source() {
    let why = || io::Error::from(io::ErrorKind::OutOfMemory);
    for error in [Error::Random(why()), Error::Thread(why())] {
        assert_eq!(root_cause(&error), Some(io::ErrorKind::OutOfMemory), "{error:?}");
        assert_eq!(look(&error), Look::System(io::ErrorKind::OutOfMemory));
    }
    let config = Error::from(Config::load("no/such.toml").unwrap_err());
    assert_eq!(root_cause(&config), Some(io::ErrorKind::NotFound));
    let mut unread = loopback(0);
    unread.cluster.keys = vec![KeyFile::new(1, "no/such.key")];
    let key = Server::start(unread).await.unwrap_err();
    assert_eq!(root_cause(&key), Some(io::ErrorKind::NotFound));
    let server = Server::start(loopback(0)).await.unwrap();
    let used = Server::start(loopback(server.addrs()[0].port())).await.unwrap_err();
    assert_eq!(root_cause(&used), Some(io::ErrorKind::AddrInUse));
    let nowhere = Endpoint::Name("nowhere.invalid".to_owned(), 3001);
    let short = Duration::from_millis(50);
    let name = Balance::builder().root(nowhere).timeout(short).build().await.unwrap();
    let name = name.select().await.unwrap_err();
    assert!(root_cause(&name).is_some(), "{name:?}");
    // These say all themselves.
    for error in [Error::NoRoots, Error::from(Config::parse("?", "f").unwrap_err())] {
        assert!(error.source().is_none(), "{error:?}");
    }
}

#[tokio::test]
async fn what_can_be_asked_nowhere_is_refused_whoever_made_it() {
    let zero = SocketAddr::from(([127, 0, 0, 1], 0));
    let named = |host: &str, port| Endpoint::Name(host.to_owned(), port);
    for endpoint in [zero.into(), named("localhost", 0), named("no host", 3001)] {
        let roots = Balance::builder().root(zero.ip().to_string().parse::<Endpoint>().unwrap());
        let descent = roots.root(endpoint.clone()).build().await.unwrap_err();
        let ping = Pinger::builder(endpoint.clone()).build().await.unwrap_err();
        for error in [descent, ping, endpoint.resolve(None).await.unwrap_err()] {
            assert_eq!(look(&error), Look::Arguments, "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_socket_that_is_connected_is_refused() {
    let server = SocketAddr::from(([127, 0, 0, 1], 9));
    for connected in [false, true] {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = socket.local_addr().unwrap();
        if connected {
            socket.connect(server).unwrap();
        }
        let built = Balance::builder().root(server).socket(socket).build().await;
        assert_eq!(built.err().map(|error| look(&error)), connected.then_some(Look::Address(own)));
    }
}

#[test]
fn an_obstacle_reads_before_an_address() {
    let texts = [Obstacle::Port, Obstacle::Path].map(|obstacle| format!("{obstacle} 192.0.2.7"));
    assert_eq!(texts, ["nothing listens at 192.0.2.7", "there is no way to 192.0.2.7"]);
}

#[test]
fn a_configuration_is_judged_as_a_whole() {
    let text = "[net]\nworkers = 0\n[log]\nlevel = 'WARN'";
    let error: ConfigError = Config::parse(text, "balance.toml").unwrap_err();
    assert_eq!((error.origin(), error.text()), ("balance.toml", text));
    assert!(error.unreadable().is_none() && error.source().is_none());
    let [workers, level] = error.diagnostics() else { panic!("{error}") };
    assert_eq!([workers, level].map(|one| error.line_col(one)), [Some((2, 11)), Some((4, 9))]);
    let spans: Vec<_> = level.labels().iter().map(Label::span).collect();
    assert_eq!(&text[spans[0].clone()], "'WARN'");
    assert!(level.hint().is_some() && !level.message().is_empty());
    assert!(level.labels()[0].note().is_empty());
}

#[test]
fn texts_that_are_nothing() {
    let endpoint = |text: &str| text.parse::<Endpoint>().unwrap_err();
    let host = |error| match error {
        EndpointError::Port(part) => (1, part),
        EndpointError::Ipv4(part) => (2, part),
        EndpointError::Ipv6(part) => (3, part),
        EndpointError::Host(part) => (4, part),
        EndpointError::Url(part) => (5, part),
        EndpointError::PortZero(part) => (6, part),
        EndpointError::Interface(part) => (7, part),
        EndpointError::NoPort(part) => (8, part),
        EndpointError::Name(part) => (9, part),
        EndpointError::TurnUri(part) => (10, part),
        EndpointError::Srv(part) => (11, part),
        _ => (0, String::new()),
    };
    let texts = ["root:x", "256.1.1.1", "[::1", "a b", "udp://a", "root:0", "::1%eth0", "turn:a"];
    assert_eq!(texts.map(endpoint).map(host).map(|(kind, _)| kind), [1, 2, 3, 4, 5, 6, 7, 10]);
    assert_eq!("example.org".parse(), Ok(Endpoint::Domain("example.org".to_owned())));
    let listen = |text: &str| text.parse::<ListenAddr>().unwrap_err();
    assert_eq!(["::1", "root:1"].map(listen).map(host).map(|(kind, _)| kind), [8, 9]);

    let prefix = |text: &str| text.parse::<Prefix>().unwrap_err();
    assert!(matches!(prefix("ten"), PrefixError::Malformed));
    assert!(matches!(prefix("10.0.0.0/33"), PrefixError::TooLong(32)));
    let meant = "10.0.0.0/8".parse::<Prefix>().unwrap();
    assert!(matches!(prefix("10.0.0.1/8"), PrefixError::Beyond(other) if other == meant));

    let name: NameError = "".parse::<turn_balance::Name>().unwrap_err();
    assert!(name.source().is_none());
}
