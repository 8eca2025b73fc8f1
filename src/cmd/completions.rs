use clap::ValueEnum;

use super::output::{CommandError, Printer};
use super::report::Exit;

/// Print what completes `tb` in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  source <(tb completions bash)\n\nExit codes:\n  \
        0  done\n  \
        2  usage")]
pub(crate) struct CompletionsArgs {
    shell: Shell,
}

/// A shell that there are completions for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl CompletionsArgs {
    pub(crate) fn run(&self, printer: &Printer) -> Result<Exit, CommandError> {
        printer.answer(match self.shell {
            Shell::Bash => include_str!("../../completions/tb.bash"),
            Shell::Elvish => include_str!("../../completions/tb.elv"),
            Shell::Fish => include_str!("../../completions/tb.fish"),
            Shell::Powershell => include_str!("../../completions/_tb.ps1"),
            Shell::Zsh => include_str!("../../completions/_tb"),
        })?;
        Ok(Exit::Done)
    }
}

/// The files in `completions/` are what the command line's definition comes to, with hosts for
/// servers where the generator knows of none.
#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;
    use std::{env, fs};

    use clap::CommandFactory as _;
    use clap_complete::{Generator as _, Shell};

    use super::*;
    use crate::cmd::cli::Cli;

    /// The commands that ask servers.
    const ASKING: [&str; 4] = ["probe", "trace", "ping", "healthcheck"];

    #[test]
    fn completions_are_fresh() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
        for shell in Shell::value_variants() {
            let file = folder.join(shell.file_name("tb"));
            let mut generated = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "tb", &mut generated);
            let generated = String::from_utf8(generated).unwrap();
            let fresh = match shell {
                Shell::Bash => bash(&generated),
                Shell::Fish => fish(&generated),
                _ => generated,
            };
            if env::var_os("TB_UPDATE").is_some() {
                fs::write(&file, &fresh).unwrap();
            }
            assert!(
                fs::read_to_string(&file).is_ok_and(|stored| stored == fresh),
                "{} is stale: TB_UPDATE=1 cargo test completions_are_fresh",
                file.display()
            );
        }
    }

    /// In the functions of the commands that ask, what is no option is a host, and no value a file.
    /// Nor are files the last resort.
    fn bash(generated: &str) -> String {
        let mut asks = false;
        let mut fresh = String::new();
        for line in generated.lines() {
            if let Some(name) = line.trim().strip_prefix("tb__subcmd__") {
                asks = ASKING.iter().any(|asking| name == format!("{asking})"));
            }
            let options = "            COMPREPLY=( $(compgen -W \"${opts}\" -- \"${cur}\") )";
            let line = match line {
                _ if !asks => line.replace(" -o bashdefault -o default tb", " tb"),
                _ if line == options => options.replace("-W \"${opts}\"", "-A hostname"),
                _ => line
                    .replace(" || ${COMP_CWORD} -eq 2 ]]", " ]]")
                    .replace("$(compgen -f \"${cur}\")", ""),
            };
            asks &= line != "    esac";
            let _ = writeln!(fresh, "{line}");
        }
        fresh
    }

    fn fish(generated: &str) -> String {
        let of =
            |command: &str| format!("complete -c tb -n \"__fish_tb_using_subcommand {command}\"");
        let mut fresh = String::new();
        for line in generated.lines() {
            let asks = ASKING.iter().any(|command| line.starts_with(&of(command)));
            let no_file = if asks && line.ends_with(" -r") { " -f" } else { "" };
            let _ = writeln!(fresh, "{line}{no_file}");
        }
        for command in ASKING {
            let _ = writeln!(fresh, "{} -f -a \"(__fish_print_hostnames)\"", of(command));
        }
        fresh
    }
}
