use std::fmt;
use std::panic::PanicHookInfo;
use std::{panic, process};

use color_eyre::config::{HookBuilder, Theme};
use color_eyre::section::PanicMessage;
use turn_balance::escaped;

use super::{log, style};
use crate::cmd::report::Exit;

/// Makes a panic, in whatever thread, say that it is a bug and end the process: none may live on
/// without a part of itself.
pub(crate) fn install() {
    let (hook, _) = HookBuilder::new()
        .theme(Theme::dark())
        .display_env_section(false)
        .panic_message(Message)
        .panic_section("This is a bug in tb, please report it with the lines above.")
        .into_hooks();
    panic::set_hook(Box::new(move |panic| {
        // `eprintln` would panic once more where nobody reads stderr.
        log::say(&hook.panic_report(panic).to_string());
        log::drain();
        process::exit(Exit::Bug.code().into());
    }));
}

/// What a panic says, and where it happened. What it says may quote what came from outside.
struct Message;

impl PanicMessage for Message {
    fn display(&self, panic: &PanicHookInfo<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
        writeln!(f, "{}", style::paint(style::ERROR, "tb panicked."))?;
        for line in text.lines() {
            writeln!(f, "{}", escaped(line))?;
        }
        panic.location().map_or(Ok(()), |location| write!(f, "at {location}"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    struct PanicLine<'a>(&'a PanicHookInfo<'a>);

    impl fmt::Display for PanicLine<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            Message.display(self.0, f)
        }
    }

    #[test]
    fn what_it_quotes_is_fit_for_a_terminal() {
        let said = Arc::new(Mutex::new(String::new()));
        let (hearer, thread) = (said.clone(), std::thread::current().id());
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == thread {
                *hearer.lock().unwrap() = PanicLine(panic).to_string();
            }
        }));
        let evil = "\u{1b}]0;title\u{7}";
        let _ = panic::catch_unwind(|| panic!("one\ntwo {evil}"));
        panic::set_hook(before);
        let said = anstream::adapter::strip_str(&said.lock().unwrap()).to_string();
        let expected = "tb panicked.\none\ntwo \\u{1b}]0;title\\u{7}\nat src/cmd/output/panic.rs:";
        assert!(said.starts_with(expected), "{said:?}");
    }
}
