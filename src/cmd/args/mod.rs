//! The flags that client commands share, and what can stand for them.

mod choices;
mod descent;
mod family;
mod format;
mod list;
mod target;
pub(crate) mod time;
mod verbosity;

pub(crate) use choices::{OnOff, ViewArg};
pub(crate) use descent::DescentArgs;
pub(crate) use family::FamilyArgs;
pub(crate) use format::{FormatArgs, OutputFormat};
pub(crate) use list::List;
pub(crate) use target::{Target, first_target};
pub(crate) use verbosity::VerbosityArgs;
