use std::env;
use std::io::{self, IsTerminal as _};

use clap::builder::StyledStr;
use serde::Serialize;

use super::error::CommandError;
use super::progress::ProgressLine;
use super::usage::harmless;
use super::{color, json, log, stream};
use crate::cmd::report::Exit;

/// The one place that writes: answers to stdout, everything else to stderr.
#[derive(Debug, Default)]
pub(crate) struct Printer {
    quiet: u8,
    verbose: u8,
}

impl Printer {
    /// How often `-q` and `-v` were given; the former wins.
    pub(crate) fn new(quiet: u8, verbose: u8) -> Self {
        let verbose = if quiet > 0 { 0 } else { verbose };
        Self { quiet, verbose }
    }

    /// Prints a part of the answer, as lines.
    pub(crate) fn answer(&self, text: &str) -> Result<(), CommandError> {
        if self.quiet >= 2 {
            return Ok(());
        }
        stream::stdout(text).map_err(CommandError::Output)
    }

    /// Prints a part of the answer, as a line of JSON.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<(), CommandError> {
        self.answer(&json::line(document)?)
    }

    /// Says a line to whoever watches. `-q` turns it off.
    pub(crate) fn say(&self, text: &str) {
        if self.quiet == 0 {
            log::say(text);
        }
    }

    /// Whether only the answer is wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet > 0
    }

    /// How often more was asked for.
    pub(crate) fn verbosity(&self) -> u8 {
        self.verbose
    }

    /// A spinner where somebody watches.
    pub(crate) fn progress(&self, what: &'static str) -> ProgressLine {
        ProgressLine::new(self.is_watched(), what)
    }

    /// Whether somebody watches, at a terminal that can be drawn on.
    pub(crate) fn is_watched(&self) -> bool {
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        self.quiet == 0 && !dumb && io::stderr().is_terminal()
    }

    /// Says why a command ends without its answer.
    pub(crate) fn error(&self, error: &CommandError) -> Exit {
        if self.quiet < 2
            && let Some(text) = error.render(color::on_stderr())
        {
            log::say(&text);
        }
        error.exit()
    }
}

/// Prints what the command line's parser has to say: help, or what is wrong.
pub(crate) fn usage(error: clap::Error) -> Exit {
    color::guess();
    let error = harmless(error);
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        log::say(&text);
        return Exit::Unable;
    }
    let printer = Printer::default();
    match printer.answer(&text) {
        Ok(()) => Exit::Done,
        Err(error) => printer.error(&error),
    }
}

/// Shows the help of a command line that stops too early.
pub(crate) fn unfinished(help: StyledStr) -> Exit {
    log::say(&help.ansi().to_string());
    Exit::Unable
}
