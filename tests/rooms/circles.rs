//! Files that need each other, directly or round a corner.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Imports, line};

/// Each circle with the imports that tie its files.
pub(crate) fn circles(imports: &Imports) -> Vec<String> {
    let mut needs = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (from, to) in imports.keys() {
        needs.entry(from).or_default().insert(to);
    }
    let reached: BTreeMap<_, _> = needs.keys().map(|file| (*file, reach(&needs, file))).collect();
    let reaches = |a: &str, b: &str| reached.get(a).is_some_and(|files| files.contains(b));
    let circle = |file: &&str| -> BTreeSet<&str> {
        let back = |other: &&str| reaches(other, file);
        reached[file].iter().copied().filter(back).collect()
    };
    let circles: BTreeSet<_> = reached.keys().map(circle).filter(|it| !it.is_empty()).collect();
    let ties = |circle: &BTreeSet<&str>| {
        let inside = |file: &String| circle.contains(file.as_str());
        let inside = imports.iter().filter(|((from, to), _)| inside(from) && inside(to));
        inside.map(|(files, items)| line(files, items) + "\n").collect()
    };
    circles.iter().map(ties).collect()
}

/// All files that a file needs, directly or round a corner: itself, if it stands in a circle.
fn reach<'a>(needs: &BTreeMap<&str, BTreeSet<&'a str>>, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<_> = needs.get(file).into_iter().flatten().copied().collect();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(needs.get(file).into_iter().flatten());
        }
    }
    reached
}
