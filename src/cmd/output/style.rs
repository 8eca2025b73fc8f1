use std::fmt;

use anstyle::{AnsiColor, Style};
use turn_balance::CandidateState;

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// The name of a field in the log, and what follows it.
pub(crate) const FIELD: Style = Style::new().italic();
pub(crate) const EQUALS: Style = Style::new().dimmed();

/// The colour that repeats a state.
pub(crate) fn of(state: CandidateState) -> Style {
    match state {
        CandidateState::Path | CandidateState::Selected => AnsiColor::Green.on_default().bold(),
        CandidateState::Explored => AnsiColor::Cyan.on_default(),
        CandidateState::Lost | CandidateState::Undrawn | CandidateState::Unasked => {
            Style::new().dimmed()
        }
        CandidateState::Silent => AnsiColor::Red.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    }
}

/// A text with its colour around it.
pub(crate) fn paint(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
