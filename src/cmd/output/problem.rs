use std::fmt::Write as _;

use turn_balance::escaped;

use super::style;
use crate::cmd::report::Problem;

/// A problem in red, its causes below it, and the advice after a blank line.
pub(crate) fn problem(problem: &Problem) -> String {
    let error = style::paint(style::ERROR, "error:");
    let mut text = format!("{error} {}\n", escaped(&problem.message));
    for cause in &problem.causes {
        let _ = writeln!(text, "  Caused by: {}", escaped(cause));
    }
    if let Some(advice) = &problem.advice {
        let hint = style::paint(style::HINT, "hint:");
        let _ = writeln!(text, "\n{hint} {}", escaped(&advice.to_string()));
    }
    text
}

#[cfg(test)]
mod tests {
    use turn_balance::{Config, Server};

    use super::*;
    use crate::cmd::report::{Advice, Exit};

    fn text(bad: &Problem) -> String {
        anstream::adapter::strip_str(&problem(bad)).to_string()
    }

    #[test]
    fn nothing_found() {
        let nothing = Problem {
            kind: "no_answer",
            reason: None,
            message: "no TURN server reached from `root.example`".to_owned(),
            causes: vec![
                "level 1: none of 3 candidates below `root` (198.51.100.7:3001) answered within \
                 10 s"
                    .to_owned(),
            ],
            advice: Some(Advice::Trace("root.example".to_owned())),
            exit: Exit::No,
            roots: Vec::new(),
        };
        let expected = "\
error: no TURN server reached from `root.example`
  Caused by: level 1: none of 3 candidates below `root` (198.51.100.7:3001) answered within 10 s

hint: `tb trace --view flat root.example` shows every candidate
";
        assert_eq!(text(&nothing), expected);
    }

    #[tokio::test]
    async fn a_port_that_is_taken() {
        let mut config = Config::default();
        config.net.bind = vec![([127, 0, 0, 1], 0).into()];
        let first = Server::start(config.clone()).await.unwrap();
        config.net.bind = vec![first.addrs()[0].into()];
        let taken = Problem::from(&Server::start(config).await.unwrap_err());
        let addr = first.addrs()[0];
        let expected = format!(
            "\
error: cannot listen on `{addr}` (udp)
  Caused by: Address already in use (os error 98)

hint: `ss -lunp 'sport = :{}'` shows who holds the port
",
            addr.port()
        );
        assert_eq!(text(&taken), expected);
        assert_eq!((taken.kind, taken.exit), ("socket", Exit::Unable));
    }
}
