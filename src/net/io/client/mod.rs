//! The client of the cascade: descents over real sockets.

mod balance;
mod builder;
mod fresh;
mod input;
mod lister;
mod nat64;
mod pinger;
mod roots;
mod shared;
mod sockets;
mod turn_pinger;

pub use balance::Balance;
pub use builder::Builder;
pub use lister::{Lister, ListerBuilder};
pub use pinger::{Pinger, PingerBuilder};
pub use turn_pinger::{TurnDid, TurnEcho, TurnPinger, TurnPingerBuilder};
