//! A TURN server that is checked, as a monitor does it.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use turn_balance::{
    Error, Family, SecretKind, TurnCredentials, TurnDid, TurnEcho, TurnFault, TurnPinger,
    TurnPingerBuilder, TurnSecret, TurnUrl,
};

fn checks(url: TurnUrl) -> TurnPingerBuilder {
    let soon = Duration::from_millis(50);
    let pinger = TurnPinger::builder(url).interval(soon).timeout(soon).count(1);
    let pinger = pinger.secret(TurnSecret::new("north-wind"), "tb").interface("lo");
    pinger.family(Family::V4).source([127, 0, 0, 1].into())
}

/// What a monitor says of a step.
fn says(echo: &TurnEcho) -> String {
    let TurnEcho { seq, did, rtt, relayed, alternate, fault, expired, last, .. } = *echo;
    let step = match did {
        TurnDid::Binding => "it answers",
        TurnDid::Allocate => "it allocates",
        TurnDid::Relay => "it relays",
        _ => did.as_str(),
    };
    match fault {
        Some(TurnFault::Moved) => format!("{seq}: ask {alternate:?}"),
        Some(fault) => format!("{seq}: {}, {expired:?}, last: {last}", fault.as_str()),
        None => format!("{seq}: {step} at {relayed:?} in {rtt:?}"),
    }
}

/// What a file that cannot be used is called.
fn noun(what: SecretKind) -> &'static str {
    match what {
        SecretKind::Key => "the key",
        SecretKind::TurnPassword => "the password",
        SecretKind::TurnSecret => "the secret",
        SecretKind::Certificates => "the certificates",
        _ => "the file",
    }
}

#[test]
fn files_have_names() {
    assert_eq!(noun(SecretKind::TurnSecret), "the secret");
}

#[tokio::test]
async fn a_turn_server_that_is_silent() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr: SocketAddr = silent.local_addr().unwrap();
    let mut pinger = checks(TurnUrl::udp(addr)).build().await.unwrap();
    assert_eq!(pinger.server(), addr);
    let echo = pinger.next().await.unwrap().unwrap();
    assert_eq!((echo.did, echo.fault), (TurnDid::Binding, Some(TurnFault::Silent)));
    assert_eq!(says(&echo), "1: silent, None, last: true");
    assert_eq!((pinger.next().await.unwrap(), pinger.sent()), (None, 1));
    assert_eq!(pinger.give_up(), None, "it is over");
}

#[tokio::test]
async fn whom_to_trust_may_not_be_known() {
    let url: TurnUrl = "turns:127.0.0.1".parse().unwrap();
    let pinger = TurnPinger::builder(url).credentials(TurnCredentials::new("probe", "salmon"));
    match pinger.ca_file("/nowhere/ca.pem").build().await {
        Err(Error::Roots { file, source, .. }) => {
            assert_eq!(file.unwrap().to_str(), Some("/nowhere/ca.pem"));
            assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        }
        other => panic!("{other:?}"),
    }
}
