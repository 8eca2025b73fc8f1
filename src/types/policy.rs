use std::collections::BTreeMap;
use std::fmt;

use super::labels::{Labels, ServerLabel};
use super::name::Name;

/// Which TURN servers a client may use, by what they are labelled with, and which of those it would rather.
///
/// The key `name` stands for what a server is called, which is no label: nothing inherits it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// One of each key that stands here must be known of it: of `region=eu`, `region=us` and `tier=gold`
    /// the last and either of the others.
    pub require: Vec<ServerLabel>,
    /// The more keys that stand here it has one of, the better, however far it is.
    pub prefer: Vec<ServerLabel>,
    /// None of these.
    pub exclude: Vec<ServerLabel>,
}

impl Policy {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.require.is_empty() && self.prefer.is_empty() && self.exclude.is_empty()
    }

    /// Whether a TURN server may be used that is known by these labels, and called so.
    pub fn allows(&self, labels: &Labels, name: Option<&Name>) -> bool {
        self.breach(labels, name).is_none()
    }

    /// Why it may not.
    pub fn breach(&self, labels: &Labels, name: Option<&Name>) -> Option<Breach> {
        self.judge(labels, name, |key, wanted| value_of(labels, name, key) == Some(wanted))
    }

    /// Why it may not, whatever else it may say of itself: what is known of it stands.
    pub fn breach_yet(&self, labels: &Labels, name: Option<&Name>) -> Option<Breach> {
        self.judge(labels, name, |key, wanted| may_be(labels, name, key, wanted))
    }

    /// Why nobody may that is below a server which is known by these labels, and called so.
    pub fn breach_below(&self, labels: &Labels, name: Option<&Name>) -> Option<Breach> {
        self.judge(labels, name, |key, wanted| may_be(labels, None, key, wanted))
    }

    /// Whether it may yet say of itself what is excluded.
    pub fn may_exclude(&self, labels: &Labels, name: Option<&Name>) -> bool {
        self.exclude.iter().any(|label| value_of(labels, name, label.key()).is_none())
    }

    /// Of how many keys in [`Policy::prefer`] it has none: the less, the better.
    pub fn misses(&self, labels: &Labels, name: Option<&Name>) -> u8 {
        self.count(|key, wanted| value_of(labels, name, key) == Some(wanted))
    }

    /// Of how many at least, whatever else it may say of itself.
    pub fn misses_yet(&self, labels: &Labels, name: Option<&Name>) -> u8 {
        self.count(|key, wanted| may_be(labels, name, key, wanted))
    }

    /// Of how many at least whoever is below a server with these labels.
    pub fn misses_below(&self, labels: &Labels) -> u8 {
        self.misses_yet(labels, None)
    }

    /// Whether what servers are called matters to it.
    pub fn heeds_names(&self) -> bool {
        let all = self.require.iter().chain(&self.prefer).chain(&self.exclude);
        all.into_iter().any(|label| label.key() == ServerLabel::NAME)
    }

    fn judge(
        &self,
        labels: &Labels,
        name: Option<&Name>,
        has: impl Fn(&str, &str) -> bool,
    ) -> Option<Breach> {
        let is_it =
            |label: &&ServerLabel| value_of(labels, name, label.key()) == Some(label.value());
        let excluded = self.exclude.iter().find(is_it).cloned().map(Breach::Excluded);
        let keys = by_key(&self.require);
        let mut lacking = keys.into_values().filter(|of_key| !any_of(of_key, &has));
        excluded.or_else(|| Some(Breach::Lacking(lacking.next()?.into_iter().cloned().collect())))
    }

    fn count(&self, has: impl Fn(&str, &str) -> bool) -> u8 {
        let missed = by_key(&self.prefer).into_values().filter(|of_key| !any_of(of_key, &has));
        u8::try_from(missed.count()).unwrap_or(u8::MAX)
    }
}

/// What stands between a TURN server and its use, by the caller's policy.
///
/// [How it is matched](crate#when-it-fails).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Breach {
    /// It has this, which is excluded.
    Excluded(ServerLabel),
    /// It is not known to have any of these, of which one is required.
    Lacking(Vec<ServerLabel>),
}

/// What is against it.
impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excluded(label) => write!(f, "`{label}` is excluded"),
            Self::Lacking(labels) => {
                for (n, label) in labels.iter().enumerate() {
                    write!(f, "{}`{label}`", if n == 0 { "" } else { " or " })?;
                }
                f.write_str(" is required")
            }
        }
    }
}

fn by_key(labels: &[ServerLabel]) -> BTreeMap<&str, Vec<&ServerLabel>> {
    let mut keys: BTreeMap<_, Vec<_>> = BTreeMap::new();
    labels.iter().for_each(|label| keys.entry(label.key()).or_default().push(label));
    keys
}

fn any_of(labels: &[&ServerLabel], has: impl Fn(&str, &str) -> bool) -> bool {
    labels.iter().any(|label| has(label.key(), label.value()))
}

/// What stands under a key.
fn value_of<'a>(labels: &'a Labels, name: Option<&'a Name>, key: &str) -> Option<&'a str> {
    if key == ServerLabel::NAME { name.map(Name::as_str) } else { labels.get(key) }
}

/// Whether that is it, or nothing is known.
fn may_be(labels: &Labels, name: Option<&Name>, key: &str, wanted: &str) -> bool {
    value_of(labels, name, key).is_none_or(|value| value == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        text.parse().unwrap()
    }

    fn all(texts: &str) -> Vec<ServerLabel> {
        texts.split(',').filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect()
    }

    fn policy(require: &str, prefer: &str, exclude: &str) -> Policy {
        Policy { require: all(require), prefer: all(prefer), exclude: all(exclude) }
    }

    #[test]
    fn one_value_of_each_required_key_is_known_and_none_that_is_excluded() {
        let policy = policy("region=eu,region=us,tier=gold", "", "name=fra-b,net=x");
        let name = "fra-b".parse().ok();
        for (text, allowed) in [
            ("region=eu,tier=gold", true),
            ("region=us,tier=gold", true),
            ("region=eu", false),
            ("region=af,tier=gold", false),
            ("region=eu,tier=gold,net=x", false),
            ("", false),
        ] {
            assert_eq!(policy.allows(&labels(text), None), allowed, "{text}");
            assert!(!policy.allows(&labels(text), name.as_ref()));
        }
        let tier = policy.breach(&labels("region=us"), None).unwrap();
        assert_eq!(tier, Breach::Lacking(all("tier=gold")));
    }

    #[test]
    fn what_stands_above_is_not_mended_below() {
        let policy = policy("region=eu,region=us,name=fra-b", "tier=gold,net=x", "net=y");
        for (text, ruled_out, misses) in [
            ("", false, 0),
            ("region=us", false, 0),
            ("region=af", true, 0),
            ("net=y", true, 1),
            ("tier=gold,net=z", false, 1),
        ] {
            assert_eq!(policy.breach_below(&labels(text), None).is_some(), ruled_out, "{text}");
            assert_eq!(policy.misses_below(&labels(text)), misses, "{text}");
        }
        // Of a leaf it is known what it is called.
        let name = "fra-c".parse().ok();
        assert!(policy.breach_yet(&labels(""), name.as_ref()).is_some());
        assert!(policy.breach_below(&labels(""), name.as_ref()).is_none());
        assert_eq!(policy.misses(&labels("tier=gold"), None), 1);
        assert_eq!(policy.misses(&labels(""), None), 2);
    }
}
