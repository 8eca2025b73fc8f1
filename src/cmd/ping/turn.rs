//! `tb ping` of a TURN server.

use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use turn_balance::{TurnEcho, TurnPinger, TurnPingerBuilder, TurnTransport, TurnUrl};

use super::args::PingArgs;
use super::{Measurements, passed};
use crate::cmd::args::{GivenLogin, OutputFormat};
use crate::cmd::output::text::ping_turn as text;
use crate::cmd::output::{CommandError, Printer};
use crate::cmd::report::{Document, Exit, PingReport, Problem, TurnProblem, TurnReply};
use crate::cmd::runtime::{block_on, interrupt, interruptible};

/// What a [`TurnPinger`] has for a timeout, and the name for a look-up.
const TIMEOUT: Duration = Duration::from_secs(5);

impl PingArgs {
    pub(super) fn run_turn(&self, url: &TurnUrl, printer: &Printer) -> Result<Exit, CommandError> {
        if url.is_secure() && url.transport() == TurnTransport::Udp {
            let message =
                "`turns:` over UDP is DTLS, which nobody speaks here: leave `?transport=udp` out";
            return Err(Problem::usage(message).into());
        }
        let login = self.turn.read()?;
        let mut measured = Measurements::new(url.to_string());
        let mut failed = None;
        let checked = self.check(url, login, &mut measured, &mut failed, printer);
        let mut problem = match block_on(checked) {
            Ok(()) => None,
            Err(CommandError::Problem(problem)) => Some(*problem),
            Err(error) => return Err(error),
        };
        if measured.rtts.len() == 0 && problem.is_none() {
            problem = failed.map(|echo| TurnProblem::new(url, self.turn.kind(), &echo).into());
        }
        self.print(&measured, problem.as_ref(), printer)?;
        match problem {
            Some(problem) => Err(problem.into()),
            None if measured.rtts.len() >= self.wanted() => Ok(Exit::Done),
            None => Ok(Exit::No),
        }
    }

    /// Until that was often enough, or the deadline, or Ctrl-C. `failed`: how the last check did that
    /// failed.
    async fn check(
        &self,
        url: &TurnUrl,
        login: Option<GivenLogin>,
        measured: &mut Measurements,
        failed: &mut Option<TurnEcho>,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        let mut interrupt = pin!(interrupt());
        let mut deadline = pin!(passed(self.deadline));
        let mut pinger = tokio::select! {
            pinger = interruptible(self.turn_pinger(url, login).build()) => pinger?,
            () = &mut deadline => return Err(Problem::late_name(url.host(), "").into()),
        };
        measured.started = Instant::now();
        measured.addr = Some(pinger.server());
        if self.format.get() == OutputFormat::Text {
            printer.answer(&text::header(url, pinger.server()))?;
        }
        let mut ended = false;
        loop {
            let echo = tokio::select! {
                echo = pinger.next() => echo?,
                _ = &mut interrupt => None,
                // Without any other outcome that is one.
                () = &mut deadline => {
                    ended = true;
                    let none = failed.is_none() && measured.rtts.len() == 0;
                    none.then(|| pinger.give_up()).flatten()
                }
            };
            measured.sent = pinger.sent();
            measured.addr = Some(pinger.server());
            let Some(echo) = echo else { return Ok(()) };
            self.take_step(measured, failed, &echo, &pinger, printer)?;
            if ended {
                return Ok(());
            }
        }
    }

    /// Counts and tells what came of a step. A check counts once, with the time of its last step.
    fn take_step(
        &self,
        measured: &mut Measurements,
        failed: &mut Option<TurnEcho>,
        echo: &TurnEcho,
        pinger: &TurnPinger,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        match echo.fault {
            Some(_) => {
                measured.errors += 1;
                *failed = Some(*echo);
            }
            None if echo.last => measured.rtts.push(echo.rtt.unwrap_or(measured.last_step)),
            None => measured.last_step = echo.rtt.unwrap_or_default(),
        }
        let reply = TurnReply::new(echo, SystemTime::now());
        match self.format.get() {
            OutputFormat::Text | OutputFormat::Jsonl if printer.is_quiet() => Ok(()),
            OutputFormat::Text => {
                printer.answer(&text::reply(&reply, pinger.server(), self.timestamps))
            }
            OutputFormat::Jsonl => {
                printer.document(&Document::part(PingReport::SCHEMA, "reply", reply))
            }
            OutputFormat::Json => {
                measured.steps.push(reply);
                Ok(())
            }
        }
    }

    fn turn_pinger(&self, url: &TurnUrl, login: Option<GivenLogin>) -> TurnPingerBuilder {
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        let mut pinger = TurnPinger::builder(url.clone()).interval(self.interval).timeout(timeout);
        match login {
            Some(GivenLogin::Credentials(credentials)) => pinger = pinger.credentials(credentials),
            Some(GivenLogin::Secret(secret, name)) => pinger = pinger.secret(secret, name),
            None => {}
        }
        if let Some(file) = &self.turn_ca_file {
            pinger = pinger.ca_file(file);
        }
        if let Some(count) = self.count {
            pinger = pinger.count(count);
        }
        if let Some(family) = self.family.get() {
            pinger = pinger.family(family);
        }
        self.leave_from(pinger, TurnPingerBuilder::source, TurnPingerBuilder::interface)
    }
}
