//! What the page shows, as it changes: a look at the server every second while somebody sees it, what was so
//! within the last hour, and streams of both.

mod board;
mod change;
mod past;
mod room;
mod row;
pub(super) mod stream;

pub(super) use room::LiveRoom;
