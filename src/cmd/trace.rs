use std::time::Duration;

use clap::ValueEnum;
use tokio::time::MissedTickBehavior;
use turn_balance::{Balance, Failure};

use super::args::{Format, FormatArgs, Reach, Talk, View};
use super::client::{Attempt, block_on, connect, descend, interruptible, on_silent_roots};
use super::output::json::{CountReport, Document, Problem, Trace};
use super::output::{Advice, Exit, Fault, Printer, Report, table, text, tree};
use super::tally::{Sighting, Tally};
use super::time;

/// Show every level of the cascade with all its candidates
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tb trace root.example\n  tb trace -c 10 root.example\n  \
        tb trace root.example | awk '$NF==\"silent\"{print $2}'\n\nExit codes:\n  \
        0  a TURN server was found\n  \
        1  nothing answered, or only dead ends did\n  \
        2  could not ask: usage, name lookup, socket")]
pub(crate) struct Args {
    #[command(flatten)]
    reach: Reach,

    /// Which lists to ask for
    #[arg(long, env = "TB_VIEW", hide_env_values = true, default_value = "subordinates")]
    view: View,

    /// Go down this often and count
    #[arg(
        short,
        long,
        value_name = "N",
        env = "TB_TRACE_COUNT",
        hide_env_values = true,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    count: Option<u64>,

    /// With --count: time from one start to the next
    #[arg(
        short,
        long,
        value_name = "TIME",
        env = "TB_TRACE_INTERVAL",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true,
        default_value = "1"
    )]
    interval: Duration,

    #[command(flatten)]
    format: FormatArgs<TraceFormat>,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

/// What `tb trace` can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TraceFormat {
    /// For people and awk
    Text,
    /// One JSON document
    Json,
    /// One JSON document a level
    Jsonl,
    /// A tree for Graphviz
    Dot,
    /// A tree for Mermaid
    Mermaid,
}

impl From<Format> for TraceFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
            Format::Jsonl => Self::Jsonl,
        }
    }
}

impl Args {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, Fault> {
        match self.count {
            None => self.once(printer),
            Some(count) => self.repeat(count, printer),
        }
    }

    fn once(&self, printer: &Printer) -> Result<Exit, Fault> {
        let trace = block_on(async {
            let balance = connect(&self.reach, self.view, None).await?;
            descend(&balance, printer).await
        });
        let attempt = Attempt::new(trace, &self.reach, |failure| self.advice(failure))?;
        let trace = Trace::new(&attempt, self.reach.strategy, self.view);
        match self.format.get() {
            // The header alone would say nothing.
            TraceFormat::Text if trace.candidates.is_empty() => {}
            TraceFormat::Text => printer.answer(&table::trace(&trace))?,
            TraceFormat::Json => printer.document(&Document::whole(Trace::SCHEMA, &trace))?,
            TraceFormat::Jsonl => print_levels(printer, &trace)?,
            TraceFormat::Dot => printer.answer(&tree::dot(&trace))?,
            TraceFormat::Mermaid => printer.answer(&tree::mermaid(&trace))?,
        }
        if let Some(line) = text::descent::trace(&trace) {
            printer.say(&line);
        }
        attempt.end()
    }

    fn repeat(&self, count: u64, printer: &Printer) -> Result<Exit, Fault> {
        let format = self.format.get();
        if matches!(format, TraceFormat::Dot | TraceFormat::Mermaid) {
            return Err(Report::usage("a tree shows one descent: leave `--count` out").into());
        }
        let mut run = Run::default();
        block_on(self.descents(count, printer, &mut run))?;
        let mut report = run.tally.report();
        report.error = run.report.as_ref().map(Problem::from);
        match format {
            TraceFormat::Json => {
                printer.document(&Document::whole(CountReport::SCHEMA, &report))?;
            }
            TraceFormat::Jsonl => {
                printer.document(&Document::part(CountReport::SCHEMA, "summary", &report))?;
            }
            _ if report.candidates.is_empty() => {}
            _ => printer.answer(&table::count(&report))?,
        }
        if report.descents > 0 {
            printer.say(&text::descent::count(&report));
        }
        run.end()
    }

    /// Goes down until that was often enough, or Ctrl-C, or it cannot ask.
    async fn descents(&self, count: u64, printer: &Printer, run: &mut Run) -> Result<(), Fault> {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connected = None;
        for _ in 0..count {
            let pause = async {
                ticks.tick().await;
                Ok(())
            };
            let trace = match interruptible(pause).await {
                Ok(()) => self.descent(&mut connected, printer).await,
                Err(fault) => Err(fault),
            };
            if matches!(trace, Err(Fault::Interrupted)) && run.tally.descents() > 0 {
                break;
            }
            let attempt = Attempt::new(trace, &self.reach, |failure| self.advice(failure))?;
            if self.format.get() == TraceFormat::Jsonl && attempt.trace.is_some() {
                let trace = Trace::new(&attempt, self.reach.strategy, self.view);
                print_levels(printer, &trace)?;
            }
            if !run.add(attempt) {
                break;
            }
        }
        Ok(())
    }

    async fn descent(
        &self,
        connected: &mut Option<Balance>,
        printer: &Printer,
    ) -> Result<turn_balance::Trace, Fault> {
        let balance = match connected {
            Some(balance) => balance,
            None => connected.insert(connect(&self.reach, self.view, None).await?),
        };
        descend(balance, printer).await
    }

    fn advice(&self, failure: &Failure) -> Option<Advice> {
        on_silent_roots(failure, &self.reach)
    }
}

fn print_levels(printer: &Printer, trace: &Trace) -> Result<(), Fault> {
    for level in trace.levels() {
        printer.document(&Document::part(Trace::SCHEMA, "level", level))?;
    }
    printer.document(&Document::part(Trace::SCHEMA, "summary", &trace.outcome))
}

/// Repeated descents so far.
#[derive(Debug, Default)]
struct Run {
    tally: Tally,
    /// Why the last one that failed did.
    report: Option<Report>,
}

impl Run {
    /// Whether it makes sense to go on.
    fn add(&mut self, attempt: Attempt) -> bool {
        let asked = attempt.trace.is_some();
        if let Some(trace) = attempt.trace {
            let seen = trace.candidates.iter().map(Sighting::from);
            self.tally.add(trace.outcome.is_ok(), seen);
        }
        self.report = attempt.report.or(self.report.take());
        asked
    }

    /// One descent that found a TURN server is enough, unless asking became impossible.
    fn end(self) -> Result<Exit, Fault> {
        match self.report {
            Some(report) if report.exit == Exit::Unable || !self.tally.any_found() => {
                Err(report.into())
            }
            _ => Ok(Exit::Done),
        }
    }
}
