//! The flags that client commands share, and what can stand for them.

mod choices;
mod comma_separated;
mod descent;
mod family;
mod format;
mod target;
pub(crate) mod time;
mod turn_login;
mod verbosity;

pub(crate) use choices::ViewArg;
pub(crate) use comma_separated::CommaSeparated;
pub(crate) use descent::DescentArgs;
pub(crate) use family::FamilyArgs;
pub(crate) use format::{FormatArgs, OutputFormat};
pub(crate) use target::{PingTarget, RootPlace, RootTarget, Target, ping_target};
pub(crate) use turn_login::{GivenLogin, TurnLoginArgs};
pub(crate) use verbosity::VerbosityArgs;
