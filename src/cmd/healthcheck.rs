use std::time::Duration;

use clap::ValueHint;
use turn_balance::Pinger;

use super::args::{PingTarget, Target, VerbosityArgs, ping_target, time};
use super::output::{CommandError, Printer};
use super::report::{Advice, Exit, Ms, Problem};
use super::runtime::{block_on, interruptible};

/// Between two requests: one or two may get lost.
const INTERVAL: Duration = Duration::from_millis(300);

/// Say whether a balance server answers, for containers
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  HEALTHCHECK CMD [\"tb\", \"healthcheck\"]\n\nExit codes:\n  \
        0  it answers\n  \
        1  no answer came\n  \
        2  could not ask: usage, name lookup, socket")]
pub(crate) struct HealthcheckArgs {
    #[arg(
        help = "Server to ask, by UDP as its clients do: HOST[:PORT], IPv6 in brackets [default: 127.0.0.1:3001]",
        env = "TB_SERVER",
        hide_env_values = true,
        value_parser = ping_target,
        value_hint = ValueHint::Hostname
    )]
    server: Option<PingTarget>,

    /// Give up after this time: seconds, `500ms` or `1m`
    #[arg(
        long,
        value_name = "TIME",
        env = "TB_HEALTHCHECK_TIMEOUT",
        hide_env_values = true,
        value_parser = time::parse,
        allow_negative_numbers = true,
        default_value = "3"
    )]
    timeout: Duration,

    #[command(flatten)]
    pub(crate) verbosity: VerbosityArgs,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy)]
enum Silence {
    /// The network says that nothing listens there.
    Closed,
    /// None has come in time.
    Lasts,
}

impl HealthcheckArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        let target = match self.server.clone().unwrap_or_default() {
            PingTarget::Balance(target) => target,
            PingTarget::Turn(url) => {
                let message =
                    format!("`tb healthcheck` asks a balance server: `tb ping -c 1 {url}`");
                return Err(Problem::usage(&message).into());
            }
        };
        let silence = match block_on(self.ask(&target))? {
            Ok(rtt) => {
                printer.answer(&format!("{target} answers in {} ms", Ms::from(rtt)))?;
                return Ok(Exit::Done);
            }
            Err(silence) => silence,
        };
        let advice = match (silence, &self.server) {
            (Silence::Lasts, Some(_)) => Advice::Ping(target.to_string()),
            _ => Advice::WhereBound,
        };
        let target = target.to_string();
        let problem = match silence {
            Silence::Closed => Problem::unheard(&target),
            Silence::Lasts => Problem::silent(&target, self.timeout),
        };
        Err(problem.advise(Some(advice)).into())
    }

    /// How long the first answer took, if one comes in time.
    async fn ask(&self, target: &Target) -> Result<Result<Duration, Silence>, CommandError> {
        let answered = interruptible(async {
            let builder = Pinger::builder(target.endpoint.clone()).interval(INTERVAL);
            let mut pinger = builder.timeout(self.timeout).build().await?;
            while let Some(echo) = pinger.next().await? {
                if let Some(rtt) = echo.rtt {
                    return Ok(Ok(rtt));
                }
            }
            Ok(Err(Silence::Closed))
        });
        tokio::select! {
            biased;
            answered = answered => answered,
            () = tokio::time::sleep(self.timeout) => Ok(Err(Silence::Lasts)),
        }
    }
}
