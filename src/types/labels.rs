use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::name::Name;

/// What whoever runs a server says of it, for clients that choose by it: `region=eu`.
///
/// Key and value are of `A-Z a-z 0-9 . _ -`, and with the `=` between them [`ServerLabel::MAX_LEN`] bytes
/// at most: labels come from strangers and end on terminals, and those of many servers fit one answer.
///
/// ```
/// use turn_balance::ServerLabel;
///
/// let label: ServerLabel = "region=eu".parse()?;
/// assert_eq!((label.key(), label.value()), ("region", "eu"));
/// # Ok::<(), turn_balance::LabelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerLabel {
    key: Box<str>,
    value: Box<str>,
}

impl ServerLabel {
    /// The longest one, in bytes. Behind the key [`ServerLabel::NAME`] any [`Name`] may stand.
    pub const MAX_LEN: usize = 24;

    /// The key that is no label: what stands behind it is what a server is called.
    pub const NAME: &str = "name";

    /// What it is about.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What it says about that.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl FromStr for ServerLabel {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let (key, value) = text.split_once('=').ok_or(LabelError::Form)?;
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_allowed);
        let fits = match key {
            Self::NAME => value.len() <= Name::MAX_LEN,
            _ => text.len() <= Self::MAX_LEN,
        };
        match () {
            () if !is_word(key) || !is_word(value) => Err(LabelError::Form),
            () if !fits => Err(LabelError::Long),
            () => Ok(Self { key: key.into(), value: value.into() }),
        }
    }
}

impl fmt::Display for ServerLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}={}", self.key, self.value))
    }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// The labels of a server, one a key, [`Labels::MOST`] at most: `region=eu,tier=gold`.
///
/// They are inherited: what a server is labelled with, all servers below it are as well, and none of them
/// can say otherwise of it, only more.
///
/// ```
/// use turn_balance::Labels;
///
/// let above: Labels = "region=eu".parse()?;
/// let own: Labels = "tier=gold,region=us".parse()?;
/// let labels = own.below(&above);
/// assert_eq!(labels.to_string(), "region=eu,tier=gold");
/// assert_eq!(labels.get("region"), Some("eu"));
/// # Ok::<(), turn_balance::LabelError>(())
/// ```
///
/// Copies share their text: a list of many servers has few sets of labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Option<Arc<str>>);

impl Labels {
    /// How many a server has at most.
    pub const MOST: usize = 8;

    /// Of these labels. [`LabelError`]: a key stands there twice or is `name`, or they are too many.
    pub fn new(labels: impl IntoIterator<Item = ServerLabel>) -> Result<Self, LabelError> {
        let mut all = BTreeMap::new();
        for ServerLabel { key, value } in labels {
            if &*key == ServerLabel::NAME {
                return Err(LabelError::Name);
            }
            if all.insert(key, value).is_some() {
                return Err(LabelError::Twice);
            }
        }
        if all.len() > Self::MOST {
            return Err(LabelError::Many);
        }
        Ok(Self::of(all.iter().map(|(key, value)| (&**key, &**value))))
    }

    /// Each key once, in their order.
    fn of<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let labels = labels.into_iter().map(|(key, value)| format!("{key}={value}"));
        let text = Vec::from_iter(labels).join(",");
        Self(Some(text).filter(|text| !text.is_empty()).map(Into::into))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What they say about something.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Each key and its value, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let labels = self.0.as_deref().unwrap_or_default().split(',');
        labels.filter_map(|label| label.split_once('='))
    }

    /// All labels of a server with these that stands below one with those: those, and of these as many as
    /// there is room for, whose keys are others.
    #[must_use]
    pub fn below(&self, above: &Self) -> Self {
        if above.iter().all(|(key, value)| self.get(key) == Some(value)) {
            return self.clone();
        }
        let mut all = BTreeMap::from_iter(above.iter());
        for (key, value) in self.iter() {
            if all.len() < Self::MOST {
                all.entry(key).or_insert(value);
            }
        }
        Self::of(all)
    }

    /// Those in these bytes of a datagram; none, if they are anything else.
    pub(crate) fn from_wire(bytes: &[u8]) -> Self {
        let labels = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
        labels.unwrap_or_default()
    }
}

impl FromStr for Labels {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let labels = text.split(',').filter(|_| !text.is_empty()).map(str::parse);
        Self::new(labels.collect::<Result<Vec<_>, _>>()?)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_deref().unwrap_or_default())
    }
}

/// As documents have them: an object with a field for each.
#[cfg(feature = "serde")]
impl serde::Serialize for Labels {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// A text that is no [`ServerLabel`], or no [`Labels`].
///
/// Told by a label that is parsed, where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// It has another form.
    #[error("a label is `KEY=VALUE`, both of `A-Z a-z 0-9 . _ -`")]
    Form,
    /// It is too long.
    #[error(
        "a label has {} bytes at most, with its `=`, and a name {}",
        ServerLabel::MAX_LEN,
        Name::MAX_LEN
    )]
    Long,
    /// There are too many.
    #[error("a server has {} labels at most", Labels::MOST)]
    Many,
    /// A key stands there more than once.
    #[error("a server has one label of each key")]
    Twice,
    /// A key is `name`.
    #[error("`name` is no label: it stands for what a server is called")]
    Name,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        text.parse().unwrap()
    }

    #[test]
    fn what_stands_above_counts_and_leaves_room_for_the_rest() {
        let eight = "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1";
        assert_eq!(labels("a=2,z=2").below(&labels(eight)), labels(eight));
        assert_eq!(
            labels(eight).below(&labels("h=2,z=2")).to_string(),
            "a=1,b=1,c=1,d=1,e=1,f=1,h=2,z=2"
        );
        assert_eq!(labels("").below(&labels("")), Labels::default());
    }

    #[test]
    fn each_mistake_is_told() {
        for (text, error) in [
            ("region", LabelError::Form),
            ("=eu", LabelError::Form),
            ("region=", LabelError::Form),
            ("a=b=c", LabelError::Form),
            ("a=b,", LabelError::Form),
            ("a=\u{1b}", LabelError::Form),
            ("region=a-very-far-away-one", LabelError::Long),
            ("name=one-that-is-longer-than-a-name-may-be", LabelError::Long),
            ("a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1", LabelError::Many),
            ("a=1,a=2", LabelError::Twice),
            ("name=fra-b", LabelError::Name),
        ] {
            assert_eq!(text.parse::<Labels>(), Err(error), "{text}");
            assert_eq!(Labels::from_wire(text.as_bytes()), Labels::default());
        }
        assert_eq!(labels("tier=gold,region=eu").to_string(), "region=eu,tier=gold");
    }
}
