//! The files in `completions/` are what the command line's definition comes to.

use std::path::Path;
use std::{env, fs};

use clap::{CommandFactory as _, ValueEnum as _};
use clap_complete::{Generator as _, Shell};

use super::cli::Cli;

#[test]
fn completions_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for shell in Shell::value_variants() {
        let file = folder.join(shell.file_name("tb"));
        let mut fresh = Vec::new();
        clap_complete::generate(*shell, &mut Cli::command(), "tb", &mut fresh);
        if env::var_os("TB_UPDATE").is_some() {
            fs::write(&file, &fresh).unwrap();
        }
        assert!(
            fs::read(&file).is_ok_and(|stored| stored == fresh),
            "{} is stale: TB_UPDATE=1 cargo test completions_are_fresh",
            file.display()
        );
    }
}
