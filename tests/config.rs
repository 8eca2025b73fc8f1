//! Every file of `tests/config/good` and `examples/configs` loads; what is said of those of
//! `tests/config/bad` is written beside them. `TB_UPDATE=1` writes it anew.

use std::path::{Path, PathBuf};
use std::{env, fs};

use turn_balance::Config;

#[test]
fn good_files_load() {
    for path in files("tests/config/good") {
        let config = load(&path).unwrap_or_else(|error| panic!("{error}"));
        let again = Config::parse(&config.to_toml(), "to_toml");
        assert_eq!(again.unwrap(), config, "{}", path.display());
    }
}

#[test]
fn bad_files_do_not() {
    for path in files("tests/config/bad") {
        let said = load(&path).unwrap_err() + "\n";
        let snapshot = path.with_extension("stderr");
        if env::var_os("TB_UPDATE").is_some() {
            fs::write(&snapshot, &said).unwrap();
        }
        let expected = fs::read_to_string(&snapshot).unwrap_or_default();
        assert_eq!(said, expected, "{}", snapshot.display());
    }
}

#[test]
fn examples_load() {
    let paths = files("examples/configs");
    assert!(paths.len() >= 10);
    for path in paths {
        load(&path).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Loads a file; errors call it by its name alone, so that they are the same everywhere.
fn load(path: &Path) -> Result<Config, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Config::parse(&text, &name).map_err(|error| error.to_string())
}

/// The TOML files of a folder of the package.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}
