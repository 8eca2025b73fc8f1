//! What went wrong, on its way to Python.

use std::error::Error as _;
use std::fmt::Display;
use std::iter::successors;

use pyo3::prelude::*;
use turn_balance::{Error, UnresolvedRoot};

/// The parts of a `TurnBalanceError`.
pub(crate) struct Failed {
    kind: &'static str,
    message: String,
    /// Hosts of roots that could not be asked, and why.
    unresolved: Vec<(String, String)>,
}

impl Failed {
    /// A text that stands for no root.
    pub(crate) fn endpoint(error: &impl Display) -> Self {
        Self { kind: "endpoint", message: error.to_string(), unresolved: Vec::new() }
    }

    /// The exception of its kind.
    pub(crate) fn raised(self, py: Python<'_>) -> PyErr {
        let Self { kind, message, unresolved } = self;
        let make = || {
            let errors = py.import("turn_balance._errors")?;
            errors.getattr("error_of")?.call1((kind, message, unresolved))
        };
        make().map_or_else(|error| error, PyErr::from_value)
    }
}

impl From<&Error> for Failed {
    fn from(error: &Error) -> Self {
        let mut message = error.to_string();
        for cause in successors(error.source(), |&cause| cause.source()) {
            message = format!("{message}: {cause}");
        }
        let unresolved = match error {
            Error::NotFound(failure) => failure.unresolved(),
            Error::Resolve { others, .. } => others,
            _ => &[],
        };
        let told = |root: &UnresolvedRoot| (root.host.clone(), root.reason.to_string());
        Self { kind: error.kind(), message, unresolved: unresolved.iter().map(told).collect() }
    }
}
