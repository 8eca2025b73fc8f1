//! A running balance server: workers that answer, and a control loop for all that waits.

mod asking_sockets;
mod check_sockets;
mod check_watch;
mod control;
mod counters;
mod event_log;
mod joined_file;
mod listen;
mod load;
mod log_limit;
mod name_book;
mod names;
mod networks;
mod out_of_reach;
mod overflow;
mod part;
mod receive;
mod reload;
mod running;
mod settings;
mod shared;
mod start;
mod trouble_log;
mod turn_sockets;
mod url_checks;
mod watcher;
mod worker;

pub use running::Server;
#[cfg(feature = "http")]
pub(crate) use watcher::Watcher;
