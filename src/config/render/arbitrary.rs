//! Random configurations, most of them sound.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::config::key_file::KeyFile;
use crate::config::model::{
    Admin, AdminAddr, BareAnswers, Cluster, Config, Http, LoadSource, Log, LogFormat, LogLevel,
    Net, NodeEntry, NodeSecret, RequestLimits, Turn, TurnServer,
};
use crate::types::{
    Endpoint, LabelError, Labels, ListenAddr, Name, Prefix, Rates, ServerUrl, TurnHealth, canonical,
};

pub(super) fn config() -> impl Strategy<Value = Config> {
    let drain = (0..3_600_u64, prop_oneof![Just(0), 0..1_000_000_000_u32])
        .prop_map(|(seconds, nanos)| Duration::new(seconds, nanos));
    let called = (option::of(name()), labels());
    let net = (vec(listen_addr(), 1..4), called, 1..=64_u16, option::of(drain));
    let net = net.prop_map(|(bind, (name, labels), workers, drain)| Net {
        bind,
        name,
        labels,
        workers,
        drain,
    });
    let cluster = (vec(endpoint(), 0..4), vec(node(), 0..6), option::of(1..=u16::MAX));
    let trust = (option::of(addr()), vec("[a-z/' é]{1,9}", 0..4), any::<[bool; 2]>(), 1..9_usize);
    let cluster = (cluster, trust).prop_map(|((superiors, nodes, check_bind), trust)| {
        let (advertise, files, [require_auth, join], max_nodes) = trust;
        let key = |(i, file): (usize, String)| KeyFile::new(i as u32 + 1, file);
        let keys = files.into_iter().enumerate().map(key).collect();
        let join_prefixes = nodes.iter().filter_map(|node: &NodeEntry| node.public);
        let join_prefixes = join_prefixes.map(|addr| addr.ip().to_string().parse().unwrap());
        Cluster {
            join_prefixes: join_prefixes.collect(),
            superiors,
            nodes,
            check_bind,
            advertise,
            keys,
            require_auth,
            join,
            max_nodes,
            state: join.then(|| "/var/lib/tb's/joined".into()),
        }
    });
    let room = (option::of(load_source()), option::of(1..=10_000_000_u32), 1..=10_000_000_u32);
    let turn = (addr(), option::of(addr()), turn_server(), room);
    let turn = option::of(turn).prop_map(|turn| {
        let Some((bind, check, server, (load, weight, capacity))) = turn else {
            return Turn::default();
        };
        let capacity = (load.is_some() || capacity % 2 == 0).then_some(capacity);
        let of_family = |check: &SocketAddr| check.is_ipv4() == bind.is_ipv4();
        let check = check.filter(|check| of_family(check) && server.health != TurnHealth::None);
        let (bind, check) = (vec![bind], check.into_iter().collect());
        Turn { bind, check, server, capacity, weight, load }
    });
    let log = (
        prop::sample::select(LogLevel::ALL.to_vec()),
        prop::sample::select(LogFormat::ALL.to_vec()),
    );
    let log = log.prop_map(|(level, format)| Log { level, format });
    let rates = any::<[u32; 5]>().prop_map(|[v4_32, v4_24, v6_64, v6_56, v6_48]| Rates {
        v4_32,
        v4_24,
        v6_64,
        v6_56,
        v6_48,
    });
    let bare = (prop::sample::select(BareAnswers::ALL.to_vec()), any::<u32>());
    let limits = (vec(addr(), 0..3), bare, rates);
    let limits = limits.prop_map(|(exempt, (bare_answers, bare_bytes), rates)| {
        let exempt = exempt.iter().map(|addr| addr.ip().to_string().parse().unwrap());
        let least =
            if bare_answers == BareAnswers::Full { RequestLimits::MIN_BARE_BYTES } else { 0 };
        let bare_bytes = bare_bytes.max(least);
        RequestLimits { exempt: exempt.collect(), bare_answers, bare_bytes, rates }
    });
    (net, cluster, turn, (http(), admin()), limits, log).prop_map(
        |(net, mut cluster, turn, (http, admin), limits, log)| {
            let is_reached = |endpoint: &Endpoint| match endpoint {
                Endpoint::Addr(addr) => {
                    net.bind.iter().any(|bind| bind.addr().is_ipv4() == addr.is_ipv4())
                }
                _ => true,
            };
            cluster.superiors.retain(is_reached);
            cluster.nodes.retain(|node| is_reached(&node.addr));
            Config { net, cluster, turn, http, admin, limits, log }
        },
    )
}

