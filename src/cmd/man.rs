//! The pages in `packaging/man` are what the command line's definition comes to, and the configuration's as
//! `examples/configs/full.toml` explains it. Nothing of this is in the program.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use clap::CommandFactory as _;
use clap_mangen::Man;
use turn_balance_lab::loopback::skipped;

use super::cli::Cli;

const FULL: &str = include_str!("../../examples/configs/full.toml");

#[test]
fn the_page_of_a_server_has_what_its_operator_looks_for() {
    let mut tb = Cli::command();
    tb.build();
    let serve = page(tb.find_subcommand("serve").unwrap().clone());
    for part in ["\\-\\-config\\fR \\fIFILE\\fR]", "  HUP ", "  TERM ", ".BR balance.toml (5)"] {
        assert!(serve.contains(part), "{part}");
    }
}

#[test]
fn man_pages_are_fresh_and_groff_likes_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/man");
    let mut pages = vec![("balance.toml.5".to_owned(), configuration(FULL))];
    let mut tb = Cli::command().name("tb").display_name("tb").disable_help_subcommand(true);
    tb.build();
    for command in tb.get_subcommands() {
        let name = format!("tb-{}", command.get_name());
        pages.push((format!("{name}.1"), page(command.clone().display_name(name))));
    }
    pages.push(("tb.1".to_owned(), page(tb)));
    for (name, fresh) in &pages {
        let file = folder.join(name);
        if env::var_os("TB_UPDATE").is_some() {
            fs::write(&file, fresh).unwrap();
        }
        assert!(
            fs::read_to_string(&file).is_ok_and(|stored| stored == *fresh),
            "{} is stale: TB_UPDATE=1 cargo test man_pages",
            file.display()
        );
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), pages.len(), "what is too much in it?");
    for (name, _) in &pages {
        let mut man = Command::new("man");
        man.args(["--warnings", "--local-file", "-EUTF-8", "-Tutf8", "-Z"]).arg(folder.join(name));
        match man.output() {
            Ok(said) => {
                assert_eq!(String::from_utf8_lossy(&said.stderr), "", "{name}");
                assert!(said.status.success(), "{name}");
            }
            Err(error) => {
                assert!(env::var_os("CI").is_none(), "no man, and CI is set: {error}");
                return skipped("there is no man: nothing looks at the pages in packaging/man");
            }
        }
    }
}

fn page(command: clap::Command) -> String {
    let mut written = Vec::new();
    let source = concat!("turn-balance ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source).manual("turn-balance");
    man.render(&mut written).unwrap();
    with_values(&String::from_utf8(written).unwrap(), &command) + &see_also(&command)
}

/// The synopsis says which flags have values; `clap_mangen` leaves that to the options below it.
fn with_values(page: &str, command: &clap::Command) -> String {
    let line = |line: &str| match line.starts_with("\\fBtb") {
        true => command.get_opts().fold(line.to_owned(), |line, flag| {
            let flags = flag.get_long().unwrap_or_default().replace('-', "\\-");
            let bare = format!("\\fB\\-\\-{flags}\\fR]");
            let values = flag.get_value_names().unwrap_or_default().join(" ");
            assert!(!values.is_empty() && line.contains(&bare), "{flags}");
            let values = format!("\\fI{}\\fR", escape(&values));
            let needs_one = flag.get_num_args().is_none_or(|range| range.min_values() > 0);
            let values = if needs_one { format!(" {values}") } else { format!("[={values}]") };
            line.replace(&bare, &format!("{}{values}]", &bare[..bare.len() - 1]))
        }),
        false => line.to_owned(),
    };
    let page = page.replace(" \\fR]", "\\fR]"); // behind flags of one letter
    let lines: Vec<_> = page.lines().map(line).collect();
    lines.join("\n") + "\n"
}

/// What else there is to read.
fn see_also(command: &clap::Command) -> String {
    let below = command.get_subcommands().map(|command| format!("tb-{}", command.get_name()));
    let mut pages: Vec<_> = below.map(|name| (name, 1)).collect();
    if pages.is_empty() {
        pages.push(("tb".to_owned(), 1));
    }
    if ["tb", "serve"].contains(&command.get_name()) {
        pages.push(("balance.toml".to_owned(), 5));
    }
    let pages = pages.iter().map(|(name, section)| format!(".BR {} ({section})", escape(name)));
    format!(".SH \"SEE ALSO\"\n{}\n", Vec::from_iter(pages).join(",\n"))
}

/// balance.toml(5): a section for each of the file's, and what stands above a key below it.
fn configuration(full: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".TH balance.toml 5 \"\" \"turn-balance {version}\" turn-balance\n.SH NAME\n\
         balance.toml \\- the configuration of a balance server\n.SH DESCRIPTION\n\
         .BR tb-serve (1)\nreads it, and it is TOML.\n"
    );
    let full = full.replacen("Every key there is. Each of them", "Each key", 1);
    for block in full.split("\n\n") {
        let mut lines = block.lines().peekable();
        while let Some(section) = lines.next_if(|line| line.starts_with('[')) {
            let _ = writeln!(page, ".SH {}", escape(section));
        }
        let mut text = Vec::new();
        while let Some(line) = lines.next_if(|line| is_comment(line)) {
            text.push(line.trim_start_matches('#'));
        }
        let keys: Vec<_> = lines.collect();
        if keys.is_empty() {
            write_text(&mut page, &text);
            page.push_str(
                "The values below are examples, and not what holds where a key is left out.\n",
            );
            continue;
        }
        page.push_str(".TP\n.nf\n");
        for line in keys {
            let _ = writeln!(page, "\\fB{}\\fR", escape(line.trim_start_matches("# ")));
        }
        page.push_str(".fi\n.RS\n");
        write_text(&mut page, &text);
        page.push_str(".RE\n");
    }
    page + ".SH SEE ALSO\n.BR tb (1),\n.BR tb-serve (1)\n"
}

/// Whether a line explains, and is no key that is commented out.
fn is_comment(line: &str) -> bool {
    let key = |text: &str| {
        text.split_once(" = ")
            .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
    };
    line.strip_prefix('#').is_some_and(|text| !text.strip_prefix(' ').is_some_and(key))
}

/// Paragraphs, and what is indented as it stands.
fn write_text(page: &mut String, lines: &[&str]) {
    let mut as_it_stands = false;
    for line in lines {
        let indented = line.starts_with("   ");
        if indented != as_it_stands {
            page.push_str(if indented { ".nf\n" } else { ".fi\n" });
            as_it_stands = indented;
        }
        if line.starts_with(" Default:") {
            page.push_str(".br\n");
        }
        let _ = writeln!(page, "{}", escape(if indented { line } else { line.trim_start() }));
    }
    if as_it_stands {
        page.push_str(".fi\n");
    }
}

/// What roff takes for itself.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
