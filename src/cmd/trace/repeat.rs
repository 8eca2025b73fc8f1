use tokio::time::MissedTickBehavior;
use turn_balance::{Balance, Trace};

use super::args::{TraceArgs, TraceFormat};
use super::once::{attempt, print_levels, report};
use crate::cmd::attempt::{Attempt, connect, descend};
use crate::cmd::output::{CommandError, Drawing, Printer, ProgressLine, table, text};
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
    descents.end()
}

/// Repeated descents so far.
#[derive(Debug, Default)]
struct Descents {
    counter: TraceCounter,
    /// Why the last one that failed did.
    problem: Option<Problem>,
}

impl Descents {
    /// Goes down until that was often enough, or Ctrl-C, or it cannot ask.
    async fn run(
        &mut self,
        args: &TraceArgs,
        count: u64,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        let mut ticks = tokio::time::interval(args.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heed_signals();
        let mut connected = None;
        let mut so_far = printer.is_watched().then(Drawing::default);
        for _ in 0..count {
            let pause = async {
                ticks.tick().await;
                Ok(())
            };
            let trace = match interruptible(pause).await {
                Ok(()) => {
                    // A spinner until there is more to see.
                    let spins = so_far.is_some() && self.counter.descents() == 0;
                    descent(args, &mut connected, &ProgressLine::new(spins)).await
                }
                Err(error) => Err(error),
            };
            if matches!(trace, Err(CommandError::Interrupted(_))) && self.counter.descents() > 0 {
                break;
            }
            let attempt = attempt(args, trace)?;
            if args.format.get() == TraceFormat::Jsonl && attempt.trace.is_some() {
                so_far.iter_mut().for_each(Drawing::erase);
                print_levels(printer, &report(args, &attempt))?;
            }
            if !self.add(attempt) {
                break;
            }
            if let Some(so_far) = so_far.as_mut().filter(|so_far| so_far.is_due()) {
                let count = self.counter.report();
                so_far.draw(&format!("{}{}", table::count(&count), text::descent::count(&count)));
            }
        }
        Ok(())
    }

    /// Whether it makes sense to go on.
    fn add(&mut self, attempt: Attempt) -> bool {
        if let Some(trace) = &attempt.trace {
            self.counter.add(trace);
        }
        self.problem = attempt.problem.or(self.problem.take());
        attempt.trace.is_some()
    }

    /// One descent that found a TURN server is enough, unless asking became impossible.
    fn end(self) -> Result<Exit, CommandError> {
        match self.problem {
            Some(problem) if problem.exit == Exit::Unable || !self.counter.any_found() => {
                Err(problem.into())
            }
            _ => Ok(Exit::Done),
        }
    }
}

async fn descent(
    args: &TraceArgs,
    connected: &mut Option<Balance>,
    progress: &ProgressLine,
) -> Result<Trace, CommandError> {
    let balance = match connected {
        Some(balance) => balance,
        None => connected.insert(connect(&args.descent, args.view, None).await?),
    };
    descend(balance, progress).await
}
