//! The client of the cascade: descents over real sockets.

mod balance;
mod builder;
mod crawler;
mod either;
mod fresh;
#[cfg(feature = "https")]
mod https;
mod input;
mod lister;
mod nat64;
mod network;
mod pinger;
mod roots;
mod settings;
mod shared;
mod sockets;
mod turn_pinger;
mod udp;
mod watch;

pub use balance::Balance;
pub use builder::Builder;
pub use crawler::Crawler;
#[cfg(feature = "internals")]
pub use https::parsers as https_parsers;
pub use lister::{Lister, ListerBuilder};
pub use pinger::{Pinger, PingerBuilder};
pub use turn_pinger::{TurnDid, TurnEcho, TurnPinger, TurnPingerBuilder};
pub use watch::Watching;
