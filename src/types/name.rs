use std::fmt;
use std::str::FromStr;

/// What a server or node is called: 1 to 32 of `A-Z a-z 0-9 . _ -`.
///
/// Anything else is no name, and shown as `-`: a name comes from a stranger and ends on a
/// terminal.
///
/// ```
/// use turn_balance::Name;
///
/// let name: Name = "fra-b".parse()?;
/// assert_eq!(name.as_str(), "fra-b");
/// # Ok::<(), turn_balance::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 32;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in these bytes of a datagram, if they are one.
    pub(crate) fn from_wire(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = (1..=Self::MAX_LEN).contains(&text.len());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if fits && text.bytes().all(allowed) { Ok(Self(text.into())) } else { Err(NameError) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A text that is no [`Name`].
///
/// Told by a [`Name`] that is parsed, where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 32 of `A-Z a-z 0-9 . _ -`")]
#[non_exhaustive]
pub struct NameError;
