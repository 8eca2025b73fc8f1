use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::ConfigError;
use super::file;
use super::model::Config;

/// The largest file: room for 10,000 nodes with names, and a wrong path does not fill the memory.
const MAX_BYTES: u64 = 1 << 20;

impl Config {
    /// Reads and checks a file, and the key files that it names. Where these are relative, they are
    /// so to its folder.
    ///
    /// # Errors
    /// [`ConfigError`]: the file cannot be read ([`ConfigError::unreadable`]), or has errors.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let origin = path.display().to_string();
        let text = read(path).map_err(|error| ConfigError::in_reading(&origin, error))?;
        parse(&text, &origin, Some(path))
    }

    /// Reads and checks a text, but no key files; `origin` is what errors call it.
    ///
    /// # Errors
    /// [`ConfigError`], with every error of the text.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        parse(text, origin, None)
    }
}

/// With the path of the file, key files are looked for in its folder, and read.
fn parse(text: &str, origin: &str, path: Option<&Path>) -> Result<Config, ConfigError> {
    file::read(text, path).map_err(|diagnostics| ConfigError::in_text(origin, text, diagnostics))
}

fn read(path: &Path) -> io::Result<String> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidData, why);

    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid("it is larger than 1 MiB".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        invalid(format!("line {line} is not UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    /// Why a file with this content cannot be read.
    fn failure(name: &str, content: &[u8]) -> Option<String> {
        let path = std::env::temp_dir().join(format!("tb-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        let result = Config::load(&path);
        std::fs::remove_file(&path).unwrap();
        let error = result.err()?;
        assert_eq!(error.to_string(), format!("cannot read `{}`", path.display()));
        Some(error.source()?.to_string())
    }

    #[test]
    fn a_file_that_is_not_there() {
        let error = Config::load("no-such-folder/balance.toml").unwrap_err();
        assert_eq!(error.to_string(), "cannot read `no-such-folder/balance.toml`");
        assert_eq!(error.unreadable().unwrap().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_folder() {
        let error = Config::load(std::env::temp_dir()).unwrap_err();
        assert!(error.unreadable().is_some());
    }

    #[test]
    fn sizes() {
        let mut file = vec![b'#'; MAX_BYTES as usize];
        assert_eq!(failure("fits", &file), None);
        file.push(b'#');
        assert_eq!(failure("large", &file).unwrap(), "it is larger than 1 MiB");
    }

    #[test]
    fn not_utf8() {
        let why = failure("latin1", b"[net]\n# caf\xe9\n").unwrap();
        assert_eq!(why, "line 2 is not UTF-8");
    }

    #[test]
    fn ten_thousand_nodes_fit() {
        let node = |i: u32| {
            let ip = std::net::Ipv4Addr::from(0x7f01_0000 + i);
            format!("{{ addr = '{ip}:3001', public = '203.0.113.7:{i}', name = '{i:0>32}' }},\n")
        };
        let nodes: String = (1..=10_000).map(node).collect();
        let file = format!("[cluster]\nnodes = [\n{nodes}]\n");
        assert_eq!(failure("many", file.as_bytes()), None);
    }
}
