//! The commands: flags -> library call -> report -> output.

mod args;
mod attempt;
mod cli;
mod completions;
mod healthcheck;
mod idle;
#[cfg(test)]
mod man;
pub(crate) mod output;
mod ping;
mod probe;
mod report;
mod runtime;
mod serve;
mod status;
mod trace;
mod variables;

pub(crate) use variables::read;
