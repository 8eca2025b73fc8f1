//! The only room that prints. Renderers return text, with colour; the printer writes it, and
//! leaves the colour out where nobody would see it.

pub(crate) mod color;
mod drawing;
mod error;
mod exit;
mod json;
mod label;
pub(crate) mod log;
pub(crate) mod panic;
mod printer;
mod problem;
mod progress;
mod queue;
mod reader;
mod snippet;
mod stream;
mod style;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tree;
mod usage;
pub(crate) mod whole_tree;

pub(crate) use drawing::Drawing;
pub(crate) use error::CommandError;
pub(crate) use exit::{default_signals, die_of, leave};
pub(crate) use printer::{Printer, unfinished, usage};
pub(crate) use progress::{CANDIDATES, NODES, ProgressLine};
pub(crate) use reader::stdout_closes;
