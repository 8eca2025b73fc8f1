use tokio::time::MissedTickBehavior;

use super::args::{TraceArgs, TraceFormat};
use super::once::{attempt, print_levels, report};
use crate::cmd::attempt::{Attempt, connect, descend};
use crate::cmd::output::{CommandError, Printer, table, text};
use crate::cmd::report::{Document, Exit, Problem, TraceCount, TraceCounter};
use crate::cmd::runtime::{Interrupt, block_on};

/// Goes down so often, and counts.
pub(super) fn run(args: &TraceArgs, count: u64, printer: &Printer) -> Result<Exit, CommandError> {
    let format = args.format.get();
    if matches!(format, TraceFormat::Dot | TraceFormat::Mermaid) {
        return Err(Problem::usage("a tree shows one descent: leave `--count` out").into());
    }
    let mut descents = Descents::default();
    block_on(descents.run(args, count, printer))?;
    let mut count = descents.counter.report();
    count.error.clone_from(&descents.problem);
    match format {
        TraceFormat::Json => {
            printer.document(&Document::whole(TraceCount::SCHEMA, &count))?;
        }
        TraceFormat::Jsonl => {
            printer.document(&Document::part(TraceCount::SCHEMA, "summary", &count))?;
        }
        _ if count.candidates.is_empty() => {}
        _ => printer.answer(&table::count(&count))?,
    }
    if count.descents > 0 {
        printer.say(&text::descent::count(&count));
    }
    descents.end()
}

/// Repeated descents so far.
#[derive(Debug, Default)]
struct Descents {
    counter: TraceCounter,
    /// Why the last one that failed did; one that could not ask says less than one that did.
    problem: Option<Problem>,
}

impl Descents {
    /// Goes down until that was often enough, or Ctrl-C.
    async fn run(
        &mut self,
        args: &TraceArgs,
        count: u64,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        let mut ticks = tokio::time::interval(args.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut interrupt = Interrupt::listen();
        let balance = match connect(&args.descent, args.view, None, &mut interrupt).await {
            Ok(balance) => balance,
            Err(error) => {
                self.problem = attempt(args, Err(error))?.problem;
                return Ok(());
            }
        };
        for descent in 1..=count {
            let pause = async {
                ticks.tick().await;
                Ok(())
            };
            let trace = match interrupt.or(pause).await {
                Ok(()) => descend(&balance, printer, &mut interrupt).await,
                Err(error) => Err(error),
            };
            if matches!(trace, Err(CommandError::Interrupted)) && self.counter.descents() > 0 {
                break;
            }
            let attempt = attempt(args, trace)?;
            if args.format.get() == TraceFormat::Jsonl {
                print_levels(printer, &report(args, &attempt), Some(descent))?;
            }
            self.add(attempt);
        }
        Ok(())
    }

    fn add(&mut self, attempt: Attempt) {
        match &attempt.trace {
            Some(trace) => self.counter.add(trace),
            None => self.counter.add_unsent(),
        }
        let asked = self.problem.take_if(|old| old.exit == Exit::No && attempt.trace.is_none());
        self.problem = asked.or(attempt.problem).or(self.problem.take());
    }

    /// One descent that found a TURN server is enough.
    fn end(self) -> Result<Exit, CommandError> {
        match self.problem {
            Some(problem) if !self.counter.any_found() => Err(problem.into()),
            _ => Ok(Exit::Done),
        }
    }
}
