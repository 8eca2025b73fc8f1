use std::io;

use turn_balance::{ConfigError, Error};

use super::problem::problem;
use super::snippet;
use crate::cmd::report::{Exit, Problem};

/// Why a command ends without its answer.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// Something to tell.
    Problem(Box<Problem>),
    /// The configuration cannot be used.
    Config(ConfigError),
    /// Stdout takes no more.
    Output(io::Error),
    /// By this signal, such as Ctrl-C's.
    Interrupted(i32),
}

impl CommandError {
    /// What to say, if anything.
    pub(crate) fn render(&self, color: bool) -> Option<String> {
        match self {
            Self::Problem(bad) => Some(problem(bad)),
            Self::Config(error) => Some(snippet::config_error(error, color)),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => Some(problem(&Problem::system("cannot write to stdout", error))),
            Self::Interrupted(_) => None,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Problem(problem) => problem.exit,
            Self::Config(_) => Exit::Unable,
            // Whoever reads has read enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Output(_) => Exit::Unable,
            Self::Interrupted(signal) => Exit::Killed(*signal),
        }
    }
}

impl From<Problem> for CommandError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        match error {
            Error::Config(error) => Self::Config(error),
            error => Problem::from(&error).into(),
        }
    }
}

impl From<serde_json::Error> for CommandError {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}

#[cfg(test)]
mod tests {
    use turn_balance::{Balance, Config, Server};

    use super::*;

    #[tokio::test]
    async fn each_error_has_its_exit_code() {
        let exit = |error: Error| CommandError::from(error).exit();
        assert_eq!(exit(Error::NoRoots), Exit::Unable);
        let mut config = Config::default();
        config.net.bind = vec![([127, 0, 0, 1], 0).into()];
        let empty = Server::start(config.clone()).await.unwrap();
        config.net.bind = vec![empty.addrs()[0].into()];
        assert_eq!(exit(Server::start(config).await.unwrap_err()), Exit::Unable);
        let nothing = Balance::new(empty.addrs()[0]).await.unwrap().select().await;
        assert_eq!(exit(nothing.unwrap_err()), Exit::No);
        let config = Config::parse("nett = 1", "balance.toml").unwrap_err();
        assert_eq!(exit(Error::Config(config)), Exit::Unable);
        assert_eq!(CommandError::Interrupted(libc::SIGINT).exit().code(), 130);
    }

    #[test]
    fn nobody_complains_about_a_closed_pipe() {
        let closed = CommandError::Output(io::ErrorKind::BrokenPipe.into());
        assert_eq!((closed.render(false), closed.exit()), (None, Exit::Done));
        let full = CommandError::Output(io::ErrorKind::StorageFull.into());
        assert_eq!(full.exit(), Exit::Unable);
        assert!(full.render(false).unwrap().contains("cannot write to stdout"));
    }
}
