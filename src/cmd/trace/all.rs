//! The whole cascade, and what is wrong with it.

use turn_balance::{AdminUrl, Crawler, Endpoint, WholeTree};

use super::args::{TraceArgs, TraceFormat};
use crate::cmd::args::{RootPlace, RootTarget};
use crate::cmd::output::{CommandError, NODES, Printer, table, text, whole_tree};
use crate::cmd::report::{Document, Exit, Problem, StatusReport, TreeReport};
use crate::cmd::runtime::{block_on, interruptible};
use crate::cmd::status;

pub(super) fn run(args: &TraceArgs, printer: &Printer) -> Result<Exit, CommandError> {
    let report = look(args, printer).inspect_err(|error| {
        if let (TraceFormat::Json | TraceFormat::Jsonl, CommandError::Problem(problem)) =
            (args.format.get(), error)
        {
            let failed = TreeReport::failed(problem);
            let _ = printer.document(&Document::whole(TreeReport::SCHEMA, &failed));
        }
    })?;
    match args.format.get() {
        TraceFormat::Text => printer.answer(&table::tree(&report))?,
        TraceFormat::Json => printer.document(&Document::whole(TreeReport::SCHEMA, &report))?,
        TraceFormat::Jsonl => {
            for node in &report.nodes {
                // It says itself what kind it is.
                printer.document(&Document::whole(TreeReport::SCHEMA, node))?;
            }
            printer.document(&Document::part(TreeReport::SCHEMA, "summary", &report.summary))?;
        }
        TraceFormat::Dot => printer.answer(&whole_tree::dot(&report))?,
        TraceFormat::Mermaid => printer.answer(&whole_tree::mermaid(&report))?,
    }
    printer.say(&text::tree::summary(&report.summary));
    Ok(if report.is_sound() { Exit::Done } else { Exit::No })
}

/// Asks all servers, and the admin interface of the first beside them.
fn look(args: &TraceArgs, printer: &Printer) -> Result<TreeReport, CommandError> {
    let roots = roots(args)?;
    let mut crawler = Crawler::new(roots, args.descent.timeout, args.descent.limits());
    if let Some(family) = args.descent.family.get() {
        crawler = crawler.family(family);
    }
    let progress = printer.progress(NODES);
    block_on(async {
        let mut status = None;
        if let Some(admin) = &args.admin {
            let told = told_by(admin, args).await?;
            crawler = crawler.unoffered(told.called(), told.unoffered());
            status = Some(told);
        }
        let crawl = crawler.run(|known, answered| progress.set(known, answered));
        let tree: WholeTree = interruptible(progress.watch(crawl)).await?;
        let mut report = TreeReport::new(&tree);
        status.iter().for_each(|status| report.add_status(status));
        Ok(report)
    })
}

async fn told_by(admin: &AdminUrl, args: &TraceArgs) -> Result<StatusReport, CommandError> {
    let body = status::ask(admin, args.token_file.as_deref(), args.descent.timeout).await?;
    StatusReport::read(&body).ok_or_else(|| Problem::admin(admin, &status::no_status()).into())
}

/// The servers to begin at. By HTTPS nobody says what is wrong.
fn roots(args: &TraceArgs) -> Result<Vec<Endpoint>, CommandError> {
    let udp = |root: RootTarget| match root.at {
        RootPlace::Udp(endpoint) => Ok(endpoint),
        RootPlace::Https(url) => Err(Problem::usage(&format!(
            "`--all` asks by UDP alone, and `{url}` is asked by HTTPS"
        ))
        .into()),
    };
    args.descent.roots().into_iter().map(udp).collect()
}
