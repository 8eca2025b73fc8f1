mod args;

pub(crate) use args::PingArgs;

use std::net::SocketAddr;
use std::time::Instant;

use turn_balance::{Pinger, PingerBuilder};

use super::args::{OutputFormat, Target};
use super::output::text::ping as text;
use super::output::{CommandError, Printer};
use super::report::{Document, Exit, PingReply, PingReport, Problem, Rtts};
use super::runtime::{block_on, interrupt, interruptible};

impl PingArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        let target = self.server.clone().unwrap_or_default();
        let mut measured = Measurements::new(target);
        let result = block_on(self.measure(&mut measured, printer));
        let problem = match result {
            Ok(()) => None,
            Err(CommandError::Problem(problem)) => Some(*problem),
            Err(error) => return Err(error),
        };
        self.print(&measured, problem.as_ref(), printer)?;
        match problem {
            Some(problem) => Err(problem.into()),
            None if measured.rtts.len() > 0 => Ok(Exit::Done),
            None => Ok(Exit::No),
        }
    }

    /// Until that was often enough, or Ctrl-C.
    async fn measure(
        &self,
        measured: &mut Measurements,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        let mut pinger = interruptible(self.pinger(&measured.target).build()).await?;
        let addr = pinger.server();
        measured.addr = Some(addr);
        measured.started = Instant::now();
        if self.format.get() == OutputFormat::Text {
            printer.answer(&text::header(&measured.target, addr, pinger.request_len()))?;
        }
        let mut interrupt = std::pin::pin!(interrupt());
        loop {
            let echo = tokio::select! {
                echo = pinger.next() => echo,
                _ = &mut interrupt => Ok(None),
            };
            measured.sent = pinger.sent();
            let Some(echo) = echo? else { return Ok(()) };
            if let Some(rtt) = echo.rtt {
                measured.rtts.push(rtt);
            }
            self.reply(measured, addr, echo.into(), printer)?;
        }
    }

    fn pinger(&self, target: &Target) -> PingerBuilder {
        let mut pinger =
            Pinger::builder(target.endpoint.clone()).interval(self.interval).timeout(self.timeout);
        if let Some(count) = self.count {
            pinger = pinger.count(count);
        }
        if let Some(family) = self.family.get() {
            pinger = pinger.family(family);
        }
        pinger
    }

    fn reply(
        &self,
        measured: &mut Measurements,
        addr: SocketAddr,
        reply: PingReply,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        match self.format.get() {
            OutputFormat::Text | OutputFormat::Jsonl if printer.is_quiet() => Ok(()),
            OutputFormat::Text => printer.answer(&text::reply(&reply, addr, self.timeout)),
            OutputFormat::Jsonl => {
                printer.document(&Document::part(PingReport::SCHEMA, "reply", reply))
            }
            OutputFormat::Json => {
                measured.replies.push(reply);
                Ok(())
            }
        }
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
                ping.replies = Some(measured.replies.clone());
                printer.document(&Document::whole(PingReport::SCHEMA, ping))?;
                return Ok(());
            }
            OutputFormat::Jsonl => {
                printer.document(&Document::part(PingReport::SCHEMA, "summary", &ping))?;
            }
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
    target: Target,
    addr: Option<SocketAddr>,
    started: Instant,
    sent: u64,
    rtts: Rtts,
    /// Kept only where they are printed at the end.
    replies: Vec<PingReply>,
}

impl Measurements {
    fn new(target: Target) -> Self {
        Self {
            target,
            addr: None,
            started: Instant::now(),
            sent: 0,
            rtts: Rtts::default(),
            replies: Vec::new(),
        }
    }

    fn report(&self) -> PingReport {
        let server = self.target.to_string();
        let time = self.started.elapsed();
        PingReport::new(server, self.addr, self.sent, &self.rtts, time)
    }
}
