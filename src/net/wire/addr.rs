//! Addresses on the wire: `Host`, as the protocol's first implementation reads it, and packed
//! bytes.

use std::net::{IpAddr, SocketAddr};

use super::DecodeError;
use super::proto::{Fields, put_bytes, put_message, put_varint};

/// Reads a `Host`. `None`: it is no address that one could send to (not parsed, port 0).
pub(super) fn decode_host(bytes: &[u8]) -> Result<Option<SocketAddr>, DecodeError> {
    let (mut ip, mut port) = (&[][..], 0);
    for field in Fields(bytes) {
        match field? {
            (1, value) => ip = value.bytes()?,
            (2, value) => port = value.uint32()?,
            _ => {}
        }
    }
    let ip = std::str::from_utf8(ip).ok().and_then(|text| text.parse::<IpAddr>().ok());
    let port = u16::try_from(port).ok().filter(|&port| port != 0);
    Ok(ip.zip(port).map(|(ip, port)| SocketAddr::new(canonical(ip), port)))
}

/// Judges whether a `Host` is malformed.
pub(super) fn skim_host(bytes: &[u8]) -> Result<(), DecodeError> {
    Fields(bytes).try_for_each(|field| match field? {
        (1, value) => value.bytes().map(drop),
        (2, value) => value.varint().map(drop),
        _ => Ok(()),
    })
}

/// An IPv4-mapped address stands for the IPv4 address.
fn canonical(ip: IpAddr) -> IpAddr {
    planted!(MappedKept => ip);
    ip.to_canonical()
}

/// Writes the body of a `Host`.
pub(super) fn encode_host(out: &mut Vec<u8>, addr: SocketAddr) {
    put_bytes(out, 1, addr.ip().to_string().as_bytes());
    put_varint(out, 2, addr.port().into());
}

/// Reads 4 + 2 or 16 + 2 bytes; 2 bytes are a port at `default`'s IP address.
pub(super) fn unpack(bytes: &[u8], default: Option<IpAddr>) -> Option<SocketAddr> {
    let (ip, port) = bytes.split_last_chunk::<2>()?;
    let ip = match ip.len() {
        0 => default?,
        4 => IpAddr::from(<[u8; 4]>::try_from(ip).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(ip).ok()?),
        _ => return None,
    };
    match u16::from_be_bytes(*port) {
        0 => None,
        port => Some(SocketAddr::new(canonical(ip), port)),
    }
}

/// Writes as a field what [`unpack`] reads: the port alone where the IP address is `default`.
pub(super) fn put_packed(
    out: &mut Vec<u8>,
    number: u32,
    addr: SocketAddr,
    default: Option<IpAddr>,
) {
    put_message(out, number, |out| {
        match addr.ip() {
            ip if Some(ip) == default => {}
            IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
        }
        out.extend_from_slice(&addr.port().to_be_bytes());
    });
}
