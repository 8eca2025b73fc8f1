//! Why a TURN server cannot be used, as a program sorts it.

use turn_balance::TurnFault;

/// What a program does about it.
fn remedy(fault: TurnFault) -> &'static str {
    match fault {
        TurnFault::Silent | TurnFault::Closed | TurnFault::Unreachable => "look at its host",
        TurnFault::NotStun | TurnFault::HungUp | TurnFault::Balance => "name another address",
        TurnFault::NoCredentials | TurnFault::WrongCredentials | TurnFault::OtherRealm => "log in",
        TurnFault::Forbidden | TurnFault::Moved | TurnFault::Quota | TurnFault::Capacity => "wait",
        TurnFault::Unrelayed | TurnFault::UselessAddress => "mend its network",
        TurnFault::Expired | TurnFault::WrongName => "renew its certificate",
        TurnFault::Untrusted | TurnFault::NotForServers => "have another one signed",
        TurnFault::NotYetValid => "set the clock",
        TurnFault::Tls => "look at its log",
        TurnFault::Refused(code) if code >= 500 => "try later",
        _ => "ask its operator",
    }
}

#[test]
fn faults() {
    assert_eq!(remedy(TurnFault::of_code(401)), "log in");
    assert_eq!(remedy(TurnFault::of_code(500)), "try later");
    let stored = TurnFault::Capacity.number();
    let fault = TurnFault::from_number(stored).unwrap();
    assert_eq!((remedy(fault), fault.as_str()), ("wait", "capacity"));
    assert_eq!(fault.to_string(), "has no capacity left (508)");
}
