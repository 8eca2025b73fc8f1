//! A descent with what is to be said of it: what `tb probe` and `tb trace` share.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::{Balance, CandidateState, Failure, HttpsFailure, Trace};

use super::args::{DescentArgs, RootPlace, RootTarget, ViewArg};
use super::output::{CommandError, ProgressLine};
use super::report::{Advice, Exit, Problem, UnresolvedReport};
use super::runtime::interruptible;

/// Readies a client for the roots. Its descents go on listening for `linger` after the choice;
/// `None`: as long as a trace does. They ask how TURN servers are reached if there are to be `urls`, and wait
/// for so many runners-up.
pub(crate) async fn connect(
    args: &DescentArgs,
    view: ViewArg,
    linger: Option<Duration>,
    urls: bool,
    runners_up: usize,
) -> Result<Balance, CommandError> {
    let [require, prefer, exclude] = args.policy();
    let mut builder = Balance::builder()
        .strategy(args.strategy.into())
        .verify(args.verify.into())
        .urls(urls)
        .runners_up(runners_up)
        .limits(args.limits())
        .require(require)
        .prefer(prefer)
        .exclude(exclude)
        .timeout(args.timeout)
        .view(view.into());
    if let Some(linger) = linger {
        builder = builder.linger(linger);
    }
    for root in args.roots() {
        builder = match root.at {
            RootPlace::Udp(endpoint) => builder.root(endpoint),
            RootPlace::Https(url) => builder.https_root(url),
        };
    }
    if let Some(transport) = args.transport.only() {
        builder = builder.transport(transport);
    }
    if let Some(file) = &args.ca_file {
        builder = builder.ca_file(file);
    }
    if let Some(family) = args.family.get() {
        builder = builder.family(family);
    }
    interruptible(builder.build()).await
}

/// Goes down once, with a spinner where that takes long.
pub(crate) async fn descend(
    balance: &Balance,
    progress: &ProgressLine,
) -> Result<Trace, CommandError> {
    let descent = balance.trace_with(|now| progress.set(now.candidates, now.answered));
    interruptible(progress.watch(descent)).await
}

/// What came of an attempt to descend.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// What was seen; `None`: nothing could be asked.
    pub(crate) trace: Option<Trace>,
    /// What to say where no TURN server was found.
    pub(crate) problem: Option<Problem>,
}

impl Attempt {
    /// `Err` where there is nothing to print: interrupted, or nobody reads.
    pub(crate) fn new(
        result: Result<Trace, CommandError>,
        args: &DescentArgs,
        advice: impl FnOnce(&Failure) -> Option<Advice>,
    ) -> Result<Self, CommandError> {
        let (trace, problem) = match result {
            Ok(trace) => {
                let failure = trace.outcome.as_ref().err();
                let problem = failure.map(|failure| {
                    let roots = join(&args.roots(), "`, `");
                    let refused = trace.candidates.iter().filter_map(|c| c.allow);
                    let refused = Advice::on_refused(refused).filter(|_| is_refusal(failure));
                    let elsewhere = answered_from(failure).map(Advice::Elsewhere);
                    let silent = unverified(failure).map(Advice::PingTurn);
                    let advice = refused.or(elsewhere).or(silent).or_else(|| advice(failure));
                    Problem::not_found(failure, &roots).advise(advice)
                });
                (Some(trace), problem)
            }
            Err(CommandError::Problem(problem)) => (None, Some(*problem)),
            Err(error) => return Err(error),
        };
        Ok(Self { trace, problem })
    }

    /// The roots that could not be asked.
    pub(crate) fn unresolved(&self) -> Vec<UnresolvedReport> {
        Problem::unresolved(self.trace.as_ref(), self.problem.as_ref())
    }

    /// Those of them that the problem does not name itself.
    pub(crate) fn unsaid(&self) -> Vec<UnresolvedReport> {
        let said = match &self.trace {
            None => true,
            Some(trace) => matches!(trace.outcome, Err(Failure::Https { udp: None, .. })),
        };
        self.unresolved().into_iter().skip(said.into()).collect()
    }

    /// How the command ends once all is printed.
    pub(crate) fn end(self) -> Result<Exit, CommandError> {
        match self.problem {
            Some(problem) => Err(problem.into()),
            None => Ok(Exit::Done),
        }
    }
}

/// Whether there was nobody to ask but those who may not be asked.
fn is_refusal(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::DeadEnd { state: CandidateState::Refused, .. }
            | Failure::Https { why: HttpsFailure::Refused { .. }, .. }
    )
}

/// The TURN server that would be named if it had answered.
fn unverified(failure: &Failure) -> Option<SocketAddr> {
    match failure {
        Failure::Unverified { turn, .. } => Some(*turn),
        _ => None,
    }
}

/// From where an answer came that counts for nothing.
fn answered_from(failure: &Failure) -> Option<SocketAddr> {
    match failure {
        Failure::NoAnswer { answered_from, .. } => answered_from.as_deref().copied(),
        _ => None,
    }
}

/// What to do where the roots are silent, which no trace explains.
pub(crate) fn on_silent_roots(failure: &Failure, args: &DescentArgs) -> Option<Advice> {
    match failure {
        Failure::NoAnswer { below: None, .. } | Failure::Unreachable { below: None, .. }
            if args.is_default() =>
        {
            Some(Advice::NameServer)
        }
        Failure::NoAnswer { below: None, .. } | Failure::Unreachable { below: None, .. } => {
            let asked = |root: RootTarget| match &root.at {
                RootPlace::Udp(endpoint)
                    if failure.unresolved().iter().all(|un| un.host != endpoint.host()) =>
                {
                    Some(Advice::on_silence(endpoint, root.to_string()))
                }
                _ => None,
            };
            args.roots().into_iter().find_map(asked)
        }
        Failure::RuledOut { .. } => Some(Advice::Labels(join(&args.roots(), " "))),
        Failure::Https { why, .. } => Advice::on_https(why),
        _ => None,
    }
}

/// The roots as their user calls them.
pub(crate) fn join(roots: &[RootTarget], between: &str) -> String {
    let roots: Vec<String> = roots.iter().map(RootTarget::to_string).collect();
    roots.join(between)
}
