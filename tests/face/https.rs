//! A client where UDP is blocked, and why it found nobody.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::{
    Balance, Error, Failure, HttpsFailure, HttpsFault, HttpsRootFault, HttpsUrl, Selection, Trace,
    Transport, TurnFault, Unasked, UnresolvedRoot,
};

/// What a program does about it.
fn says(failure: &Failure) -> String {
    let Failure::Https { why, udp, unresolved, .. } = failure else { return failure.kind().into() };
    let unresolved: &[UnresolvedRoot] = unresolved;
    let udp = udp.as_ref().map_or("not asked", |udp| udp.kind());
    let why = match why {
        HttpsFailure::NoList { roots, .. } => roots.iter().map(root).collect(),
        HttpsFailure::Nobody { root, .. } => format!("{root} has nobody"),
        HttpsFailure::UdpOnly { root, servers, .. } => format!("{root}: {servers} by UDP"),
        HttpsFailure::Refused { root, servers, .. } => format!("{root}: {servers} refused"),
        HttpsFailure::NoConnection { root, servers, waited, fault, .. } => {
            format!("{root}: {servers} in {waited:?}, {fault:?}")
        }
        HttpsFailure::RuledOut { root, left_out, others, .. } => {
            format!("{root}: {} rules, {others:?}", left_out.len())
        }
        HttpsFailure::Unverified { root, turn, fault, .. } => format!("{root}: {turn} {fault:?}"),
        other => other.to_string(),
    };
    format!("{why}; UDP: {udp}, {}", unresolved.len())
}

fn root(HttpsRootFault { root, fault, .. }: &HttpsRootFault) -> String {
    let why = match fault {
        HttpsFault::LookUp(said) | HttpsFault::NotHttp(said) | HttpsFault::NoList(said) => {
            said.clone()
        }
        HttpsFault::Connect(TurnFault::Closed) => "closed".to_owned(),
        HttpsFault::Connect(fault) => fault.as_str().to_owned(),
        HttpsFault::Status { code, title, .. } => format!("{code} {title:?}"),
        HttpsFault::Late | HttpsFault::TooLong => fault.as_str().to_owned(),
        other => other.to_string(),
    };
    format!("{root} {why}")
}

/// How one is used that was found.
fn used(selection: &Selection) -> String {
    match selection.transport {
        Transport::Udp => selection.turn.to_string(),
        Transport::Https => selection.urls[0].to_string(),
        other => other.as_str().to_owned(),
    }
}

fn traced(trace: &Trace) -> (Transport, u32, usize) {
    let unasked = trace.candidates.iter().filter(|row| row.unasked == Some(Unasked::UdpOnly));
    (trace.transport, trace.cost.connections, unasked.count())
}

#[tokio::test]
async fn nobody_is_there() {
    let url: HttpsUrl = "https://127.0.0.1:9".parse().unwrap();
    // A port that is closed says so at once, however busy this machine is.
    let patience = Duration::from_secs(10);
    let ca_file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let by_https = || Balance::builder().https_root(url.clone()).timeout(patience);
    let balance = by_https().transport(Transport::Https).build().await.unwrap();
    match balance.select().await {
        // Where the system trusts nobody.
        Err(Error::Roots { .. }) => {}
        Err(Error::NotFound(failure)) => {
            assert_eq!(says(&failure), "https://127.0.0.1:9 closed; UDP: not asked, 0");
        }
        Ok(selection) => panic!("{}", used(&selection)),
        Err(other) => panic!("{other}"),
    }
    if let Ok(trace) = balance.trace().await {
        assert_eq!(traced(&trace), (Transport::Https, 0, 0));
    }
    let bad = by_https().ca_file(ca_file).build().await;
    assert!(matches!(bad, Err(Error::Roots { file: Some(_), .. })));
    let root = SocketAddr::from(([127, 0, 0, 1], 9));
    for (builder, transport) in
        [(by_https(), Transport::Udp), (Balance::builder().root(root), Transport::Https)]
    {
        match builder.transport(transport).build().await {
            Err(Error::NoRootBy { transport: by, .. }) => assert_eq!(by, transport),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(Balance::builder().build().await, Err(Error::NoRoots)));
}
