//! What servers read: a file each, right or wrong, and keys.

use std::fs;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::place::{Place, SERVERS};

/// How many ways there are in which a file is wrong.
pub(crate) const WRONG: usize = 6;

pub(crate) struct Files {
    folder: PathBuf,
    /// Which steps of changing the key each has taken.
    steps: [usize; SERVERS],
    /// What is another with each reload.
    edition: usize,
}

impl Files {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), steps: [0; SERVERS], edition: 0 }
    }

    /// Whatever is written from now on says something else.
    pub(crate) fn edit(&mut self) {
        self.edition += 1;
    }

    /// The next step of changing the key, at this one.
    pub(crate) fn next_key(&mut self, place: Place) {
        self.steps[place.0] += 1;
    }

    /// Keeps what a process has logged.
    pub(crate) fn keep(&self, place: Place, log: &str) -> io::Result<()> {
        let file = self.folder.join(format!("{}.log", place.name()));
        fs::OpenOptions::new().append(true).create(true).open(file)?.write_all(log.as_bytes())
    }

    /// What a server reads.
    pub(crate) fn of(&self, place: Place) -> PathBuf {
        self.folder.join(format!("{}.toml", place.name()))
    }

    /// Writes the file of a server, as it should be, or wrong in one way.
    pub(crate) fn write(&self, place: Place, wrong: Option<usize>) -> io::Result<()> {
        let text = self.config(place)?;
        let text = match wrong {
            None => text,
            Some(0) => text + "nett = 1\n",
            Some(1) => text.replace(".key'", ".kez'"),
            Some(2) => String::new(),
            Some(3) => text[..text.len() / 2].to_owned() + "\nbind = '",
            Some(4) => {
                text.replace("[net]", &format!("[turn]\nbind = '{}'\n[net]", place.server()))
            }
            Some(_) => return fs::remove_file(self.of(place)),
        };
        fs::write(self.of(place), text)
    }

    fn config(&self, place: Place) -> io::Result<String> {
        let quoted = |places: Vec<Place>| {
            places
                .iter()
                .map(|place| format!("'{}'", place.server()))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (name, folder) = (place.name(), self.folder.display());
        let keys = keys(self.steps[place.0]);
        keys.iter().try_for_each(|id| self.make_key(*id))?;
        let keys = keys.iter().map(|id| format!("{{ id = {id}, file = '{folder}/{id}.key' }}"));
        let below = match place.lets_join() {
            true => format!("join = true\nstate = '{folder}/{name}.joined'\n"),
            false => format!("nodes = [{}]\n", quoted(place.nodes().collect())),
        };
        let turn = match place.is_leaf() {
            true => format!("[turn]\nbind = '{}'\n", place.turn()),
            false => String::new(),
        };
        Ok(format!(
            "[net]\nbind = '{}'\nname = '{name}'\ndrain = '2s'\n\
             [cluster]\nkeys = [{}]\nrequire-auth = true\nsuperiors = [{}]\n{below}{turn}\
             [limits]\nipv4-32 = {}\n",
            place.server(),
            keys.collect::<Vec<_>>().join(", "),
            quoted(place.superiors()),
            20 + self.edition % 5,
        ))
    }

    fn make_key(&self, id: usize) -> io::Result<()> {
        let file = self.folder.join(format!("{id}.key"));
        if file.exists() {
            return Ok(());
        }
        fs::write(&file, id.to_be_bytes().repeat(4))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))
    }
}

/// The keys after so many steps of changing them, of which the first signs: the new one is added, then signs, and
/// then the old one goes.
fn keys(steps: usize) -> Vec<usize> {
    let old = steps / 3 + 1;
    match steps % 3 {
        0 => vec![old],
        1 => vec![old, old + 1],
        _ => vec![old + 1, old],
    }
}
