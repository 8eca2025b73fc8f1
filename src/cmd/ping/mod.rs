mod args;
mod turn;

pub(crate) use args::PingArgs;

use std::mem::replace;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use turn_balance::{Echo, Pinger, PingerBuilder};

use super::args::{OutputFormat, PingTarget, Target};
use super::output::text::ping as text;
use super::output::{CommandError, Printer};
use super::report::{Advice, Document, Exit, PingReply, PingReport, Problem, Rtts, TurnReply};
use super::runtime::{block_on, interrupt, interruptible};

/// What a [`Pinger`] has for a timeout.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How much of what has come is looked at when it is to end: more than waits at any socket.
const MOST_AT_END: usize = 16_384;

impl PingArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        let target = self.server.clone().unwrap_or_default();
        if let Some(wrong) = self.misplaced(&target) {
            return Err(Problem::usage(wrong).into());
        }
        let target = match target {
            PingTarget::Balance(target) => target,
            PingTarget::Turn(url) => return self.run_turn(&url, printer),
        };
        let mut measured = Measurements::new(target.to_string());
        let result = block_on(self.measure(&target, &mut measured, printer));
        let problem = match result {
            Ok(()) => None,
            Err(CommandError::Problem(problem)) => Some(*problem),
            Err(error) => return Err(error),
        };
        self.print(&measured, problem.as_ref(), printer)?;
        match problem {
            Some(problem) => Err(problem.into()),
            None if measured.rtts.len() >= self.wanted() => Ok(Exit::Done),
            None => Ok(Exit::No),
        }
    }

    /// How many answers are success: one, or with a deadline all that were asked for.
    fn wanted(&self) -> u64 {
        self.deadline.and(self.count).unwrap_or(1)
    }

    /// Until that was often enough, or the deadline, or Ctrl-C.
    async fn measure(
        &self,
        target: &Target,
        measured: &mut Measurements,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        let start = Instant::now();
        let mut interrupt = pin!(interrupt());
        let mut deadline = pin!(passed(self.deadline));
        let mut pinger = tokio::select! {
            pinger = interruptible(self.pinger(target).build()) => pinger?,
            () = &mut deadline => return Err(Problem::late(&target.endpoint).into()),
        };
        measured.started = Instant::now();
        measured.addr = Some(pinger.server());
        let mut begun = pinger.is_settled();
        if begun {
            self.begin(measured, &pinger, printer)?;
        }
        while self.deadline.is_none_or(|deadline| start.elapsed() < deadline) {
            let echo = tokio::select! {
                echo = pinger.next() => echo,
                _ = &mut interrupt => break,
                () = &mut deadline => break,
            };
            measured.sent = pinger.sent();
            let Some(echo) = echo? else { return Ok(()) };
            self.take(measured, &echo, &pinger, &mut begun, printer)?;
        }
        measured.sent = pinger.sent();
        // What has come already counts: this process may have been stopped until now.
        for _ in 0..MOST_AT_END {
            let echo = tokio::select! {
                biased;
                echo = pinger.next() => echo?,
                () = async {} => None,
            };
            let Some(echo) = echo else { break };
            let answered = echo.rtt.is_some() || echo.obstacle.is_some();
            if answered && echo.seq <= measured.sent {
                self.take(measured, &echo, &pinger, &mut begun, printer)?;
            }
        }
        Ok(())
    }

    /// Counts and tells what came of a request.
    fn take(
        &self,
        measured: &mut Measurements,
        echo: &Echo,
        pinger: &Pinger,
        begun: &mut bool,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        measured.addr = Some(pinger.server());
        if !replace(begun, true) {
            self.begin(measured, pinger, printer)?;
        }
        measured.count(echo);
        self.reply(measured, PingReply::new(*echo, SystemTime::now()), printer)
    }

    fn pinger(&self, target: &Target) -> PingerBuilder {
        let mut pinger = Pinger::builder(target.endpoint.clone()).interval(self.interval);
        if let Some(timeout) = self.timeout {
            pinger = pinger.timeout(timeout);
        }
        if let Some(count) = self.count {
            pinger = pinger.count(count);
        }
        if let Some(family) = self.family.get() {
            pinger = pinger.family(family);
        }
        self.leave_from(pinger, PingerBuilder::source, PingerBuilder::interface)
    }

    /// Says whom it measures, once that is known.
    fn begin(
        &self,
        measured: &Measurements,
        pinger: &Pinger,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        if self.format.get() != OutputFormat::Text {
            return Ok(());
        }
        printer.answer(&text::header(&measured.server, pinger.server(), pinger.request_len()))
    }

    fn reply(
        &self,
        measured: &mut Measurements,
        reply: PingReply,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        match (self.format.get(), measured.addr) {
            (OutputFormat::Text | OutputFormat::Jsonl, _) if printer.is_quiet() => Ok(()),
            (OutputFormat::Text, Some(addr)) => {
                let timeout = self.timeout.unwrap_or(TIMEOUT);
                printer.answer(&text::reply(&reply, addr, timeout, self.timestamps))
            }
            (OutputFormat::Text, None) => Ok(()),
            (OutputFormat::Jsonl, _) => {
                printer.document(&Document::part(PingReport::SCHEMA, "reply", reply))
            }
            (OutputFormat::Json, _) => {
                measured.replies.push(reply);
                Ok(())
            }
        }
    }

    /// What may help where a balance server gave no answer.
    fn advice(&self, measured: &Measurements) -> Option<Advice> {
        if measured.rtts.len() > 0 || measured.sent == 0 {
            return None;
        }
        let named = || {
            let Some(PingTarget::Balance(target)) = &self.server else { return None };
            let server = target.endpoint.to_string();
            let called = server.strip_suffix(":3001").unwrap_or(&server);
            Some(Advice::MayBeTurn(called.to_owned()))
        };
        measured.answered_from.map(Advice::Elsewhere).or_else(named)
    }

    fn print(
        &self,
        measured: &Measurements,
        problem: Option<&Problem>,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        let mut ping = measured.report();
        ping.error = problem.cloned();
        match self.format.get() {
            OutputFormat::Text if measured.addr.is_none() => return Ok(()),
            OutputFormat::Text => printer.answer(&text::statistics(&ping))?,
            OutputFormat::Json => {
                match self.server {
                    Some(PingTarget::Turn(_)) => ping.steps = Some(measured.steps.clone()),
                    _ => ping.replies = Some(measured.replies.clone()),
                }
                printer.document(&Document::whole(PingReport::SCHEMA, ping))?;
                return Ok(());
            }
            OutputFormat::Jsonl => {
                printer.document(&Document::part(PingReport::SCHEMA, "summary", &ping))?;
            }
        }
        if let Some(advice) = self.advice(measured) {
            printer.say(&text::hint(&advice));
        }
        if printer.verbosity() > 0
            && let Some(line) = text::percentiles(&ping)
        {
            printer.say(&line);
        }
        Ok(())
    }
}

