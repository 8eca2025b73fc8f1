//! `tb`: the command line of turn-balance.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cmd;

use std::process::ExitCode;

use cmd::output;

// See build.rs.
#[cfg(static_unwinder)]
#[expect(unsafe_code, reason = "a list of foreign functions, of which it has none")]
#[link(name = "gcc_eh", kind = "static")]
unsafe extern "C" {}

fn main() -> ExitCode {
    output::panic::install();
    let exit = match cmd::read() {
        Ok(cli) => cli.run(),
        Err(error) => output::usage(error),
    };
    output::leave(exit)
}
