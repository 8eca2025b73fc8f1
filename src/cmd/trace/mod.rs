mod all;
mod args;
mod once;
mod repeat;

pub(crate) use args::TraceArgs;

use super::output::{CommandError, Printer};
use super::report::Exit;

impl TraceArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        if self.all {
            return all::run(self, printer);
        }
        match self.count {
            None => once::run(self, printer),
            Some(count) => repeat::run(self, count, printer),
        }
    }
}
