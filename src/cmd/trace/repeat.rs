use tokio::time::MissedTickBehavior;

use super::args::{TraceArgs, TraceFormat};
use super::once::{attempt, print_levels, report};
use crate::cmd::attempt::{Attempt, connect, descend};
use crate::cmd::output::{CANDIDATES, CommandError, Drawing, Printer, ProgressLine, table, text};
use crate::cmd::report::{Document, Exit, Problem, TraceCount, TraceCounter};
use crate::cmd::runtime::{block_on, heed_signals, interruptible};

/// Goes down so often, and counts.
pub(super) fn run(args: &TraceArgs, count: u64, printer: &Printer) -> Result<Exit, CommandError> {
    let format = args.format.get();
    if matches!(format, TraceFormat::Dot | TraceFormat::Mermaid) {
        return Err(Problem::usage(
            "a tree shows one descent: leave `--count` or `TB_TRACE_COUNT` out",
        )
        .into());
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
    if let Some(lines) = text::descent::often_unresolved(&count) {
        printer.say(&lines);
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
        heed_signals();
        let balance = match connect(&args.descent, args.view, None, false, 0).await {
            Ok(balance) => balance,
            Err(error) => {
                self.problem = attempt(args, Err(error))?.problem;
                return Ok(());
            }
        };
        let mut so_far = printer.is_watched().then(Drawing::default);
        for descent in 1..=count {
            let pause = async {
                ticks.tick().await;
                Ok(())
            };
            let trace = match interruptible(pause).await {
                Ok(()) => {
                    // A spinner until there is more to see.
                    let spins = so_far.is_some() && self.counter.descents() == 0;
                    descend(&balance, &ProgressLine::new(spins, CANDIDATES)).await
                }
                Err(error) => Err(error),
            };
            if matches!(trace, Err(CommandError::Interrupted(_))) && self.counter.descents() > 0 {
                break;
            }
            let attempt = attempt(args, trace)?;
            if args.format.get() == TraceFormat::Jsonl {
                so_far.iter_mut().for_each(Drawing::erase);
                print_levels(printer, &report(args, &attempt), Some(descent))?;
            }
            self.add(attempt);
            if let Some(so_far) = so_far.as_mut().filter(|so_far| so_far.is_due()) {
                let count = self.counter.report();
                so_far.draw(&format!("{}{}", table::count(&count), text::descent::count(&count)));
            }
        }
        Ok(())
    }

    fn add(&mut self, attempt: Attempt) {
        self.counter.add_unresolved(attempt.unresolved());
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
