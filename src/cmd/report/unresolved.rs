use serde::Serialize;
use turn_balance::{Error, UnresolvedRoot};

/// A root that could not be asked: no address of it was known in time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct UnresolvedReport {
    pub(crate) host: String,
    pub(crate) reason: String,
    /// All of it as a line.
    #[serde(skip)]
    pub(crate) line: String,
}

/// One that could not be asked in so many of repeated descents.
#[derive(Debug, Serialize)]
pub(crate) struct UnresolvedCount {
    /// As of the last time.
    #[serde(flatten)]
    pub(crate) root: UnresolvedReport,
    pub(crate) descents: u64,
}

impl UnresolvedReport {
    /// All roots, where not one could be asked; the first is the one that the error names.
    pub(crate) fn all(error: &Error) -> Vec<Self> {
        match error {
            Error::Resolve { host, source, others, .. } => {
                let (host, reason) = (host.clone(), source.to_string());
                let first = Self { host, line: format!("{error}: {reason}"), reason };
                std::iter::once(first).chain(others.iter().map(Self::from)).collect()
            }
            Error::NoAddress { host, family, .. } => {
                let reason = format!("it has no {family} address");
                vec![Self { host: host.clone(), reason, line: error.to_string() }]
            }
            _ => Vec::new(),
        }
    }
}

impl From<&UnresolvedRoot> for UnresolvedReport {
    fn from(root: &UnresolvedRoot) -> Self {
        let (host, reason) = (root.host.clone(), root.reason.to_string());
        Self { host, reason, line: root.to_string() }
    }
}
