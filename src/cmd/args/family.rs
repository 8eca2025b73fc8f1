use clap::{Args, ValueEnum};
use turn_balance::Family;

/// Which addresses to use.
#[derive(Debug, Args)]
pub(crate) struct FamilyArgs {
    /// Use addresses of this IP version only
    #[arg(long, value_name = "VERSION", env = "TB_FAMILY", hide_env_values = true)]
    family: Option<FamilyArg>,

    /// Short for `--family 4`
    #[arg(short = '4', conflicts_with = "ipv6")]
    ipv4: bool,

    /// Short for `--family 6`
    #[arg(short = '6')]
    ipv6: bool,
}

impl FamilyArgs {
    pub(crate) fn get(&self) -> Option<Family> {
        match self {
            Self { ipv4: true, .. } => Some(Family::V4),
            Self { ipv6: true, .. } => Some(Family::V6),
            Self { family, .. } => family.map(Family::from),
        }
    }
}

/// An IP version.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FamilyArg {
    #[value(name = "4")]
    V4,
    #[value(name = "6")]
    V6,
}

impl From<FamilyArg> for Family {
    fn from(version: FamilyArg) -> Self {
        match version {
            FamilyArg::V4 => Self::V4,
            FamilyArg::V6 => Self::V6,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        family: FamilyArgs,
    }

    fn parse(words: &[&str]) -> Line {
        Line::try_parse_from(["tb"].iter().chain(words)).unwrap()
    }

    #[test]
    fn short_for_a_family() {
        assert_eq!(parse(&[]).family.get(), None);
        assert_eq!(parse(&["-4"]).family.get(), Some(Family::V4));
        assert_eq!(parse(&["-6"]).family.get(), Some(Family::V6));
        assert_eq!(parse(&["--family", "6"]).family.get(), Some(Family::V6));
        // As when TB_FAMILY says 6.
        assert_eq!(parse(&["--family", "6", "-4"]).family.get(), Some(Family::V4));
    }
}
