use turn_balance::Trace;

use super::args::{TraceArgs, TraceFormat};
use crate::cmd::attempt::{Attempt, connect, descend, on_silent_roots};
use crate::cmd::output::{CANDIDATES, CommandError, Printer, table, text, tree};
use crate::cmd::report::{Document, Exit, OfDescent, ProbeReport, TraceReport};
use crate::cmd::runtime::block_on;

/// Goes down once.
pub(super) fn run(args: &TraceArgs, printer: &Printer) -> Result<Exit, CommandError> {
    let trace = block_on(async {
        let balance = connect(&args.descent, args.view, None, false, 0).await?;
        descend(&balance, &printer.progress(CANDIDATES)).await
    });
    let attempt = attempt(args, trace)?;
    let trace = report(args, &attempt);
    match args.format.get() {
        // The header alone would say nothing.
        TraceFormat::Text if trace.candidates.is_empty() => {}
        TraceFormat::Text => printer.answer(&table::trace(&trace))?,
        TraceFormat::Json => printer.document(&Document::whole(TraceReport::SCHEMA, &trace))?,
        TraceFormat::Jsonl => print_levels(printer, &trace, None)?,
        TraceFormat::Dot => printer.answer(&tree::dot(&trace))?,
        TraceFormat::Mermaid => printer.answer(&tree::mermaid(&trace))?,
    }
    if let Some(line) = text::descent::trace(&trace) {
        printer.say(&line);
    }
    if let Some(lines) = text::descent::faults(&trace) {
        printer.say(&lines);
    }
    if let Some(lines) = text::descent::reluctant(&trace) {
        printer.say(&lines);
    }
    let probe = ProbeReport::new(
        attempt.trace.as_ref(),
        attempt.problem.as_ref(),
        args.descent.strategy.into(),
    );
    if args.descent.is_verified_in_vain(probe.verified)
        && let Some(line) = text::descent::unverified(&probe)
    {
        printer.say(&line);
    }
    if let Some(lines) = text::descent::never_asked(&trace.never_asked()) {
        printer.say(&lines);
    }
    if let Some(lines) = text::descent::never_listed(&probe.never_listed) {
        printer.say(&lines);
    }
    if let Some(lines) = text::descent::misplaced(&trace) {
        printer.say(&lines);
    }
    if let Some(line) = text::descent::refused(&trace) {
        printer.say(&line);
    }
    if let Some(lines) = text::descent::unresolved(&attempt.unsaid()) {
        printer.say(&lines);
    }
    attempt.end()
}

/// What came of a descent, with advice where the roots are silent.
pub(super) fn attempt(
    args: &TraceArgs,
    trace: Result<Trace, CommandError>,
) -> Result<Attempt, CommandError> {
    Attempt::new(trace, &args.descent, |failure| on_silent_roots(failure, &args.descent))
}

pub(super) fn report(args: &TraceArgs, attempt: &Attempt) -> TraceReport {
    let (trace, problem) = (attempt.trace.as_ref(), attempt.problem.as_ref());
    TraceReport::new(trace, problem, args.descent.strategy.into(), args.view.into())
}

/// A document for each level, and one for the whole, of the only descent or of one with a number.
pub(super) fn print_levels(
    printer: &Printer,
    trace: &TraceReport,
    descent: Option<u64>,
) -> Result<(), CommandError> {
    for part in trace.levels() {
        let level = OfDescent { descent, part };
        printer.document(&Document::part(TraceReport::SCHEMA, "level", level))?;
    }
    let summary = OfDescent { descent, part: &trace.outcome };
    printer.document(&Document::part(TraceReport::SCHEMA, "summary", summary))
}
