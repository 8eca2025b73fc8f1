use std::env;
use std::io::{self, IsTerminal as _};

use clap::builder::StyledStr;
use serde::Serialize;

use super::error::CommandError;
use super::progress::Progress;
use super::usage::harmless;
use super::{color, json};
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
        let mut stdout = anstream::stdout().lock();
        write_lines(&mut stdout, text).map_err(CommandError::Output)
    }

    /// Prints a part of the answer, as a line of JSON.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<(), CommandError> {
        self.answer(&json::line(document)?)
    }

    /// Says a line to whoever watches. `-q` turns it off.
    pub(crate) fn say(&self, text: &str) {
        if self.quiet == 0 {
            write_stderr(text);
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
    pub(crate) fn progress(&self) -> Progress {
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Progress::new(self.quiet == 0 && !dumb && io::stderr().is_terminal())
    }

    /// Says why a command ends without its answer.
    pub(crate) fn error(&self, error: &CommandError) -> Exit {
        if self.quiet < 2
            && let Some(text) = error.render(color::on_stderr())
        {
            write_stderr(&text);
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
        write_stderr(&text);
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
    write_stderr(&help.ansi().to_string());
    Exit::Unable
}

/// That nobody reads stderr changes nothing about the answer.
fn write_stderr(text: &str) {
    let _ = write_lines(&mut anstream::stderr().lock(), text);
}

/// In one piece, so that what reads a line never sees half of it.
fn write_lines(to: &mut impl io::Write, text: &str) -> io::Result<()> {
    to.write_all(format!("{}\n", text.trim_end_matches('\n')).as_bytes())?;
    to.flush()
}
