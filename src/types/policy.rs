use std::collections::BTreeSet;

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

    /// Why it may not: the label that it has and must not have, or one that it would have to have.
    pub fn breach(&self, labels: &Labels, name: Option<&Name>) -> Option<Breach<'_>> {
        let value = |key: &str| value_of(labels, name, key);
        self.excluded(labels, name).map(Breach::Excluded).or_else(|| {
            let missing = missing(&self.require, |key, wanted| wanted == value(key)).next();
            missing.map(Breach::Missing)
        })
    }

    /// Why nobody below a server that is known by these labels, and called so, may be used, whatever is
    /// known of him later: labels that stand above cannot be mended below.
    pub fn breach_below(&self, labels: &Labels, name: Option<&Name>) -> Option<Breach<'_>> {
        self.excluded(labels, name).map(Breach::Excluded).or_else(|| {
            let missing = missing(&self.require, |key, wanted| may_become(labels, key, wanted));
            missing.map(Breach::Missing).next()
        })
    }

    /// How many of the keys that stand in [`Policy::prefer`] it has none of: the less, the better.
    pub fn misses(&self, labels: &Labels, name: Option<&Name>) -> u8 {
        count(missing(&self.prefer, |key, wanted| wanted == value_of(labels, name, key)))
    }

    /// How many of them whoever is below has none of, at least.
    pub fn misses_below(&self, labels: &Labels) -> u8 {
        count(missing(&self.prefer, |key, wanted| may_become(labels, key, wanted)))
    }

    /// Whether what servers are called matters to it.
    pub fn heeds_names(&self) -> bool {
        let all = self.require.iter().chain(&self.prefer).chain(&self.exclude);
        all.into_iter().any(|label| label.key() == ServerLabel::NAME)
    }

    fn excluded(&self, labels: &Labels, name: Option<&Name>) -> Option<&ServerLabel> {
        self.exclude.iter().find(|label| value_of(labels, name, label.key()) == Some(label.value()))
    }
}

/// What stands between a server and its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach<'a> {
    /// It has this, and none of these may be used.
    Excluded(&'a ServerLabel),
    /// It has not this, nor anything else of that key that would do.
    Missing(&'a ServerLabel),
}

/// What stands under a key.
fn value_of<'a>(labels: &'a Labels, name: Option<&'a Name>, key: &str) -> Option<&'a str> {
    if key == ServerLabel::NAME { name.map(Name::as_str) } else { labels.get(key) }
}

/// Whether one below a server with these labels may have this one.
fn may_become(labels: &Labels, key: &str, wanted: Option<&str>) -> bool {
    key == ServerLabel::NAME || labels.get(key).is_none() || labels.get(key) == wanted
}

/// The first of each key of which none holds.
fn missing<'a>(
    wanted: &'a [ServerLabel],
    holds: impl Fn(&str, Option<&str>) -> bool,
) -> impl Iterator<Item = &'a ServerLabel> {
    let holds = move |label: &ServerLabel| holds(label.key(), Some(label.value()));
    let mut keys = BTreeSet::new();
    wanted.iter().filter(move |first| {
        let of_key = |label: &&ServerLabel| label.key() == first.key();
        keys.insert(first.key()) && !wanted.iter().filter(of_key).any(&holds)
    })
}

fn count<'a>(labels: impl Iterator<Item = &'a ServerLabel>) -> u8 {
    u8::try_from(labels.count()).unwrap_or(u8::MAX)
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
        assert_eq!(tier, Breach::Missing(&"tier=gold".parse().unwrap()));
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
        assert_eq!(policy.misses(&labels("tier=gold"), None), 1);
        assert_eq!(policy.misses(&labels(""), None), 2);
    }
}
