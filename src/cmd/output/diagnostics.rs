use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::io;

use turn_balance::{ConfigError, Error, Failure};

use super::advice::Advice;
use super::exit::Exit;
use super::{snippet, style};

/// Why a command ends without its answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Something to tell.
    Report(Box<Report>),
    /// The configuration cannot be used.
    Config(ConfigError),
    /// Stdout takes no more.
    Output(io::Error),
    /// Ctrl-C.
    Interrupted,
}

impl Fault {
    /// What to say, if anything.
    pub(crate) fn render(&self, color: bool) -> Option<String> {
        match self {
            Self::Report(report) => Some(report.to_string()),
            Self::Config(error) => Some(snippet::config_error(error, color)),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => {
                Some(Report::system("cannot write to stdout", error).to_string())
            }
            Self::Interrupted => None,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Report(report) => report.exit,
            Self::Config(_) => Exit::Unable,
            // Whoever reads has read enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Output(_) => Exit::Unable,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

impl From<Report> for Fault {
    fn from(report: Report) -> Self {
        Self::Report(Box::new(report))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Config(error) => Self::Config(error),
            error => Report::new(&error).into(),
        }
    }
}

/// An error, what caused it, and what to do about it.
#[derive(Debug)]
pub(crate) struct Report {
    /// One word for programs.
    pub(crate) kind: &'static str,
    message: String,
    causes: Vec<String>,
    advice: Option<Advice>,
    pub(crate) exit: Exit,
}

impl Report {
    fn new(error: &Error) -> Self {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        Self {
            kind: kind(error),
            message: error.to_string(),
            causes: causes.map(|cause| cause.to_string()).collect(),
            advice: Advice::on(error),
            exit: match error {
                Error::NotFound(_) | Error::Worker { .. } => Exit::No,
                _ => Exit::Unable,
            },
        }
    }

    /// No TURN server was found below the roots, which read as `a`, `b`.
    pub(crate) fn not_found(failure: &Failure, roots: &str) -> Self {
        Self {
            kind: failure_kind(failure),
            message: format!("no TURN server reached from `{roots}`"),
            causes: vec![failure.to_string()],
            advice: None,
            exit: Exit::No,
        }
    }

    /// The system refused.
    pub(crate) fn system(message: &str, error: &io::Error) -> Self {
        Self {
            kind: "system",
            message: message.to_owned(),
            causes: vec![error.to_string()],
            advice: None,
            exit: Exit::Unable,
        }
    }

    /// The flags contradict one another.
    pub(crate) fn usage(message: &str) -> Self {
        Self {
            kind: "usage",
            message: message.to_owned(),
            causes: Vec::new(),
            advice: None,
            exit: Exit::Unable,
        }
    }

    pub(crate) fn advise(mut self, advice: Option<Advice>) -> Self {
        self.advice = advice;
        self
    }

    /// All of it but the advice, in a line.
    pub(crate) fn message(&self) -> String {
        let mut line = self.message.clone();
        for cause in &self.causes {
            let _ = write!(line, ": {cause}");
        }
        line
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", style::paint(style::ERROR, "error:"), self.message)?;
        for cause in &self.causes {
            writeln!(f, "  Caused by: {cause}")?;
        }
        if let Some(advice) = &self.advice {
            writeln!(f, "\n{} {advice}", style::paint(style::HINT, "hint:"))?;
        }
        Ok(())
    }
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::NotFound(failure) => failure_kind(failure),
        Error::Resolve { .. } => "resolve",
        Error::NoAddress { .. } => "no_address",
        Error::NoRoots => "no_roots",
        Error::Socket { .. } => "socket",
        Error::Random(_) => "random",
        Error::Thread(_) => "thread",
        Error::Worker { .. } => "worker",
        Error::Config(_) => "config",
        Error::Key(_) => "key",
        _ => "other",
    }
}

fn failure_kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::NoAnswer { .. } => "no_answer",
        Failure::Unreachable { .. } => "unreachable",
        _ => "dead_end",
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use turn_balance::{Config, Server};

    use super::*;

    fn text(report: &Report) -> String {
        anstream::adapter::strip_str(&report.to_string()).to_string()
    }

    /// An address that is taken, and what a server says that is to listen there.
    async fn taken() -> (SocketAddr, Error) {
        let mut config = Config::default();
        config.net.bind = vec![([127, 0, 0, 1], 0).into()];
        let first = Server::start(config.clone()).await.unwrap();
        config.net.bind = first.addrs().to_vec();
        (first.addrs()[0], Server::start(config).await.unwrap_err())
    }

    #[test]
    fn nothing_found() {
        let report = Report {
            kind: "no_answer",
            message: "no TURN server reached from `root.example`".to_owned(),
            causes: vec![
                "level 1: none of 3 candidates below `root` (198.51.100.7:3001) answered within \
                 10 s"
                    .to_owned(),
            ],
            advice: Some(Advice::Trace("root.example".to_owned())),
            exit: Exit::No,
        };
        let expected = "\
error: no TURN server reached from `root.example`
  Caused by: level 1: none of 3 candidates below `root` (198.51.100.7:3001) answered within 10 s

hint: `tb trace --view flat root.example` shows every candidate
";
        assert_eq!(text(&report), expected);
    }

    #[test]
    fn a_failure_in_a_line() {
        let failure =
            Failure::NoAnswer { level: 0, asked: 1, below: None, waited: Duration::from_secs(10) };
        let report = Report::not_found(&failure, "root.example");
        assert_eq!((report.kind, report.exit), ("no_answer", Exit::No));
        assert_eq!(
            report.message(),
            format!("no TURN server reached from `root.example`: {failure}")
        );
    }

    #[tokio::test]
    async fn a_port_that_is_taken() {
        let (addr, error) = taken().await;
        let report = Report::new(&error);
        let expected = format!(
            "\
error: cannot listen on `{addr}` (udp)
  Caused by: Address already in use (os error 98)

hint: `ss -lunp 'sport = :{}'` shows who holds the port
",
            addr.port()
        );
        assert_eq!(text(&report), expected);
        assert_eq!((report.kind, report.exit), ("socket", Exit::Unable));
    }

    #[tokio::test]
    async fn each_error_has_its_exit_code() {
        let exit = |error: Error| Fault::from(error).exit();
        let failure =
            Failure::NoAnswer { level: 0, asked: 1, below: None, waited: Duration::from_secs(10) };
        assert_eq!(exit(Error::NotFound(failure)), Exit::No);
        assert_eq!(exit(Error::NoRoots), Exit::Unable);
        assert_eq!(exit(taken().await.1), Exit::Unable);
        let config = ConfigError {
            origin: "balance.toml".to_owned(),
            text: String::new(),
            diagnostics: Vec::new(),
            source: None,
        };
        assert_eq!(exit(Error::Config(config)), Exit::Unable);
        assert_eq!(Fault::Interrupted.exit(), Exit::Interrupted);
    }

    #[test]
    fn nobody_complains_about_a_closed_pipe() {
        let closed = Fault::Output(io::ErrorKind::BrokenPipe.into());
        assert_eq!((closed.render(false), closed.exit()), (None, Exit::Done));
        let full = Fault::Output(io::ErrorKind::StorageFull.into());
        assert_eq!(full.exit(), Exit::Unable);
        assert!(full.render(false).unwrap().contains("cannot write to stdout"));
    }
}
