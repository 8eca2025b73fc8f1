use std::collections::BTreeMap;

use super::mistake::Mistake;
use super::place::Place;
use crate::config::model::Cluster;

/// One that signs, one that comes and one that goes.
const MAX_KEYS: usize = 3;

/// Keys that cannot be told apart, and what needs one where there is none.
pub(super) fn bad_keys(cluster: &Cluster) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut first = BTreeMap::new();
    for (i, key) in cluster.keys.iter().enumerate() {
        let place = Place::Key(i);
        let before = *first.entry(key.id).or_insert(place);
        if i >= MAX_KEYS {
            let message = format!("key `{}` is one more than the three there may be", key.id);
            mistakes.push(Mistake::at(place, message));
        } else if key.id == 0 {
            mistakes.push(Mistake::at(place, "key `0` has no number".into()));
        } else if before != place {
            mistakes.push(Mistake {
                related: Some((before, "first listed here")),
                ..Mistake::at(place, format!("key `{}` is listed twice", key.id))
            });
        }
    }
    for (place, set) in [(Place::RequireAuth, cluster.require_auth), (Place::Join, cluster.join)] {
        if set && cluster.keys.is_empty() {
            mistakes.push(Mistake {
                hint: Some("add `keys = [{ id = 1, file = \"balance.key\" }]`"),
                ..Mistake::at(place, format!("{} needs a key", place.role()))
            });
        }
    }
    if cluster.max_nodes == 0 {
        mistakes.push(Mistake::at(Place::MaxNodes, "`max-nodes` leaves no room for a node".into()));
    }
    if cluster.state.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
        mistakes.push(Mistake::at(Place::State, "`state` names no file".into()));
    }
    mistakes
}
