use std::fmt;

use super::quoted::escaped;
use super::turn_fault::TurnFault;

/// Why an https root did not tell what it lists.
///
/// ```
/// use turn_balance::{HttpsFault, TurnFault};
///
/// let fault = HttpsFault::Connect(TurnFault::Expired);
/// assert_eq!(format!("it {fault}"), "it shows a certificate that has expired");
/// assert_eq!(HttpsFault::Late.to_string(), "has not answered in time");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpsFault {
    /// Its host has no address: what the resolver said.
    LookUp(String),
    /// No connection came about, or no TLS.
    Connect(TurnFault),
    /// It was not done when the time was over.
    Late,
    /// It answered with another status than 200.
    #[non_exhaustive]
    Status {
        /// The status.
        code: u16,
        /// What the problem says in its title and detail (RFC 9457), if one came.
        title: Option<String>,
    },
    /// What it answers is no HTTP: what is wrong with it.
    NotHttp(String),
    /// The answer is longer than any list.
    TooLong,
    /// The answer is no list of servers: what is wrong with it.
    NoList(String),
}

impl HttpsFault {
    /// One word for it, for programs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::LookUp(_) => "look-up",
            Self::Connect(fault) => fault.as_str(),
            Self::Late => "late",
            Self::Status { .. } => "status",
            Self::NotHttp(_) => "not-http",
            Self::TooLong => "too-long",
            Self::NoList(_) => "no-list",
        }
    }
}

/// The rest of a sentence that begins with the root.
impl fmt::Display for HttpsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LookUp(why) => write!(f, "cannot be looked up: {}", escaped(why)),
            Self::Connect(fault) => fault.fmt(f),
            Self::Late => f.write_str("has not answered in time"),
            Self::Status { code, title: Some(title) } => {
                write!(f, "answers with status {code}: {}", escaped(title))
            }
            Self::Status { code, title: None } => write!(f, "answers with status {code}"),
            Self::NotHttp(why) => write!(f, "does not speak HTTP: {}", escaped(why)),
            Self::TooLong => f.write_str("answers with more than any list has"),
            Self::NoList(why) => write!(f, "answers with no list of servers: {}", escaped(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_word_and_the_rest_of_a_sentence() {
        let title = Some("nothing to \u{1b}offer".to_owned());
        for (fault, word, rest) in [
            (HttpsFault::LookUp("no".into()), "look-up", "cannot be looked up: no"),
            (
                HttpsFault::Status { code: 503, title },
                "status",
                r"answers with status 503: nothing to \u{1b}offer",
            ),
            (HttpsFault::Status { code: 404, title: None }, "status", "answers with status 404"),
            (HttpsFault::NotHttp("a".into()), "not-http", "does not speak HTTP: a"),
            (HttpsFault::TooLong, "too-long", "answers with more than any list has"),
            (HttpsFault::NoList("b".into()), "no-list", "answers with no list of servers: b"),
        ] {
            assert_eq!((fault.as_str(), fault.to_string().as_str()), (word, rest));
        }
    }
}
