//! Descents, as Python begins them, waits for them and ends them.

use std::path::PathBuf;
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinError, spawn_blocking};
use turn_balance::{Balance, Error, Limits, Strategy, Transport, Verify, View};

use crate::failed::Failed;
use crate::options::{self, Options, choice, seconds};
use crate::{document, reactor};

/// How often a thread that waits looks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// A client of some roots.
#[pyclass(frozen, module = "turn_balance._native")]
pub(crate) struct Client {
    options: Options,
    /// What was built of them, and in which process: in a forked child it may wait for a look-up whose thread
    /// is the parent's.
    built: Mutex<(u32, Balance)>,
}

/// A descent that has begun.
#[pyclass(frozen, module = "turn_balance._native")]
pub(crate) struct Job(AbortHandle);

/// What a descent comes to, as a document.
type Outcome = Result<Result<String, Error>, JoinError>;

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (roots, *, timeout, family, verify, urls, transport, ca_file, strategy, view, linger,
                        allow, allow_private, require, prefer, exclude))]
    #[expect(clippy::too_many_arguments, reason = "they have names in Python")]
    fn new(
        py: Python<'_>,
        roots: Vec<String>,
        timeout: &Bound<'_, PyAny>,
        family: Option<&Bound<'_, PyAny>>,
        verify: &str,
        urls: bool,
        transport: &str,
        ca_file: Option<PathBuf>,
        strategy: &str,
        view: &str,
        linger: &Bound<'_, PyAny>,
        allow: Vec<String>,
        allow_private: bool,
        require: Vec<String>,
        prefer: Vec<String>,
        exclude: Vec<String>,
    ) -> PyResult<Self> {
        let (udp, https) = options::roots(py, &roots)?;
        let verifies = [("on", Verify::On), ("off", Verify::Off), ("require", Verify::Require)];
        let transports =
            [("auto", None), ("udp", Some(Transport::Udp)), ("https", Some(Transport::Https))];
        let strategies = [("best", Strategy::Best), ("first", Strategy::First)];
        let views = [("flat", View::Flat), ("subordinates", View::Subordinates)];
        let allow = options::prefixes(&allow)?;
        let options = Options {
            udp,
            https,
            timeout: seconds("timeout", timeout)?,
            linger: seconds("linger", linger)?,
            family: options::family(family)?,
            verify: choice("verify", verify, &verifies)?,
            urls,
            transport: choice("transport", transport, &transports)?,
            ca_file,
            strategy: choice("strategy", strategy, &strategies)?,
            view: choice("view", view, &views)?,
            limits: Limits::default().allow(allow).allow_private(allow_private),
            require: options::labels("require", &require)?,
            prefer: options::labels("prefer", &prefer)?,
            exclude: options::labels("exclude", &exclude)?,
        };
        let balance = raise(py, build(&reactor::handle()?, &options))?;
        Ok(Self { options, built: Mutex::new((process::id(), balance)) })
    }

    /// Goes down and waits for the end, as a document. Ctrl-C ends it.
    fn run(&self, py: Python<'_>, trace: bool) -> PyResult<String> {
        let (sender, mut ended) = mpsc::channel();
        let job = self.begin(py, trace, move |outcome| {
            let _ = sender.send(outcome);
        })?;
        loop {
            let ended = &mut ended;
            match py.detach(move || ended.recv_timeout(LOOK)) {
                Ok(outcome) => return text(py, outcome),
                Err(RecvTimeoutError::Timeout) => {
                    py.check_signals().inspect_err(|_| job.cancel())?
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PyRuntimeError::new_err("the interpreter is about to end"));
                }
            }
        }
    }

    /// Goes down, and calls `done` with the document or the exception, one of which is None: on another
    /// thread, and not at all once it is cancelled.
    fn start(&self, py: Python<'_>, trace: bool, done: Py<PyAny>) -> PyResult<Job> {
        self.begin(py, trace, move |outcome| {
            if !outcome.as_ref().is_err_and(JoinError::is_cancelled) {
                spawn_blocking(move || Python::try_attach(|py| deliver(py, &done, outcome)));
            }
        })
    }
}

impl Client {
    /// Begins a descent; `then` is called on the thread that moves it.
    fn begin(
        &self,
        py: Python<'_>,
        trace: bool,
        then: impl FnOnce(Outcome) + Send + 'static,
    ) -> PyResult<Job> {
        let reactor = reactor::handle()?;
        let balance = raise(py, self.balance(&reactor))?;
        let descent = reactor.spawn(async move {
            Ok(match trace {
                true => document::of_trace(&balance.trace().await?),
                false => document::of_selection(&balance.select().await?),
            })
        });
        let job = Job(descent.abort_handle());
        reactor.spawn(async move { then(descent.await) });
        Ok(job)
    }

    /// Python runs nothing while this is locked, nor forks.
    fn balance(&self, reactor: &Handle) -> Result<Balance, Error> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if built.0 != process::id() {
            *built = (process::id(), build(reactor, &self.options)?);
        }
        Ok(built.1.clone())
    }
}

#[pymethods]
impl Job {
    /// Ends it and closes its sockets, if it has not ended.
    fn cancel(&self) {
        self.0.abort();
    }
}

fn build(reactor: &Handle, options: &Options) -> Result<Balance, Error> {
    reactor.block_on(options.builder().build())
}

fn raise<T>(py: Python<'_>, result: Result<T, Error>) -> PyResult<T> {
    result.map_err(|error| Failed::from(&error).raised(py))
}

fn deliver(py: Python<'_>, done: &Py<PyAny>, outcome: Outcome) {
    let called = match text(py, outcome) {
        Ok(text) => done.call1(py, (text, py.None())),
        Err(error) => done.call1(py, (py.None(), error)),
    };
    if let Err(error) = called {
        error.write_unraisable(py, Some(done.bind(py)));
    }
}

fn text(py: Python<'_>, outcome: Outcome) -> PyResult<String> {
    match outcome {
        Ok(ended) => raise(py, ended),
        Err(error) => Err(PyRuntimeError::new_err(format!("a bug of turn-balance: {error}"))),
    }
}
