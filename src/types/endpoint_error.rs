use super::quoted::quoted;

/// A text that is no [`Endpoint`](crate::Endpoint); each has the part that is wrong.
///
/// Told by an [`Endpoint`](crate::Endpoint) that is parsed, where an example is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is a URL, such as `udp://root.example`: it takes no scheme.
    #[error("{} is a URL, expected {}", quoted(.0), quoted(authority(.0)))]
    Url(String),
    /// It is the URI of a TURN or STUN server, such as `turn:turn.example`: it takes no scheme.
    #[error("{} is the URI of a TURN server, expected {}", quoted(.0), quoted(behind_scheme(.0)))]
    TurnUri(String),
    /// What stands for a port is none.
    #[error("{} has a bad port, expected 1 to 65535", quoted(.0))]
    Port(String),
    /// It is no name of SRV records, or has a port, which those records name.
    #[error("{} is no name of SRV records, expected one such as `_tb._udp.example.org`", quoted(.0))]
    Srv(String),
    /// It has port 0, which stands for any port where one listens, and can be asked nowhere.
    #[error("{} has port 0, expected 1 to 65535", quoted(.0))]
    PortZero(String),
    /// It looks like an IPv4 address, and is none.
    #[error("{} is not an IP address", quoted(.0))]
    Ipv4(String),
    /// It looks like an IPv6 address, and is none.
    #[error("{} is not an IPv6 address", quoted(.0))]
    Ipv6(String),
    /// It has no port, where one must stand.
    #[error("{} has no port", quoted(.0))]
    NoPort(String),
    /// It is a host name, where only an address can stand.
    #[error("{} is a host name, expected an IP address and a port", quoted(.0))]
    Name(String),
    /// It names an interface, which only a link-local address has.
    #[error("{} names an interface, but is not link-local", quoted(.0))]
    Interface(String),
    /// It has what no host name has: blanks, control characters or what parts of a URL begin with.
    #[error("{} is neither an IP address nor a host name", quoted(.0))]
    Host(String),
}

/// What a URL has between its scheme and its path, or what that should be.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty()).unwrap_or("HOST[:PORT]")
}

/// What such a text has between its scheme and its transport.
fn behind_scheme(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    rest.split('?').next().filter(|host| !host.is_empty()).unwrap_or("HOST[:PORT]")
}