/// One that runs, or none.
fn http() -> impl Strategy<Value = Http> {
    let file = || "[a-z/' é]{1,9}".prop_map(PathBuf::from);
    let binds = vec(addr().prop_map(ListenAddr::from), 1..3);
    let files = (file(), file(), file(), any::<[bool; 4]>());
    let secrets = vec((addr(), file()), 0..3);
    let http = (binds, files, secrets, 60..600_000_u64, vec("https://[a-z]{1,9}", 0..3));
    let http = http.prop_map(|(bind, files, secrets, ttl, origins)| {
        let (a, b, c, [tls, keys, demo, proxied]) = files;
        let mut http = Http { bind, ttl: Duration::from_secs(ttl), demo, ..Http::default() };
        (http.cert, http.key) = tls.then(|| (a.clone(), b.clone())).unzip();
        http.plain = !tls;
        if keys {
            (http.token_secret, http.turn_secret) = (Some(a), Some(b));
            http.api_keys = proxied.then_some(c);
            let secret = |(node, file): &(SocketAddr, PathBuf)| NodeSecret::new(*node, file);
            http.turn_secrets = secrets.iter().map(secret).collect();
            http.origins = origins;
        }
        http.trusted_proxies = if proxied { vec![Prefix::V4] } else { Vec::new() };
        http
    });
    option::of(http).prop_map(Option::unwrap_or_default)
}

/// One that runs, or none.
fn admin() -> impl Strategy<Value = Admin> {
    let file = "[a-z/' é]{1,9}".prop_map(PathBuf::from);
    let unix = "/[a-z/' é]{1,9}".prop_map(|path| AdminAddr::Unix(path.into()));
    let here = (1..=u16::MAX).prop_map(|port| ([127, 0, 0, 1], port).into());
    let tcp = prop_oneof![addr().prop_map(ListenAddr::from), here].prop_map(AdminAddr::Tcp);
    let admin = (prop_oneof![unix, tcp], file, any::<[bool; 2]>());
    let admin = admin.prop_map(|(bind, file, [open, token])| {
        let beyond = !bind.is_of_this_host();
        let allowed = beyond || open && matches!(bind, AdminAddr::Tcp(_));
        let allow = if allowed { vec![Prefix::V4] } else { Vec::new() };
        Admin { bind: Some(bind), allow, token_file: (beyond || token).then_some(file) }
    });
    option::of(admin).prop_map(Option::unwrap_or_default)
}

fn node() -> impl Strategy<Value = NodeEntry> {
    let turn = option::of((turn_server(), labels()));
    let node = (endpoint(), option::of(addr()), option::of(name()), turn);
    node.prop_map(|(addr, public, name, turn)| match addr {
        Endpoint::Srv(_) => NodeEntry::from(addr),
        addr => {
            let (turn, labels) = turn.unzip();
            NodeEntry { addr, public, name, labels: labels.unwrap_or_default(), turn }
        }
    })
}

