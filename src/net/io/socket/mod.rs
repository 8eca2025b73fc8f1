//! UDP sockets: for one datagram at a time, in batches, and what ICMP says of datagrams that were sent.

pub(super) mod batch;
#[cfg_attr(not(target_os = "linux"), path = "no_icmp.rs")]
pub(super) mod icmp;
pub(super) mod listen;
#[cfg(target_os = "linux")]
mod mmsg;
#[cfg_attr(not(target_os = "linux"), path = "no_option.rs")]
mod option;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;
#[cfg_attr(not(target_os = "linux"), path = "no_reply.rs")]
pub(super) mod reply;
#[cfg(test)]
mod tests;
pub(super) mod udp;
pub(super) mod unreachable;

#[cfg(target_os = "linux")]
pub(super) use mmsg::Batch;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::Batch;
