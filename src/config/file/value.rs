//! One value of a file: has it the right type, and can it be read?

use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::slice;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::duration;
use super::nearest::nearest;
use crate::config::check::{PORT_ZERO, WORKERS};
use crate::config::diagnostic::Diagnostic;
use crate::types::{
    DEFAULT_PORT, Endpoint, EndpointError, LabelError, ListenAddr, MetricsUrl, MetricsUrlError,
    Name, NameError, Prefix, PrefixError, ServerLabel, ServerUrl, ServerUrlError, TurnUrlError,
    escaped, is_srv, quoted,
};

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// The port of a TURN server by custom.
const TURN_PORT: u16 = 3478;

pub(super) fn table<'a, 't>(value: &'a Value<'t>) -> Result<&'a DeTable<'t>, Diagnostic> {
    value.get_ref().as_table().ok_or_else(|| wrong_type(value, "a table"))
}

pub(super) fn list<'a, 't>(value: &'a Value<'t>) -> Result<&'a [Value<'t>], Diagnostic> {
    let list = value.get_ref().as_array().ok_or_else(|| wrong_type(value, "a list"))?;
    Ok(list)
}

/// The items of a list, or the value as the only one; and what an item should be.
pub(super) fn one_or_many<'a, 't>(value: &'a Value<'t>) -> (&'a [Value<'t>], &'static str) {
    match value.get_ref() {
        DeValue::Array(items) => (items, "a string"),
        _ => (slice::from_ref(value), "a string or a list of strings"),
    }
}

pub(super) fn name(value: &Value<'_>) -> Result<Name, Diagnostic> {
    let text = string(value, "a string")?;
    text.parse().map_err(|error: NameError| {
        let message = format!("{} is not a name", quoted(text));
        Diagnostic::at(value.span(), message).with_hint(error)
    })
}

/// A key and a value of labels.
pub(super) fn label(
    key: &Spanned<DeString<'_>>,
    value: &Value<'_>,
) -> Result<ServerLabel, Diagnostic> {
    let name = key.get_ref();
    if name == ServerLabel::NAME {
        let hint = "what a server is called is its `name`";
        return Err(Diagnostic::at(key.span(), LabelError::Name).with_hint(hint));
    }
    let text = format!("{name}={}", string(value, "a string")?);
    text.parse().map_err(|error: LabelError| {
        let span = key.span().start..value.span().end;
        Diagnostic::at(span, format!("{} is not a label", quoted(&text))).with_hint(error)
    })
}

/// A balance server's address, or its name.
pub(super) fn endpoint(value: &Value<'_>, expected: &str) -> Result<Endpoint, Diagnostic> {
    let node = "a TURN server is a node as `{ turn = \"HOST[:PORT]\" }`";
    let endpoint = endpoint_at(value, expected, DEFAULT_PORT, node)?;
    let text = string(value, expected)?;
    if is_srv(text) && !text.contains(':') {
        let message = format!("{} is a name of SRV records", quoted(text));
        let hint = format!("what they name is `{{ srv = \"{}\" }}`", escaped(text));
        return Err(Diagnostic::at(value.span(), message).with_hint(hint));
    }
    Ok(endpoint)
}

/// A name of SRV records.
pub(super) fn srv(value: &Value<'_>) -> Result<Endpoint, Diagnostic> {
    let text = string(value, "a string")?;
    Endpoint::srv(text).map_err(|error| Diagnostic::at(value.span(), error))
}

/// A TURN server's address, or its name.
pub(super) fn turn_endpoint(value: &Value<'_>) -> Result<Endpoint, Diagnostic> {
    let other_ways = "what is asked is UDP at `HOST[:PORT]`; other transports go into `urls`";
    endpoint_at(value, "a string", TURN_PORT, other_ways)
}

/// `of_turn`: what is said of the URI of a TURN server.
fn endpoint_at(
    value: &Value<'_>,
    expected: &str,
    port: u16,
    of_turn: &str,
) -> Result<Endpoint, Diagnostic> {
    let text = string(value, expected)?;
    Endpoint::at_port(text, port).map_err(|error| {
        let diagnostic = Diagnostic::at(value.span(), &error);
        match error {
            EndpointError::PortZero(_) => diagnostic.with_hint(PORT_ZERO),
            EndpointError::TurnUri(_) => diagnostic.with_hint(of_turn),
            _ => diagnostic,
        }
    })
}

/// A balance server's address, all in numbers.
pub(super) fn balance_addr(value: &Value<'_>, expected: &str) -> Result<SocketAddr, Diagnostic> {
    socket_addr(value, expected, DEFAULT_PORT)
}

/// A TURN server's address, all in numbers.
pub(super) fn turn_addr(value: &Value<'_>, expected: &str) -> Result<SocketAddr, Diagnostic> {
    socket_addr(value, expected, TURN_PORT)
}

