use std::fmt;

use super::family::Family;
use super::quoted::escaped;

/// A root that a descent could not ask: no address of it was known in time.
///
/// ```no_run
/// # #[cfg(feature = "client")] async fn example(balance: turn_balance::Balance) -> Result<(), turn_balance::Error> {
/// for root in balance.select().await?.unresolved {
///     println!("{root}"); // cannot look up `root.example`: ...
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnresolvedRoot {
    /// Its host, without the port.
    pub host: String,
    /// Why there is none.
    pub reason: Unresolved,
}

/// Why a root has no address, in an [`UnresolvedRoot`], where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unresolved {
    /// The look-up failed, and this is what the system says.
    Failed(String),
    /// It has none of the family asked for.
    NoAddress(Family),
    /// No answer of the resolver had come when the descent ended.
    Late,
}

impl UnresolvedRoot {
    pub(crate) fn new(host: impl Into<String>, reason: Unresolved) -> Self {
        Self { host: host.into(), reason }
    }
}

/// A line, with nothing in it that a terminal would obey.
impl fmt::Display for UnresolvedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, reason } = self;
        match reason {
            Unresolved::NoAddress(family) => {
                write!(f, "`{}` has no {family} address", escaped(host))
            }
            reason => write!(f, "cannot look up `{}`: {reason}", escaped(host)),
        }
    }
}

/// Half a sentence, with the host before it.
impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(said) => write!(f, "{}", escaped(said)),
            Self::NoAddress(family) => write!(f, "it has no {family} address"),
            Self::Late => f.write_str("the resolver had not answered when the descent ended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_root_has_no_address() {
        let told = |reason| UnresolvedRoot::new("ro\u{1b}ot", reason).to_string();
        assert_eq!(
            told(Unresolved::Failed("no\u{1b}where".to_owned())),
            r"cannot look up `ro\u{1b}ot`: no\u{1b}where"
        );
        assert_eq!(told(Unresolved::NoAddress(Family::V6)), r"`ro\u{1b}ot` has no IPv6 address");
        assert_eq!(
            told(Unresolved::Late),
            r"cannot look up `ro\u{1b}ot`: the resolver had not answered when the descent ended"
        );
    }
}
