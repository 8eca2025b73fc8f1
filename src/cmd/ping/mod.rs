mod args;

pub(crate) use args::PingArgs;

use std::net::SocketAddr;
use std::time::Instant;

use turn_balance::Pinger;

use super::args::{OutputFormat, Target};
use super::output::text::ping as text;
use super::output::{CommandError, Printer};
use super::report::{Document, Exit, PingReply, PingReport, Problem, Rtts};
use super::runtime::{block_on, interrupt, interruptible};

impl PingArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        let target = self.server.clone().unwrap_or_default();
        let mut run = Run::new(target);
        let result = block_on(self.measure(&mut run, printer));
        let problem = match result {
            Ok(()) => None,
            Err(CommandError::Problem(problem)) => Some(*problem),
            Err(error) => return Err(error),
        };
        self.print(&run, problem.as_ref(), printer)?;
        match problem {
            Some(problem) => Err(problem.into()),
            None if run.rtts.len() > 0 => Ok(Exit::Done),
            None => Ok(Exit::No),
        }
    }

    /// Until that was often enough, or Ctrl-C.
    async fn measure(&self, run: &mut Run, printer: &Printer) -> Result<(), CommandError> {
        let addr = self.resolve(&run.target).await?;
        let pinger = Pinger::new(addr, self.interval, self.timeout, self.count);
        let mut pinger = interruptible(pinger).await?;
        run.addr = Some(addr);
        run.started = Instant::now();
        if self.format.get() == OutputFormat::Text {
            printer.answer(&text::header(&run.target, addr, pinger.request_len()))?;
        }
        let mut interrupt = std::pin::pin!(interrupt());
        loop {
            let echo = tokio::select! {
                echo = pinger.next() => echo,
                () = &mut interrupt => Ok(None),
            };
            run.sent = pinger.sent();
            let Some(echo) = echo? else { return Ok(()) };
            if let Some(rtt) = echo.rtt {
                run.rtts.push(rtt);
            }
            self.reply(run, addr, echo.into(), printer)?;
        }
    }

    async fn resolve(&self, target: &Target) -> Result<SocketAddr, CommandError> {
        let addrs = target.endpoint.resolve(self.family.get());
        let addrs = interruptible(addrs).await?;
        let none = || turn_balance::Error::NoRoots;
        Ok(addrs.first().copied().ok_or_else(none)?)
    }

    fn reply(
        &self,
        run: &mut Run,
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
                run.replies.push(reply);
                Ok(())
            }
        }
    }

    fn print(
        &self,
        run: &Run,
        problem: Option<&Problem>,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        let mut ping = run.report();
        ping.error = problem.cloned();
        match self.format.get() {
            OutputFormat::Text if run.addr.is_none() => return Ok(()),
            OutputFormat::Text => printer.answer(&text::statistics(&ping))?,
            OutputFormat::Json => {
                ping.replies = Some(run.replies.clone());
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

/// The measurements so far.
#[derive(Debug)]
struct Run {
    target: Target,
    addr: Option<SocketAddr>,
    started: Instant,
    sent: u64,
    rtts: Rtts,
    /// Kept only where they are printed at the end.
    replies: Vec<PingReply>,
}

impl Run {
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