/// What was measured so far.
#[derive(Debug)]
struct Measurements {
    server: String,
    addr: Option<SocketAddr>,
    started: Instant,
    sent: u64,
    rtts: Rtts,
    duplicates: u64,
    errors: u64,
    /// From where else an answer came, where none did from the server.
    answered_from: Option<SocketAddr>,
    /// Kept only where they are printed at the end.
    replies: Vec<PingReply>,
    /// The same of a TURN server.
    steps: Vec<TurnReply>,
    /// How long the last step of it took.
    last_step: Duration,
}

impl Measurements {
    fn new(server: String) -> Self {
        Self {
            server,
            addr: None,
            started: Instant::now(),
            sent: 0,
            rtts: Rtts::default(),
            duplicates: 0,
            errors: 0,
            answered_from: None,
            replies: Vec::new(),
            steps: Vec::new(),
            last_step: Duration::ZERO,
        }
    }

    fn count(&mut self, echo: &Echo) {
        self.errors += u64::from(echo.obstacle.is_some());
        self.duplicates += u64::from(echo.repeated);
        self.answered_from = self.answered_from.or(echo.answered_from);
        if let Some(rtt) = echo.rtt.filter(|_| !echo.repeated) {
            self.rtts.push(rtt);
        }
    }

    fn report(&self) -> PingReport {
        let server = self.server.clone();
        let time = self.started.elapsed();
        let (duplicates, errors) = (self.duplicates, self.errors);
        let report = PingReport::new(server, self.addr, self.sent, &self.rtts, time);
        PingReport { duplicates, errors, ..report }
    }
}

/// Waits until a deadline has passed; for ever where there is none.
async fn passed(deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => tokio::time::sleep(deadline).await,
        None => std::future::pending().await,
    }
}
