mod args;
mod watch;

use std::time::Duration;

use turn_balance::{CandidateState, Failure, IceConfiguration};

use self::args::ProbeFormat;
use super::args::ViewArg;
use super::attempt::{Attempt, connect, descend, join, on_silent_roots};
use super::output::{CANDIDATES, CommandError, Printer, text};
use super::report::{Advice, Document, Exit, ProbeReport};
use super::runtime::block_on;

pub(crate) use self::args::ProbeArgs;

impl ProbeArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        let (format, login) = (self.format.get(), self.login()?);
        if self.watch {
            return block_on(watch::stay(self, login.as_ref(), printer));
        }
        let credentials = self.credentials(login.as_ref());
        let trace = block_on(async {
            // A document has them too: else it would say less of a server than the others.
            let urls = format != ProbeFormat::Text;
            let (linger, runners_up) = (Some(Duration::ZERO), self.runners_up());
            let view = ViewArg::Flat;
            let balance = connect(&self.descent, view, linger, urls, runners_up).await?;
            descend(&balance, &printer.progress(CANDIDATES)).await
        });
        let attempt = Attempt::new(trace, &self.descent, |failure| self.advice(failure))?;
        let (trace, problem) = (attempt.trace.as_ref(), attempt.problem.as_ref());
        let probe = ProbeReport::new(trace, problem, self.descent.strategy.into());
        let ice = trace.and_then(|trace| trace.outcome.as_ref().ok()).map(|selection| {
            let ice = IceConfiguration::new(selection, self.runners_up());
            credentials.iter().fold(ice, IceConfiguration::credentials)
        });
        match (format, probe.turn, &ice) {
            (ProbeFormat::Json | ProbeFormat::Jsonl, ..) => {
                printer.document(&Document::whole(ProbeReport::SCHEMA, &probe))?;
            }
            (ProbeFormat::Text, Some(turn), _) => printer.answer(&turn.to_string())?,
            (ProbeFormat::Ice, _, Some(ice)) => printer.document(ice)?,
            (ProbeFormat::Gst, _, Some(ice)) => printer.answer(&text::ice::gst(ice))?,
            (ProbeFormat::Env, _, Some(ice)) => printer.answer(&text::ice::env(ice))?,
            (_, None, _) | (_, _, None) => {}
        }
        self.explain(printer, &probe);
        if format == ProbeFormat::Gst && credentials.is_none() && ice.is_some() {
            printer.say(&text::ice::nobody());
        }
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

    /// What may help where nothing is found.
    fn advice(&self, failure: &Failure) -> Option<Advice> {
        let roots = join(&self.descent.roots(), " ");
        let trace = || match failure {
            Failure::DeadEnd { state: CandidateState::Nothing, .. } => Advice::Unoffered(roots),
            _ => Advice::Trace(roots),
        };
        Some(on_silent_roots(failure, &self.descent).unwrap_or_else(trace))
    }

    /// What stands beside the answer.
    fn explain(&self, printer: &Printer, probe: &ProbeReport) {
        if let Some(line) = text::descent::probe(probe) {
            printer.say(&line);
        }
        if printer.verbosity() >= 1
            && let Some(lines) = text::descent::path(probe, self.descent.verifies())
        {
            printer.say(&lines);
        }
        if printer.verbosity() >= 1
            && let Some(line) = text::descent::ruled_out(probe)
        {
            printer.say(&line);
        }
        if printer.verbosity() >= 1
            && let Some(lines) = text::descent::never_asked(&probe.never_asked)
        {
            printer.say(&lines);
        }
        if printer.verbosity() >= 1
            && let Some(lines) = text::descent::never_listed(&probe.never_listed)
        {
            printer.say(&lines);
        }
        if printer.verbosity() >= 2 {
            printer.say(&text::descent::ignored(probe));
        }
    }
}
