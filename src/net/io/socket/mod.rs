//! UDP sockets: for one datagram at a time, in batches, and what ICMP says of datagrams that were sent.

pub(super) mod arrivals;
pub(super) mod asking;
#[cfg(feature = "server")]
pub(super) mod batch;
#[cfg(feature = "https")]
pub(super) mod handshake;
#[cfg(feature = "client")]
#[cfg_attr(not(target_os = "linux"), path = "no_icmp.rs")]
pub(super) mod icmp;
#[cfg(feature = "server")]
pub(super) mod listen;
#[cfg(all(feature = "server", target_os = "linux"))]
mod mmsg;
#[cfg_attr(not(target_os = "linux"), path = "no_option.rs")]
mod option;
#[cfg(all(feature = "server", any(not(target_os = "linux"), test)))]
mod portable;
#[cfg(feature = "server")]
#[cfg_attr(not(target_os = "linux"), path = "no_reply.rs")]
pub(super) mod reply;
#[cfg(target_os = "linux")]
mod sockaddr;
mod stamp;
#[cfg_attr(not(target_os = "linux"), path = "no_stamped.rs")]
mod stamped;
#[cfg(test)]
#[cfg(feature = "server")]
mod tests;
pub(super) mod udp;
#[cfg(feature = "client")]
pub(super) mod unreachable;

#[cfg(all(feature = "server", target_os = "linux"))]
pub(super) use mmsg::{Batch, send_all};
#[cfg(all(feature = "server", not(target_os = "linux")))]
pub(super) use portable::{Batch, send_all};
