use clap::{Args, ValueEnum};

/// What the answer looks like.
#[derive(Debug, Args)]
pub(crate) struct FormatArgs<F>
where
    F: ValueEnum + From<OutputFormat> + Send + Sync + 'static,
{
    /// What to print
    #[arg(long, env = "TB_FORMAT", hide_env_values = true, default_value = "text")]
    format: F,

    /// Short for `--format json`, whatever TB_FORMAT says
    #[arg(long)] // no conflict with `format`: a variable would count as one
    json: bool,
}

impl<F> FormatArgs<F>
where
    F: ValueEnum + From<OutputFormat> + Send + Sync + 'static,
{
    pub(crate) fn get(&self) -> F {
        if self.json { OutputFormat::Json.into() } else { self.format.clone() }
    }
}

/// What every client command can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people, awk and shell scripts
    Text,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        format: FormatArgs<OutputFormat>,
    }

    fn parse(words: &[&str]) -> Line {
        Line::try_parse_from(["tb"].iter().chain(words)).unwrap()
    }

    #[test]
    fn short_for_a_format() {
        assert_eq!(parse(&[]).format.get(), OutputFormat::Text);
        assert_eq!(parse(&["--format", "jsonl"]).format.get(), OutputFormat::Jsonl);
        assert_eq!(parse(&["--json"]).format.get(), OutputFormat::Json);
        // As when TB_FORMAT says text.
        let line = parse(&["--format", "text", "--json"]);
        assert_eq!(line.format.get(), OutputFormat::Json);
    }
}
