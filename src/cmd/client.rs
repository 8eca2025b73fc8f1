//! What the client commands share: a runtime, Ctrl-C, and a descent with its report.

use std::future::Future;
use std::time::Duration;

use tokio::runtime;
use turn_balance::{Balance, Failure, Trace};

use super::args::{Reach, Switch, Target, View};
use super::output::{Advice, Exit, Fault, Printer, Report};

/// Runs a client command on this thread: no other is started.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Report::system("cannot start", &error))?;
    let done = runtime.block_on(work);
    // A name lookup that hangs must not keep the process.
    runtime.shutdown_background();
    done
}

/// Does the work unless Ctrl-C comes first.
pub(crate) async fn interruptible<T>(
    work: impl Future<Output = Result<T, turn_balance::Error>>,
) -> Result<T, Fault> {
    tokio::select! {
        biased;
        done = work => done.map_err(Fault::from),
        () = interrupt() => Err(Fault::Interrupted),
    }
}

/// Waits for Ctrl-C.
pub(crate) async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Nobody listens, so the signal ends the process by itself.
        std::future::pending::<()>().await;
    }
}

/// Readies a client for the roots. Its descents go on listening for `linger` after the choice; none:
/// as long as a trace does.
pub(crate) async fn connect(
    reach: &Reach,
    view: View,
    linger: Option<Duration>,
) -> Result<Balance, Fault> {
    let mut builder = Balance::builder()
        .strategy(reach.strategy.into())
        .verify(reach.verify == Switch::On)
        .limits(reach.limits())
        .timeout(reach.timeout)
        .view(view.into());
    if let Some(linger) = linger {
        builder = builder.linger(linger);
    }
    for root in reach.roots() {
        builder = builder.root(root.endpoint);
    }
    if let Some(family) = reach.family.get() {
        builder = builder.family(family);
    }
    interruptible(builder.build()).await
}

/// Goes down once, with a spinner where that takes long.
pub(crate) async fn descend(balance: &Balance, printer: &Printer) -> Result<Trace, Fault> {
    let progress = printer.progress();
    let descent = balance.trace_with(|now| progress.set(now.candidates, now.answered));
    interruptible(progress.watch(descent)).await
}

/// What came of an attempt to descend.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// What was seen; none where nothing could be asked.
    pub(crate) trace: Option<Trace>,
    /// What to say where no TURN server was found.
    pub(crate) report: Option<Report>,
}

impl Attempt {
    /// `Err` where there is nothing to print: interrupted, or nobody reads.
    pub(crate) fn new(
        result: Result<Trace, Fault>,
        reach: &Reach,
        advice: impl FnOnce(&Failure) -> Option<Advice>,
    ) -> Result<Self, Fault> {
        let (trace, report) = match result {
            Ok(trace) => {
                let failure = trace.outcome.as_ref().err();
                let report = failure.map(|failure| {
                    let roots = join(&reach.roots(), "`, `");
                    Report::not_found(failure, &roots).advise(advice(failure))
                });
                (Some(trace), report)
            }
            Err(Fault::Report(report)) => (None, Some(*report)),
            Err(fault) => return Err(fault),
        };
        Ok(Self { trace, report })
    }

    /// How the command ends once all is printed.
    pub(crate) fn end(self) -> Result<Exit, Fault> {
        match self.report {
            Some(report) => Err(report.into()),
            None => Ok(Exit::Done),
        }
    }
}

/// What to do where the roots are silent, which no trace explains.
pub(crate) fn on_silent_roots(failure: &Failure, reach: &Reach) -> Option<Advice> {
    match failure {
        Failure::NoAnswer { below: None, .. } | Failure::Unreachable { below: None, .. }
            if reach.is_default() =>
        {
            Some(Advice::NameServer)
        }
        Failure::NoAnswer { below: None, .. } | Failure::Unreachable { below: None, .. } => {
            let root = reach.roots().into_iter().next();
            root.map(|root| Advice::Ping(root.to_string()))
        }
        _ => None,
    }
}

/// The roots as their user calls them.
pub(crate) fn join(roots: &[Target], between: &str) -> String {
    let roots: Vec<String> = roots.iter().map(Target::to_string).collect();
    roots.join(between)
}
