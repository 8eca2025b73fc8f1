use std::fmt;

/// Why a TURN server cannot be used, as whoever has tried it found out.
///
/// ```
/// use turn_balance::TurnFault;
///
/// let fault = TurnFault::Quota;
/// assert_eq!(fault.as_str(), "quota");
/// assert_eq!(format!("it {fault}"), "it has no room left for this user (486)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TurnFault {
    /// No answer came.
    Silent,
    /// Nothing listens at its port, by the transport that it was asked by.
    Closed,
    /// There is no way to its host.
    Unreachable,
    /// What answers speaks no STUN.
    NotStun,
    /// What answers is a balance server.
    Balance,
    /// It demands credentials, and none were given.
    NoCredentials,
    /// It refuses those that were given (RFC 8656, section 5; 401 and 441).
    WrongCredentials,
    /// It demands those of another realm than it said first.
    OtherRealm,
    /// It forbids what is asked (403), as one does that drains.
    Forbidden,
    /// It sends its clients to another server (300).
    Moved,
    /// The quota of the user is used up (486).
    Quota,
    /// It has no capacity left (508).
    Capacity,
    /// What is sent to the address that it relays at does not come back.
    Unrelayed,
    /// It relays at an address that is of no use to who asked.
    UselessAddress,
    /// Its certificate has expired.
    Expired,
    /// Its certificate is not valid yet, or a clock is wrong.
    NotYetValid,
    /// Its certificate is another host's.
    WrongName,
    /// Nobody who is trusted has signed its certificate.
    Untrusted,
    /// Its certificate is for another purpose than to be a server's: that of an authority, mostly.
    NotForServers,
    /// TLS fails in another way.
    Tls,
    /// It ends the connection without a word.
    HungUp,
    /// It answers with this error (RFC 8489, section 14.8: 300 to 699), which is none of the others.
    Refused(u16),
}

impl TurnFault {
    /// Every one without a code of its own.
    const NAMED: [Self; 21] = [
        Self::Silent,
        Self::Closed,
        Self::Unreachable,
        Self::NotStun,
        Self::Balance,
        Self::NoCredentials,
        Self::WrongCredentials,
        Self::OtherRealm,
        Self::Forbidden,
        Self::Moved,
        Self::Quota,
        Self::Capacity,
        Self::Unrelayed,
        Self::UselessAddress,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::Untrusted,
        Self::NotForServers,
        Self::Tls,
        Self::HungUp,
    ];

    /// What an error code says where credentials, if there are any, were given.
    pub fn of_code(code: u16) -> Self {
        match code {
            300 => Self::Moved,
            401 | 441 => Self::WrongCredentials,
            403 => Self::Forbidden,
            486 => Self::Quota,
            508 => Self::Capacity,
            code => Self::Refused(code),
        }
    }

    /// Its number on the wire: an error code of STUN where there is one, else less than 100.
    pub fn number(self) -> u32 {
        match self {
            Self::Silent => 1,
            Self::Closed => 2,
            Self::Unreachable => 3,
            Self::NotStun => 4,
            Self::Balance => 5,
            Self::NoCredentials => 6,
            Self::OtherRealm => 7,
            Self::Unrelayed => 8,
            Self::UselessAddress => 9,
            Self::Expired => 10,
            Self::WrongName => 11,
            Self::Untrusted => 12,
            Self::Tls => 13,
            Self::NotYetValid => 14,
            Self::HungUp => 15,
            Self::NotForServers => 16,
            Self::Moved => 300,
            Self::WrongCredentials => 401,
            Self::Forbidden => 403,
            Self::Quota => 486,
            Self::Capacity => 508,
            Self::Refused(code) => code.into(),
        }
    }

    /// The one with a number; `None`: that is 0, or from the future.
    pub fn from_number(number: u32) -> Option<Self> {
        let code = u16::try_from(number).ok().filter(|code| (300..700).contains(code));
        let named = Self::NAMED.into_iter().find(|fault| fault.number() == number);
        named.or(code.map(Self::Refused))
    }

    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Closed => "closed",
            Self::Unreachable => "unreachable",
            Self::NotStun => "not-stun",
            Self::Balance => "balance-server",
            Self::NoCredentials => "no-credentials",
            Self::WrongCredentials => "wrong-credentials",
            Self::OtherRealm => "other-realm",
            Self::Forbidden => "forbidden",
            Self::Moved => "moved",
            Self::Quota => "quota",
            Self::Capacity => "capacity",
            Self::Unrelayed => "unrelayed",
            Self::UselessAddress => "useless-address",
            Self::Expired => "certificate-expired",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::WrongName => "certificate-name",
            Self::Untrusted => "certificate-untrusted",
            Self::NotForServers => "certificate-purpose",
            Self::Tls => "tls",
            Self::HungUp => "hung-up",
            Self::Refused(_) => "refused",
        }
    }
}

/// The rest of a sentence that begins with the TURN server.
impl fmt::Display for TurnFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "does not answer",
            Self::Closed => "does not listen at its port",
            Self::Unreachable => "cannot be reached",
            Self::NotStun => "does not speak STUN",
            Self::Balance => "is a balance server, and no TURN server",
            Self::NoCredentials => "demands credentials, and none were given",
            Self::WrongCredentials => "refuses the credentials",
            Self::OtherRealm => "demands the credentials of another realm",
            Self::Forbidden => "forbids it (403)",
            Self::Moved => "sends its clients to another server (300)",
            Self::Quota => "has no room left for this user (486)",
            Self::Capacity => "has no capacity left (508)",
            Self::Unrelayed => "does not relay: what is sent through it does not come back",
            Self::UselessAddress => "relays at an address that is of no use",
            Self::Expired => "shows a certificate that has expired",
            Self::NotYetValid => "shows a certificate that is not valid yet",
            Self::WrongName => "shows the certificate of another host",
            Self::Untrusted => "shows a certificate that nobody who is trusted has signed",
            Self::NotForServers => {
                "shows a certificate that is for no server, such as an authority's own (CA:TRUE)"
            }
            Self::Tls => "fails to speak TLS",
            Self::HungUp => "ends the connection without a word",
            Self::Refused(code) => return write!(f, "answers with error {code}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_number_and_a_word_of_its_own() {
        for (index, fault) in TurnFault::NAMED.into_iter().enumerate() {
            assert_eq!(TurnFault::from_number(fault.number()), Some(fault));
            for other in &TurnFault::NAMED[..index] {
                assert_ne!(fault.number(), other.number());
                assert_ne!(fault.as_str(), other.as_str());
            }
        }
        assert_eq!(TurnFault::from_number(437), Some(TurnFault::Refused(437)));
        for unknown in [0, 99, 299, 700, 65_536 + 403] {
            assert_eq!(TurnFault::from_number(unknown), None);
        }
    }

    #[test]
    fn codes_are_what_they_mean() {
        for code in 300..700 {
            let fault = TurnFault::of_code(code);
            assert_eq!(TurnFault::from_number(fault.number()), Some(fault));
        }
    }
}
