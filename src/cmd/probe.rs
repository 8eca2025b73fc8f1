use std::time::Duration;

use super::args::{Format, FormatArgs, Reach, Talk, View};
use super::client::{Attempt, block_on, connect, descend, join, on_silent_roots};
use super::output::json::{Document, Probe};
use super::output::{Advice, Exit, Fault, Printer, text};

/// Print the address of the best TURN server
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  turn=$(tb probe root.example) || exit\n\nExit codes:\n  \
        0  a TURN server was found\n  \
        1  nothing answered, or only dead ends did\n  \
        2  could not ask: usage, name lookup, socket")]
pub(crate) struct Args {
    #[command(flatten)]
    reach: Reach,

    #[command(flatten)]
    format: FormatArgs<Format>,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

impl Args {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, Fault> {
        let trace = block_on(async {
            let balance = connect(&self.reach, View::Flat, Some(Duration::ZERO)).await?;
            descend(&balance, printer).await
        });
        let attempt = Attempt::new(trace, &self.reach, |failure| {
            let trace = || Advice::Trace(join(&self.reach.roots(), " "));
            Some(on_silent_roots(failure, &self.reach).unwrap_or_else(trace))
        })?;
        let probe = Probe::new(&attempt, self.reach.strategy);
        match (self.format.get(), probe.turn) {
            (Format::Text, Some(turn)) => printer.answer(&turn.to_string())?,
            (Format::Text, None) => {}
            (Format::Json | Format::Jsonl, _) => {
                printer.document(&Document::whole(Probe::SCHEMA, &probe))?;
            }
        }
        talk(printer, &probe);
        attempt.end()
    }
}

fn talk(printer: &Printer, probe: &Probe) {
    if let Some(line) = text::descent::probe(probe) {
        printer.say(&line);
    }
    if printer.verbosity() >= 1
        && let Some(lines) = text::descent::path(probe)
    {
        printer.say(&lines);
    }
    if printer.verbosity() >= 2 {
        printer.say(&text::descent::ignored(probe));
    }
}
