mod args;

use std::path::Path;
use std::time::Duration;

use turn_balance::{AdminFault, AdminUrl, Error, SecretKind, secret_line};

use super::args::OutputFormat;
use super::output::{CommandError, Printer, table, text};
use super::report::{Advice, Document, Exit, Problem, StatusReport};
use super::runtime::{block_on, interrupt};

pub(crate) use args::StatusArgs;

impl StatusArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        let asked = block_on(self.ask());
        let format = self.format.get();
        let asked = asked.inspect_err(|error| {
            if let (OutputFormat::Json | OutputFormat::Jsonl, CommandError::Problem(problem)) =
                (format, error)
            {
                let failed = StatusReport::failed(problem);
                let _ = printer.document(&Document::whole(StatusReport::SCHEMA, &failed));
            }
        });
        let body = asked?;
        let report = StatusReport::read(&body).ok_or_else(|| self.problem(&no_status()))?;
        match format {
            OutputFormat::Json | OutputFormat::Jsonl => printer.answer(&body)?,
            OutputFormat::Text => {
                printer.answer(&text::status::head(&report))?;
                if !report.nodes.is_empty() {
                    printer.answer(&table::status(&report))?;
                }
                for name in &report.names {
                    printer.answer(&text::status::name(name))?;
                }
                for trouble in &report.troubles {
                    printer.answer(&text::status::trouble(trouble))?;
                }
            }
        }
        if format == OutputFormat::Text
            && let Some(line) = text::status::drops(&report.counts)
        {
            printer.say(&line);
        }
        Ok(Exit::Done)
    }

    async fn ask(&self) -> Result<String, CommandError> {
        let admin = self.admin.clone().unwrap_or_default();
        ask(&admin, self.token_file.as_deref(), self.timeout).await
    }

    fn problem(&self, fault: &AdminFault) -> Problem {
        problem(&self.admin.clone().unwrap_or_default(), fault)
    }
}

/// The document of a server, unless a signal asks for the end first.
pub(super) async fn ask(
    admin: &AdminUrl,
    token_file: Option<&Path>,
    timeout: Duration,
) -> Result<String, CommandError> {
    let token = token_file.map(|file| secret_line(file, SecretKind::AdminToken));
    let token = token.transpose().map_err(Error::from)?;
    tokio::select! {
        biased;
        answer = admin.status(token.as_deref(), timeout) => {
            let body = answer.map_err(|fault| problem(admin, &fault))?;
            String::from_utf8(body).map_err(|_| problem(admin, &no_status()).into())
        }
        signal = interrupt() => Err(CommandError::Interrupted(signal)),
    }
}

fn problem(admin: &AdminUrl, fault: &AdminFault) -> Problem {
    let advice = match fault {
        AdminFault::Refused { status: 401, .. } => Some(Advice::Turn(
            "`--token-file` names the file with the token that the server has in `admin.token-file`",
        )),
        AdminFault::Io(_) | AdminFault::Late(_) => Some(Advice::Turn(
            "`admin.bind` in the server's balance.toml says where it is asked, if it has one; \
             name that: `tb status http://127.0.0.1:9301` or `tb status unix:/run/tb.sock`",
        )),
        _ => None,
    };
    Problem::admin(admin, fault).advise(advice)
}

/// What answers in JSON, and says something else.
pub(super) fn no_status() -> AdminFault {
    AdminFault::Other("it is not a `tb.status/1` document".into())
}
