//! The networks that this host is in.

use if_addrs::{IfAddr, get_if_addrs};
use tracing::debug;

use crate::types::OnLink;

/// Those of its interfaces at this moment; none, where the system does not tell.
pub(super) fn on_link() -> OnLink {
    match get_if_addrs() {
        Ok(interfaces) => OnLink::new(interfaces.iter().map(|interface| {
            let link = interface.index.unwrap_or(0); // gone meanwhile
            match &interface.addr {
                IfAddr::V4(addr) => (link, addr.ip.into(), addr.prefixlen),
                IfAddr::V6(addr) => (link, addr.ip.into(), addr.prefixlen),
            }
        })),
        Err(error) => {
            debug!(%error, "cannot read the interfaces: what is near is judged by its scope alone");
            OnLink::default()
        }
    }
}
