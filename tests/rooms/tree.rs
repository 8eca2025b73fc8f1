//! The modules of a tree of files: what each defines, imports and names.
//!
//! It is read as it stands, for every system and every feature at once. Code for tests is left out:
//! items with `#[cfg(test)]` or `#[test]`, modules among them.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use syn::buffer::{Cursor, TokenBuffer};
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, Item, Lit, Macro, Meta, UseTree, Visibility};

use crate::Files;

/// The segments of a path, such as `crate`, `a`, `X`.
pub(crate) type Path = Vec<String>;

/// A module: a file, several of which each system has one, or a part of a file.
#[derive(Default)]
pub(crate) struct Module {
    /// What `super` is; of a crate's root nothing.
    pub(crate) parent: Option<usize>,
    /// What `crate` is.
    pub(crate) root: usize,
    pub(crate) children: BTreeMap<String, usize>,
    /// The items of its own, and the files that define them.
    pub(crate) defined: BTreeMap<String, BTreeSet<String>>,
    /// What `use` brings in, re-exports among it: as which name, or all of it, and from where.
    pub(crate) imports: Vec<(Option<String>, Path)>,
    /// The paths that its code has, re-exports not among them, each with the file it stands in.
    pub(crate) named: BTreeSet<(String, Path)>,
}

/// Reads all modules of the crates with these roots.
pub(crate) fn read(files: &Files, roots: &[&str]) -> Vec<Module> {
    let mut modules = Vec::new();
    for root in roots.iter().filter(|root| files.contains_key(**root)) {
        let at = modules.len();
        modules.push(Module { root: at, ..Module::default() });
        let (file, folder) = (root.to_string(), String::new());
        Reader { files, modules: &mut modules, at, file, folder }.read_file();
    }
    modules
}

/// The names of a file's own types, tests' left out.
pub(crate) fn types(file: &syn::File) -> impl Iterator<Item = String> {
    let is_type = |item: &&Item| matches!(item, Item::Struct(_) | Item::Enum(_) | Item::Trait(_));
    file.items.iter().filter(|item| !is_test(attributes(item))).filter(is_type).map(name)
}

/// Walks through the code of one module.
struct Reader<'a> {
    files: &'a Files,
    modules: &'a mut Vec<Module>,
    at: usize,
    file: String,
    /// Where the files of its child modules are: empty, or with a slash at its end.
    folder: String,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        &mut self.modules[self.at]
    }

    fn read_file(&mut self) {
        let parsed = syn::parse_file(&self.files[&self.file]);
        let parsed = parsed.unwrap_or_else(|error| panic!("{}: {error}", self.file));
        self.read(&parsed.items);
    }

    fn read(&mut self, items: &[Item]) {
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            let file = self.file.clone();
            let defined = &mut self.module().defined;
            defined.entry(name(item)).or_default().insert(file);
            self.visit_item(item);
            // What is handed to a macro as items is taken for items of this module.
            if let Item::Macro(item) = item
                && item.ident.is_none()
                && let Ok(handed) = item.mac.parse_body::<syn::File>()
            {
                self.read(&handed.items);
            }
        }
    }

    /// A child module: more of it, where it has been met for another system.
    fn child(&mut self, name: String) -> usize {
        let (at, root, new) = (self.at, self.module().root, self.modules.len());
        let child = *self.module().children.entry(name).or_insert(new);
        if child == new {
            self.modules.push(Module { parent: Some(at), root, ..Module::default() });
        }
        child
    }

    fn names(&mut self, path: Path) {
        let file = self.file.clone();
        self.module().named.insert((file, path));
    }

    /// All paths in what a macro is given, which need not be Rust. What follows one dot is a field or
    /// method.
    fn scan(&mut self, mut cursor: Cursor<'_>) {
        let mut path = Path::new();
        let mut last = [' '; 2];
        while !cursor.eof() {
            if let Some((ident, next)) = cursor.ident() {
                if last != [':', ':'] {
                    self.scanned(&mut path);
                }
                if last[1] != '.' || last[0] == '.' {
                    path.push(ident.to_string());
                }
                (last, cursor) = ([' '; 2], next);
            } else if let Some((punct, next)) = cursor.punct() {
                (last, cursor) = ([last[1], punct.as_char()], next);
            } else if let Some((inner, _, _, next)) = cursor.any_group() {
                self.scanned(&mut path);
                self.scan(inner);
                (last, cursor) = ([' '; 2], next);
            } else {
                last = [' '; 2];
                cursor = cursor.token_tree().map_or(cursor, |(_, next)| next);
            }
        }
        self.scanned(&mut path);
    }

    fn scanned(&mut self, path: &mut Path) {
        if !path.is_empty() {
            self.names(mem::take(path));
        }
    }

    fn imported(&mut self, tree: &UseTree, mut path: Path, public: bool) {
        let mut name = match tree {
            UseTree::Path(tree) => {
                path.push(text(&tree.ident));
                return self.imported(&tree.tree, path, public);
            }
            UseTree::Group(group) => {
                let each = |tree| self.imported(tree, path.clone(), public);
                return group.items.iter().for_each(each);
            }
            UseTree::Glob(_) => None,
            UseTree::Name(name) => {
                path.push(text(&name.ident));
                path.last().cloned()
            }
            UseTree::Rename(name) => {
                path.push(text(&name.ident));
                Some(text(&name.rename))
            }
        };
        // `use a::{self}` is `use a`.
        if path.len() > 1 && path[path.len() - 1] == "self" {
            path.pop();
            name =
                name.map(|name| if name == "self" { path[path.len() - 1].clone() } else { name });
        }
        if !public {
            self.names(path.clone());
        }
        self.module().imports.push((name, path));
    }
}

