use std::io::Write as _;
use std::{panic, process};

use color_eyre::config::{HookBuilder, Theme};

use crate::cmd::report::Exit;

/// Makes a panic, in whatever thread, say that it is a bug and end the process: none may live on
/// without a part of itself.
pub(crate) fn install() {
    let (hook, _) = HookBuilder::new()
        .theme(Theme::dark())
        .display_env_section(false)
        .panic_section("This is a bug in tb, please report it with the lines above.")
        .into_hooks();
    panic::set_hook(Box::new(move |panic| {
        // `eprintln` would panic once more where nobody reads stderr.
        let _ = writeln!(anstream::stderr(), "{}", hook.panic_report(panic));
        process::exit(Exit::Bug.code().into());
    }));
}
