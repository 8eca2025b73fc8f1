use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::iter;
use std::time::Duration;

use serde::{Serialize, Serializer};
use turn_balance::{AdminFault, AdminUrl, Endpoint, Error, Failure, Trace};

use super::advice::Advice;
use super::exit::Exit;
use super::unresolved::UnresolvedReport;

/// Why there is no answer: an error, what caused it, and what to do about it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// One word for programs.
    pub(crate) kind: &'static str,
    /// Why a TURN server is of no use, in one word.
    pub(crate) reason: Option<&'static str>,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) advice: Option<Advice>,
    pub(crate) exit: Exit,
    /// All roots, where none could be asked.
    pub(crate) roots: Vec<UnresolvedReport>,
}

impl Problem {
    /// No TURN server was found below the roots, which read as `a`, `b`.
    pub(crate) fn not_found(failure: &Failure, roots: &str) -> Self {
        Self {
            kind: failure.kind(),
            message: format!("no TURN server reached from `{roots}`"),
            reason: None,
            causes: vec![failure.to_string()],
            advice: None,
            exit: Exit::No,
            roots: Vec::new(),
        }
    }

    /// A server does not say what it is doing.
    pub(crate) fn admin(admin: &AdminUrl, fault: &AdminFault) -> Self {
        let causes = iter::successors(fault.source(), |&cause| cause.source());
        Self {
            kind: match fault {
                AdminFault::LookUp(_) => "resolve",
                AdminFault::Io(_) | AdminFault::Late(_) => "no_answer",
                AdminFault::Refused { .. } => "refused",
                _ => "no_admin",
            },
            message: format!("no status from `{admin}`: {fault}"),
            reason: None,
            causes: causes.map(|cause| cause.to_string()).collect(),
            advice: None,
            exit: match fault {
                AdminFault::LookUp(_) => Exit::Unable,
                _ => Exit::No,
            },
            roots: Vec::new(),
        }
    }

    /// A server has not answered in so long.
    pub(crate) fn silent(server: &str, waited: Duration) -> Self {
        let silent = Self::usage(&format!("no answer from `{server}` in {waited:?}"));
        Self { kind: "no_answer", exit: Exit::No, ..silent }
    }

    /// Nothing listens where a server is asked.
    pub(crate) fn unheard(server: &str) -> Self {
        let closed = Self::usage(&format!("nothing listens at `{server}`"));
        Self { kind: "no_answer", exit: Exit::No, ..closed }
    }

    /// The system refused.
    pub(crate) fn system(message: &str, error: &io::Error) -> Self {
        Self {
            kind: "system",
            message: message.to_owned(),
            reason: None,
            causes: vec![error.to_string()],
            advice: None,
            exit: Exit::Unable,
            roots: Vec::new(),
        }
    }

    /// The flags contradict one another.
    pub(crate) fn usage(message: &str) -> Self {
        Self {
            kind: "usage",
            message: message.to_owned(),
            reason: None,
            causes: Vec::new(),
            advice: None,
            exit: Exit::Unable,
            roots: Vec::new(),
        }
    }

    /// A look-up took longer than there was time.
    pub(crate) fn late(server: &Endpoint) -> Self {
        let (host, why) = match server {
            // All that is looked up for it is the way of a host that has no IPv4.
            Endpoint::Addr(addr) => {
                ("ipv4only.arpa".to_owned(), format!(", for a way to `{addr}`"))
            }
            name => (name.host(), String::new()),
        };
        Self::late_name(&host, &why)
    }

    /// A look-up of this name took longer than there was time.
    pub(crate) fn late_name(host: &str, why: &str) -> Self {
        let late =
            Self::system(&format!("cannot look up `{host}`{why}"), &io::ErrorKind::TimedOut.into());
        Self { kind: "resolve", advice: Some(Advice::LookUp(host.to_owned())), ..late }
    }

    /// The roots that could not be asked, by what was seen or by why nothing was.
    pub(crate) fn unresolved(trace: Option<&Trace>, error: Option<&Self>) -> Vec<UnresolvedReport> {
        match (trace, error) {
            (Some(trace), _) => trace.unresolved.iter().map(UnresolvedReport::from).collect(),
            (None, Some(error)) => error.roots.clone(),
            (None, None) => Vec::new(),
        }
    }

    pub(crate) fn advise(mut self, advice: Option<Advice>) -> Self {
        self.advice = advice;
        self
    }

    /// All of it but the advice, in a line.
    pub(crate) fn line(&self) -> String {
        let mut line = self.message.clone();
        for cause in &self.causes {
            let _ = write!(line, ": {cause}");
        }
        line
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let causes = iter::successors(error.source(), |&cause| cause.source());
        Self {
            kind: error.kind(),
            message: error.to_string(),
            reason: None,
            causes: causes.map(|cause| cause.to_string()).collect(),
            advice: Advice::on(error),
            exit: match error {
                Error::NotFound(_) | Error::Worker { .. } | Error::Task { .. } => Exit::No,
                _ => Exit::Unable,
            },
            roots: UnresolvedReport::all(error),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Error<'a> {
            kind: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<&'a str>,
            message: String,
        }
        Error { kind: self.kind, reason: self.reason, message: self.line() }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use turn_balance::{Balance, Config, Server};

    use super::*;

    #[tokio::test]
    async fn a_failure_in_a_line() {
        let mut config = Config::default();
        config.net.bind = vec![([127, 0, 0, 1], 0).into()];
        let empty = Server::start(config).await.unwrap();
        let error = Balance::new(empty.addrs()[0]).await.unwrap().select().await.unwrap_err();
        let Error::NotFound(failure) = error else { panic!("{error}") };
        let problem = Problem::not_found(&failure, "root.example");
        assert_eq!((problem.kind, problem.exit), ("dead_end", Exit::No));
        assert_eq!(
            problem.line(),
            format!("no TURN server reached from `root.example`: {failure}")
        );
    }
}