impl Visit<'_> for Reader<'_> {
    fn visit_item(&mut self, item: &Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        let name = text(&item.ident);
        let at = self.child(name.clone());
        let inner = format!("{}{name}", self.folder);
        if let Some((_, items)) = &item.content {
            let (file, folder) = (self.file.clone(), format!("{inner}/"));
            let (files, modules) = (self.files, &mut *self.modules);
            return Reader { files, modules, at, file, folder }.read(items);
        }
        let mut places = vec![
            (format!("{inner}.rs"), format!("{inner}/")),
            (format!("{inner}/mod.rs"), format!("{inner}/")),
        ];
        let beside = self.file.rsplit_once('/').map_or(String::new(), |(dir, _)| format!("{dir}/"));
        let elsewhere = item.attrs.iter().flat_map(paths);
        places.extend(elsewhere.map(|path| (format!("{beside}{path}"), beside.clone())));
        places.retain(|(file, _)| self.files.contains_key(file));
        assert!(!places.is_empty(), "{}: no file for `mod {name}`", self.file);
        for (file, folder) in places {
            let (files, modules) = (self.files, &mut *self.modules);
            Reader { files, modules, at, file, folder }.read_file();
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        let public = !matches!(item.vis, Visibility::Inherited);
        self.imported(&item.tree, Path::new(), public);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        self.names(path.segments.iter().map(|segment| text(&segment.ident)).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &Macro) {
        self.scan(TokenBuffer::new2(item.tokens.clone()).begin());
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.scan(TokenBuffer::new2(list.tokens.clone()).begin());
        }
        visit::visit_attribute(self, attribute);
    }
}

fn text(ident: &syn::Ident) -> String {
    ident.unraw().to_string()
}

/// The name of an item that others can import. An empty one stands for none.
fn name(item: &Item) -> String {
    let ident = match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    };
    ident.map(text).unwrap_or_default()
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is compiled for tests alone.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let cfg = attribute.path().is_ident("cfg");
        let condition = cfg.then(|| attribute.parse_args::<Meta>().unwrap());
        attribute.path().is_ident("test") || condition.is_some_and(|meta| needs_test(&meta))
    })
}

fn needs_test(condition: &Meta) -> bool {
    let path = condition.path();
    let mut parts = match condition {
        Meta::List(list) if !path.is_ident("not") => metas(list).into_iter(),
        _ => return path.is_ident("test") || path.is_ident("doctest"),
    };
    if path.is_ident("any") {
        parts.all(|part| needs_test(&part))
    } else {
        parts.any(|part| needs_test(&part))
    }
}

/// The files that `#[path]` gives a module, on some system at least.
fn paths(attribute: &Attribute) -> Vec<String> {
    let path = |meta: &Meta| {
        let Meta::NameValue(pair) = meta else { return None };
        let Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) = &pair.value else { return None };
        pair.path.is_ident("path").then(|| path.value())
    };
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            metas(list).iter().filter_map(path).collect()
        }
        meta => path(meta).into_iter().collect(),
    }
}

fn metas(list: &syn::MetaList) -> Vec<Meta> {
    let comma = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
    list.parse_args_with(comma).map(|metas| metas.into_iter().collect()).unwrap_or_default()
}