/// A URL that is told of a TURN server.
pub(super) fn server_url(value: &Value<'_>) -> Result<ServerUrl, Diagnostic> {
    let text = string(value, "a string")?;
    text.parse().map_err(|error| {
        let diagnostic = Diagnostic::at(value.span(), &error);
        match error {
            ServerUrlError::Turn(TurnUrlError::Scheme(_) | TurnUrlError::Slashes(_)) => {
                diagnostic.with_hint("such as `turns:turn.example:5349?transport=tcp`")
            }
            _ => diagnostic,
        }
    })
}

/// Where metrics are.
pub(super) fn metrics_url(value: &Value<'_>) -> Result<MetricsUrl, Diagnostic> {
    let text = string(value, "a string")?;
    text.parse().map_err(|error| {
        let diagnostic = Diagnostic::at(value.span(), &error);
        match error {
            MetricsUrlError::Scheme(_) => {
                diagnostic.with_hint("such as `http://127.0.0.1:9641/metrics`")
            }
            _ => diagnostic,
        }
    })
}

/// The name of a metric (prometheus.io, "Data model").
pub(super) fn metric(value: &Value<'_>) -> Result<String, Diagnostic> {
    let text = string(value, "a string")?;
    let begins = |byte: u8| byte.is_ascii_alphabetic() || b"_:".contains(&byte);
    let goes_on = |byte: u8| begins(byte) || byte.is_ascii_digit();
    match text.bytes().next() {
        Some(first) if begins(first) && text.bytes().all(goes_on) => Ok(text.to_owned()),
        _ => {
            let message = format!("{} is not the name of a metric", quoted(text));
            let hint = "one has `a-z A-Z 0-9 _ :`; labels are not told apart";
            Err(Diagnostic::at(value.span(), message).with_hint(hint))
        }
    }
}

/// A length of time: a number of seconds, or a text with a unit.
pub(super) fn duration(value: &Value<'_>) -> Result<Duration, Diagnostic> {
    let bad = |text: &str| {
        let message = format!("{} is not a length of time", quoted(text));
        Diagnostic::at(value.span(), message).with_hint(duration::HINT)
    };
    match value.get_ref() {
        DeValue::String(text) => duration::parse(text).ok_or_else(|| bad(text)),
        DeValue::Integer(integer) => {
            let seconds = i64::from_str_radix(integer.as_str(), integer.radix());
            let seconds = seconds.ok().and_then(|seconds| u64::try_from(seconds).ok());
            seconds.map(Duration::from_secs).ok_or_else(|| bad(&integer.to_string()))
        }
        DeValue::Float(float) => {
            let seconds: Option<f64> = float.as_str().parse().ok();
            let seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
            seconds.map(duration::seconds).ok_or_else(|| bad(&float.to_string()))
        }
        _ => Err(wrong_type(value, "a number of seconds or a string")),
    }
}

/// An IP address and a port; `port` is advised where there is none.
pub(super) fn listen_addr(
    value: &Value<'_>,
    expected: &str,
    port: u16,
) -> Result<ListenAddr, Diagnostic> {
    let text = string(value, expected)?;
    text.parse().map_err(|error| {
        let diagnostic = Diagnostic::at(value.span(), &error);
        match error {
            EndpointError::NoPort(ip) => {
                let ip = ip.trim_matches(['[', ']']);
                let bracketed = if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() };
                diagnostic.with_hint(format!("add one: `{bracketed}:{port}`"))
            }
            EndpointError::Name(name) => {
                let host = name.split_once(':').map_or(&*name, |(host, _)| host);
                diagnostic.with_hint(format!("`getent ahosts {host}` shows its addresses"))
            }
            _ => diagnostic,
        }
    })
}

pub(super) fn port(value: &Value<'_>) -> Result<u16, Diagnostic> {
    small(value, "a port, expected 1 to 65535")
}

pub(super) fn workers(value: &Value<'_>) -> Result<u16, Diagnostic> {
    small(value, WORKERS)
}

/// An integer of 16 bits; `what` it should be.
fn small(value: &Value<'_>, what: &str) -> Result<u16, Diagnostic> {
    let DeValue::Integer(integer) = value.get_ref() else {
        return Err(wrong_type(value, "an integer"));
    };
    u16::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| {
        let integer = quoted(&integer.to_string());
        Diagnostic::at(value.span(), format!("{integer} is not {what}"))
    })
}

/// A whole number.
pub(super) fn number(value: &Value<'_>, range: RangeInclusive<u32>) -> Result<u32, Diagnostic> {
    let DeValue::Integer(integer) = value.get_ref() else {
        return Err(wrong_type(value, "an integer"));
    };
    let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
    number.filter(|number| range.contains(number)).ok_or_else(|| {
        let (integer, least, most) = (quoted(&integer.to_string()), range.start(), range.end());
        Diagnostic::at(value.span(), format!("{integer} is not a number from {least} to {most}"))
    })
}

