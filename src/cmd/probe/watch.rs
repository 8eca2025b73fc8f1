use std::pin::pin;
use std::time::SystemTime;

use turn_balance::{Error, IceConfiguration, Transport, WatchChange};

use super::args::{ProbeArgs, ProbeFormat};
use crate::cmd::args::{GivenLogin, RootPlace, ViewArg};
use crate::cmd::attempt::{connect, join};
use crate::cmd::output::{CommandError, Printer, stdout_closes, text};
use crate::cmd::report::{Document, Exit, Problem, WatchReport};
use crate::cmd::runtime::{heed_signals, interrupt};

/// Selects, and says so whenever another TURN server is to be used, until a signal or the end of whoever
/// reads.
pub(super) async fn stay(
    args: &ProbeArgs,
    login: Option<&GivenLogin>,
    printer: &Printer,
) -> Result<Exit, CommandError> {
    heed_signals();
    let by_udp = |root: &_| matches!(root, RootPlace::Udp(_));
    let passes = args.descent.roots().iter().any(|root| by_udp(&root.at));
    if args.descent.transport.only() == Some(Transport::Https) || !passes {
        let wrong =
            "only what answers by UDP can be watched: leave `--watch` or `TB_PROBE_WATCH` out";
        return Err(Problem::usage(wrong).into());
    }
    let urls = args.format.get() != ProbeFormat::Text;
    let balance = connect(&args.descent, ViewArg::Flat, None, urls, args.runners_up()).await?;
    let mut watch = balance.watch()?;
    let mut told = WatchTalk::default();
    let (mut interrupt, mut closes) = (pin!(interrupt()), pin!(stdout_closes()));
    loop {
        let change = tokio::select! {
            biased;
            // Until there is an answer it is as for any command.
            signal = &mut interrupt => return match told.any {
                true => Ok(Exit::Done),
                false => Err(CommandError::Interrupted(signal)),
            },
            () = &mut closes => return Ok(Exit::Done),
            change = watch.next() => change,
        };
        match change {
            Ok(change) => told.change(args, login, &change, printer)?,
            Err(error) => told.failure(args, &error, printer)?,
        }
    }
}

/// What was told so far.
#[derive(Debug, Default)]
struct WatchTalk {
    /// Whether there was any TURN server.
    any: bool,
    /// Why none was found, since there was one.
    failure: Option<String>,
}

impl WatchTalk {
    fn change(
        &mut self,
        args: &ProbeArgs,
        login: Option<&GivenLogin>,
        change: &WatchChange,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        let report = WatchReport::of(change, SystemTime::now());
        self.any |= change.selection.is_some();
        self.failure = None;
        match (args.format.get(), &change.selection) {
            (ProbeFormat::Json | ProbeFormat::Jsonl, _) => {
                printer.document(&Document::whole(WatchReport::SCHEMA, &report))?;
            }
            (ProbeFormat::Text, Some(selection)) => printer.answer(&selection.turn.to_string())?,
            (format, Some(selection)) => {
                let ice = IceConfiguration::new(selection, args.runners_up());
                let ice = args.credentials(login).iter().fold(ice, IceConfiguration::credentials);
                match format {
                    ProbeFormat::Gst => printer.answer(&text::ice::gst(&ice))?,
                    ProbeFormat::Env => printer.answer(&text::ice::env(&ice))?,
                    _ => printer.document(&ice)?,
                }
                if format != ProbeFormat::Ice {
                    printer.answer("")?; // of several lines it is the end
                }
            }
            // As where nothing is found: what stands there is all that is known to have worked.
            (_, None) => {}
        }
        printer.say(&text::watch::change(&report));
        Ok(())
    }

    /// Nothing is in hand: that is said, once for each reason.
    fn failure(
        &mut self,
        args: &ProbeArgs,
        error: &Error,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        let problem = match error {
            Error::NotFound(failure) => {
                let roots = join(&args.descent.roots(), "`, `");
                Problem::not_found(failure, &roots).advise(args.advice(failure))
            }
            error => Problem::from(error),
        };
        let why = format!("{} {:?}", problem.message, problem.causes);
        if self.failure.as_ref() == Some(&why) {
            return Ok(());
        }
        self.failure = Some(why);
        if matches!(args.format.get(), ProbeFormat::Json | ProbeFormat::Jsonl) {
            let report = WatchReport::failed(&problem, SystemTime::now());
            printer.document(&Document::whole(WatchReport::SCHEMA, &report))?;
        }
        printer.error(&problem.into());
        printer.say(text::watch::GOES_ON);
        Ok(())
    }
}
