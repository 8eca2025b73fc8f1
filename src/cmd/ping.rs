use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::ValueHint;
use turn_balance::{Pinger, PingerBuilder};

use super::args::{FamilyArgs, Format, FormatArgs, Talk, Target, first_target};
use super::client::{block_on, interrupt, interruptible};
use super::output::json::{Document, Ping, Problem, Reply};
use super::output::text::ping as text;
use super::output::{Exit, Fault, Printer, Report};
use super::stats::Series;
use super::time;

/// Measure one balance server
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tb ping -c 4 root.example\n\nExit codes:\n  \
        0  an answer came\n  \
        1  none came\n  \
        2  could not ask: usage, name lookup, socket")]
pub(crate) struct Args {
    #[arg(help = "Server to ask: HOST[:PORT], IPv6 in brackets [default: 127.0.0.1:3001]", 
        env = "TB_SERVER",
        hide_env_values = true,
        value_parser = first_target,
        value_hint = ValueHint::Hostname
    )]
    server: Option<Target>,

    /// Stop after this many requests
    #[arg(
        short,
        long,
        value_name = "N",
        env = "TB_PING_COUNT",
        hide_env_values = true,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    count: Option<u64>,

    /// Time from one request to the next: seconds, or `500ms`
    #[arg(
        short,
        long,
        value_name = "TIME",
        env = "TB_PING_INTERVAL",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true,
        default_value = "1"
    )]
    interval: Duration,

    /// How long to wait for each answer
    #[arg(
        short = 'W',
        long,
        value_name = "TIME",
        env = "TB_PING_TIMEOUT",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true,
        default_value = "1"
    )]
    timeout: Duration,

    #[command(flatten)]
    family: FamilyArgs,

    #[command(flatten)]
    format: FormatArgs<Format>,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

impl Args {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, Fault> {
        let target = self.server.clone().unwrap_or_default();
        let mut run = Run::new(target);
        let result = block_on(self.measure(&mut run, printer));
        let report = match result {
            Ok(()) => None,
            Err(Fault::Report(report)) => Some(*report),
            Err(fault) => return Err(fault),
        };
        self.print(&run, report.as_ref(), printer)?;
        match report {
            Some(report) => Err(report.into()),
            None if run.times.len() > 0 => Ok(Exit::Done),
            None => Ok(Exit::No),
        }
    }

    /// Until that was often enough, or Ctrl-C.
    async fn measure(&self, run: &mut Run, printer: &Printer) -> Result<(), Fault> {
        let mut pinger = interruptible(self.pinger(&run.target).build()).await?;
        let addr = pinger.server();
        run.addr = Some(addr);
        run.started = Instant::now();
        if self.format.get() == Format::Text {
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
                run.times.push(rtt);
            }
            self.reply(run, addr, echo.into(), printer)?;
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
        run: &mut Run,
        addr: SocketAddr,
        reply: Reply,
        printer: &Printer,
    ) -> Result<(), Fault> {
        match self.format.get() {
            Format::Text | Format::Jsonl if printer.is_quiet() => Ok(()),
            Format::Text => printer.answer(&text::reply(&reply, addr, self.timeout)),
            Format::Jsonl => printer.document(&Document::part(Ping::SCHEMA, "reply", reply)),
            Format::Json => {
                run.replies.push(reply);
                Ok(())
            }
        }
    }

    fn print(&self, run: &Run, report: Option<&Report>, printer: &Printer) -> Result<(), Fault> {
        let mut ping = run.document();
        ping.error = report.map(Problem::from);
        match self.format.get() {
            Format::Text if run.addr.is_none() => return Ok(()),
            Format::Text => printer.answer(&text::statistics(&ping))?,
            Format::Json => {
                ping.replies = Some(run.replies.clone());
                printer.document(&Document::whole(Ping::SCHEMA, ping))?;
                return Ok(());
            }
            Format::Jsonl => {
                printer.document(&Document::part(Ping::SCHEMA, "summary", &ping))?;
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
    times: Series,
    /// Kept only where they are printed at the end.
    replies: Vec<Reply>,
}

impl Run {
    fn new(target: Target) -> Self {
        Self {
            target,
            addr: None,
            started: Instant::now(),
            sent: 0,
            times: Series::default(),
            replies: Vec::new(),
        }
    }

    fn document(&self) -> Ping {
        let server = self.target.to_string();
        let time = self.started.elapsed();
        Ping::new(server, self.addr, self.sent, &self.times, time)
    }
}
