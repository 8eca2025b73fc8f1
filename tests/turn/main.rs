//! Real TURN servers and scripted ones, with `tb` beside them.
#![cfg(target_os = "linux")]

mod ping;
mod urls;
