//! Real TURN servers and scripted ones, with `tb` beside them.
#![cfg(target_os = "linux")]

mod families;
mod health;
mod held;
mod load;
mod offered;
mod ping;
mod told;
mod urls;
