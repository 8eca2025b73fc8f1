//! Which file needs which, and for what: a path counts for the file that defines the item at its
//! end, whatever re-exports it goes through. Methods are not seen: where the file that has an
//! `impl` is not the one that has the type, nothing in a call says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::Files;
use crate::tree::{Module, read};

/// The name by which the binary knows the library.
const LIBRARY: &str = "turn_balance";

/// For each file and each other that it needs: the items. Sorted, so that a report is the same
/// each time.
pub(crate) type Imports = BTreeMap<(String, String), BTreeSet<String>>;

/// The imports of the library and the binary among these files.
pub(crate) fn imports(files: &Files) -> Imports {
    let modules = Modules(read(files, &["lib.rs", "main.rs"]));
    let mut imports = Imports::new();
    for (at, module) in modules.0.iter().enumerate() {
        for (from, path) in &module.named {
            let found = modules.resolve(at, path, &mut BTreeSet::new());
            let ours = ["crate", "self", "super", LIBRARY].contains(&path[0].as_str());
            assert!(!ours || !found.is_empty(), "{from}: nothing defines {}", path.join("::"));
            for (to, item) in found.items.into_iter().filter(|(to, _)| to != from) {
                imports.entry((from.clone(), to)).or_default().insert(item);
            }
        }
    }
    imports
}

/// One import, as reports show it.
pub(crate) fn line((from, to): &(String, String), items: &BTreeSet<String>) -> String {
    let items: Vec<_> = items.iter().map(String::as_str).collect();
    format!("{from} -> {to}: {}", items.join(", "))
}

/// What a path leads to: a name can stand for a module and for an item at once.
#[derive(Default)]
struct Found {
    modules: BTreeSet<usize>,
    /// The files that define them, and their names there.
    items: BTreeSet<(String, String)>,
    /// It is imported, and not from here.
    foreign: bool,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.modules.is_empty() && self.items.is_empty() && !self.foreign
    }

    fn extend(&mut self, other: Self) {
        self.foreign |= other.foreign;
        self.modules.extend(other.modules);
        self.items.extend(other.items);
    }
}

/// The names that are being looked up, each in its module: a re-export may lead to itself.
type Pending<'a> = BTreeSet<(usize, &'a str)>;

struct Modules(Vec<Module>);

impl Modules {
    /// What a path that stands in a module leads to.
    fn resolve<'a>(&'a self, at: usize, path: &'a [String], pending: &mut Pending<'a>) -> Found {
        let [first, rest @ ..] = path else { return Found::default() };
        let mut found = match first.as_str() {
            "crate" => self.module(Some(self.0[at].root)),
            "self" | "super" => self.step(at, first, pending),
            name => match self.step(at, name, pending) {
                found if found.is_empty() && name == LIBRARY => self.module(Some(0)),
                found => found,
            },
        };
        for name in rest {
            let mut next = Found::default();
            for module in found.modules {
                next.extend(self.step(module, name, pending));
            }
            // Behind an item are its variants, constants and functions: they are the item's.
            if next.is_empty() {
                (next.items, next.foreign) = (found.items, found.foreign);
            }
            found = next;
        }
        found
    }

    fn module(&self, at: Option<usize>) -> Found {
        Found { modules: at.into_iter().collect(), ..Found::default() }
    }

    /// What one name stands for in a module.
    fn step<'a>(&'a self, at: usize, name: &'a str, pending: &mut Pending<'a>) -> Found {
        let module = &self.0[at];
        match name {
            "self" => return self.module(Some(at)),
            "super" => return self.module(module.parent),
            _ => {}
        }
        let mut found = self.module(module.children.get(name).copied());
        let files = module.defined.get(name).into_iter().flatten();
        found.items.extend(files.map(|file| (file.clone(), name.to_owned())));
        if !pending.insert((at, name)) {
            return found;
        }
        for (_, path) in module.imports.iter().filter(|(as_, _)| as_.as_deref() == Some(name)) {
            let imported = self.resolve(at, path, pending);
            found.foreign |= imported.is_empty();
            found.extend(imported);
        }
        // What is named hides what a `*` brings in.
        let globs = module.imports.iter().filter(|(as_, _)| as_.is_none());
        if found.is_empty() {
            for (_, path) in globs {
                for module in self.resolve(at, path, pending).modules {
                    found.extend(self.step(module, name, pending));
                }
            }
        }
        pending.remove(&(at, name));
        found
    }
}
