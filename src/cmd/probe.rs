use std::time::Duration;

use super::args::{DescentArgs, FormatArgs, OutputFormat, VerbosityArgs, ViewArg};
use super::attempt::{Attempt, connect, descend, join, on_silent_roots};
use super::output::{CommandError, Printer, text};
use super::report::{Advice, Document, Exit, ProbeReport};
use super::runtime::block_on;

/// Print the address of the best TURN server
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  turn=$(tb probe root.example) || exit\n\nExit codes:\n  \
        0  a TURN server was found\n  \
        1  nothing answered, or only dead ends did\n  \
        2  could not ask: usage, name lookup, socket")]
pub(crate) struct ProbeArgs {
    #[command(flatten)]
    descent: DescentArgs,

    #[command(flatten)]
    format: FormatArgs<OutputFormat>,

    #[command(flatten)]
    pub(crate) verbosity: VerbosityArgs,
}

impl ProbeArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        let trace = block_on(async {
            let balance = connect(&self.descent, ViewArg::Flat, Some(Duration::ZERO)).await?;
            descend(&balance, &printer.progress()).await
        });
        let attempt = Attempt::new(trace, &self.descent, |failure| {
            let trace = || Advice::Trace(join(&self.descent.roots(), " "));
            Some(on_silent_roots(failure, &self.descent).unwrap_or_else(trace))
        })?;
        let (trace, problem) = (attempt.trace.as_ref(), attempt.problem.as_ref());
        let probe = ProbeReport::new(trace, problem, self.descent.strategy.into());
        match (self.format.get(), probe.turn) {
            (OutputFormat::Text, Some(turn)) => printer.answer(&turn.to_string())?,
            (OutputFormat::Text, None) => {}
            (OutputFormat::Json | OutputFormat::Jsonl, _) => {
                printer.document(&Document::whole(ProbeReport::SCHEMA, &probe))?;
            }
        }
        explain(printer, &probe);
        if self.descent.is_verified_in_vain(probe.verified)
            && let Some(line) = text::descent::unverified(&probe)
        {
            printer.say(&line);
        }
        if let Some(lines) = text::descent::unresolved(&attempt.unsaid()) {
            printer.say(&lines);
        }
        attempt.end()
    }
}

/// What stands beside the answer.
fn explain(printer: &Printer, probe: &ProbeReport) {
    if let Some(line) = text::descent::probe(probe) {
        printer.say(&line);
    }
    if printer.verbosity() >= 1
        && let Some(lines) = text::descent::path(probe)
    {
        printer.say(&lines);
    }
    if printer.verbosity() >= 1
        && let Some(lines) = text::descent::never_asked(&probe.never_asked)
    {
        printer.say(&lines);
    }
    if printer.verbosity() >= 2 {
        printer.say(&text::descent::ignored(probe));
    }
}
