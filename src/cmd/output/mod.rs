//! The only room that prints. Renderers return text, with colour; the printer writes it, and
//! leaves the colour out where nobody would see it.

mod advice;
pub(crate) mod color;
mod diagnostics;
mod exit;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod panic;
mod printer;
mod progress;
mod snippet;
mod style;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tree;

pub(crate) use advice::Advice;
pub(crate) use diagnostics::{Fault, Report};
pub(crate) use exit::{Exit, default_signals};
pub(crate) use printer::{Printer, unfinished, usage};