pub(super) fn boolean(value: &Value<'_>) -> Result<bool, Diagnostic> {
    value.get_ref().as_bool().ok_or_else(|| wrong_type(value, "a boolean"))
}

pub(super) fn prefix(value: &Value<'_>) -> Result<Prefix, Diagnostic> {
    let text = string(value, "a string")?;
    text.parse().map_err(|error: PrefixError| {
        let message = format!("{} is not a prefix", quoted(text));
        Diagnostic::at(value.span(), message).with_hint(error)
    })
}

/// One of these, by its word.
pub(super) fn choice<T: Copy>(
    value: &Value<'_>,
    what: &str,
    choices: &[T],
    word: fn(T) -> &'static str,
) -> Result<T, Diagnostic> {
    let text = string(value, "a string")?;
    let chosen = choices.iter().copied().find(|choice| word(*choice) == text);
    chosen.ok_or_else(|| {
        let words: Vec<_> = choices.iter().copied().map(word).collect();
        unknown(value.span(), what, text, &words)
    })
}

/// A word that is none of those that can stand there.
pub(super) fn unknown(span: Range<usize>, what: &str, text: &str, known: &[&str]) -> Diagnostic {
    let expected = match known {
        [others @ .., last] if !others.is_empty() => {
            format!("`{}` or `{last}`", others.join("`, `"))
        }
        _ => format!("`{}`", known.concat()),
    };
    let message = format!("unknown {what} {}, expected {expected}", quoted(text));
    let diagnostic = Diagnostic::at(span, message);
    match nearest(text, known) {
        Some(near) => diagnostic.with_hint(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

pub(super) fn string<'a>(value: &'a Value<'_>, expected: &str) -> Result<&'a str, Diagnostic> {
    value.get_ref().as_str().ok_or_else(|| wrong_type(value, expected))
}

/// An address that others are told: they do not know this host's interfaces.
fn socket_addr(value: &Value<'_>, expected: &str, port: u16) -> Result<SocketAddr, Diagnostic> {
    let addr = listen_addr(value, expected, port)?;
    match addr.interface() {
        None => Ok(addr.addr()),
        Some(_) => {
            let text = quoted(&addr.to_string());
            let message = format!("{text} names an interface, which nobody else knows");
            Err(Diagnostic::at(value.span(), message))
        }
    }
}

fn wrong_type(value: &Value<'_>, expected: &str) -> Diagnostic {
    let found = match value.get_ref() {
        DeValue::String(text) => format!("the string {}", quoted(text)),
        DeValue::Integer(integer) => format!("the integer {}", quoted(&integer.to_string())),
        DeValue::Float(float) => format!("the float {}", quoted(&float.to_string())),
        DeValue::Boolean(boolean) => format!("the boolean `{boolean}`"),
        DeValue::Datetime(datetime) => format!("the datetime `{datetime}`"),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    };
    Diagnostic::at(value.span(), format!("expected {expected}, found {found}"))
}

#[cfg(test)]
mod tests {
    use crate::config::model::Config;

    #[test]
    fn a_mapped_address_is_ipv4() {
        let text = "net.bind = '[::ffff:127.0.0.1]:1'\nturn.bind = '[::ffff:203.0.113.7]:2'";
        let config = Config::parse(text, "").unwrap();
        assert!(config.net.bind[0].addr().is_ipv4());
        assert!(config.turn.bind[0].is_ipv4());
    }

    #[test]
    fn hints() {
        for (text, hint) in [
            ("net.bind = '127.0.0.1'", "add one: `127.0.0.1:3001`"),
            ("net.bind = '::1'", "add one: `[::1]:3001`"),
            ("turn.bind = '[2001:db8::7]'", "add one: `[2001:db8::7]:3478`"),
            ("turn.bind = 'nyc.example:3478'", "`getent ahosts nyc.example` shows its addresses"),
            (
                "turn = { bind = '192.0.2.1:1', check = 'nyc' }",
                "`getent ahosts nyc` shows its addresses",
            ),
            (
                "cluster.nodes = [{ turn = 'turn:192.0.2.1:3478' }]",
                "what is asked is UDP at `HOST[:PORT]`; other transports go into `urls`",
            ),
            (
                "cluster.nodes = [{ turn = 'turns:nyc.example:443' }]",
                "what is asked is UDP at `HOST[:PORT]`; other transports go into `urls`",
            ),
            (
                "cluster.nodes = ['turn:nyc.example']",
                "a TURN server is a node as `{ turn = \"HOST[:PORT]\" }`",
            ),
            ("net.name = 'fra b'", "a name is 1 to 32 of `A-Z a-z 0-9 . _ -`"),
            ("log.level = 'WARN'", "did you mean `warn`?"),
        ] {
            let error = Config::parse(text, "").unwrap_err();
            assert_eq!(error.diagnostics()[0].hint(), Some(hint), "{text}");
        }
    }
}