fn turn_server() -> impl Strategy<Value = TurnServer> {
    let health = prop::sample::select(TurnHealth::ALL.to_vec());
    let (text, file) = ("[!-~é]{1,9}", "[a-z/' é]{1,9}".prop_map(PathBuf::from));
    let turn = (health, text, file.clone(), any::<[bool; 3]>(), file, vec(server_url(), 0..4));
    turn.prop_map(|(health, text, file, [user, secret, ca], other, urls)| {
        let deep = health.needs_credentials();
        let secure = urls.iter().any(ServerUrl::is_secure) && health != TurnHealth::None;
        TurnServer {
            health,
            user: (deep && (user || !secret)).then(|| text.replace(':', ".")),
            password_file: (deep && !secret).then(|| file.clone()),
            secret_file: (deep && secret).then_some(file),
            ca_file: (secure && ca).then_some(other),
            urls,
        }
    })
}

fn server_url() -> impl Strategy<Value = ServerUrl> {
    let host = "[a-z]{1,5}(\\.[a-z]{1,5}){0,2}";
    let schemes = vec![("turn:", "?transport=tcp"), ("turns:", ""), ("https://", "/a")];
    (host, prop::sample::select(schemes), option::of(1..=u16::MAX)).prop_map(
        |(host, (scheme, rest), port)| {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{scheme}{host}{port}{rest}").parse().unwrap()
        },
    )
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    let host = "([a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?\\.){0,3}[a-z][a-z0-9]{0,5}\\.?";
    let name = (host, 1..=u16::MAX).prop_map(|(host, port)| Endpoint::Name(host, port));
    let on_link = on_link().prop_map(|text| text.parse().unwrap());
    let srv = "_[a-z]{1,5}\\._udp\\.[a-z]{1,5}".prop_map(Endpoint::Srv);
    prop_oneof![addr().prop_map(Endpoint::from), name, on_link, srv]
}

fn listen_addr() -> impl Strategy<Value = ListenAddr> {
    prop_oneof![3 => addr().prop_map(ListenAddr::from), 1 => on_link().prop_map(|text| text.parse().unwrap())]
}

/// A link-local address and a port.
fn on_link() -> impl Strategy<Value = String> {
    (any::<u64>(), "[0-9A-Za-z.-]{1,9}", 1..=u16::MAX).prop_map(|(low, link, port)| {
        format!("[fe80::{:x}:{:x}%{link}]:{port}", low >> 16 & 0xffff, low & 0xffff)
    })
}

/// Unicast, so that few configurations are refused.
fn addr() -> impl Strategy<Value = SocketAddr> {
    let v4 = (1..224_u8, any::<[u8; 3]>(), 1..=u16::MAX);
    let v4 = v4.prop_map(|(a, [b, c, d], port)| SocketAddr::from(([a, b, c, d], port)));
    let v6 = (0..0xff00_u16, any::<[u16; 7]>(), 1..=u16::MAX);
    let v6 = v6.prop_map(|(a, [b, c, d, e, f, g, h], port)| {
        canonical(([a, b, c, d, e, f, g, h], port).into())
    });
    prop_oneof![v4, v6]
}

fn name() -> impl Strategy<Value = Name> {
    "[A-Za-z0-9._-]{1,32}".prop_map(|name| name.parse().unwrap())
}

fn labels() -> impl Strategy<Value = Labels> {
    vec("k[A-Za-z0-9._-]{0,9}=[A-Za-z0-9._-]{1,12}", 0..=Labels::MOST).prop_map(|labels| {
        let labels: Labels = match labels.join(",").parse() {
            Err(LabelError::Twice) => Labels::default(),
            labels => labels.unwrap(),
        };
        labels
    })
}

fn load_source() -> impl Strategy<Value = LoadSource> {
    let metric = || "[a-zA-Z_:][a-zA-Z0-9_:]{0,9}";
    let url = (addr(), "/[a-z?=&]{0,9}", metric()).prop_map(|(addr, path, metric)| {
        LoadSource::Url { url: format!("http://{addr}{path}").parse().unwrap(), metric }
    });
    let file = ("[a-z/' é]{1,9}", option::of(metric()))
        .prop_map(|(file, metric)| LoadSource::File { file: file.into(), metric });
    prop_oneof![url, file]
}
