//! What a caller wants, in the words of Python.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use turn_balance::{
    Balance, Builder, Endpoint, Family, HttpsUrl, HttpsUrlError, LabelError, Limits, Prefix,
    PrefixError, ServerLabel, Strategy, Transport, Verify, View,
};

use crate::failed::Failed;

/// All that a [`Balance`] is built from.
pub(crate) struct Options {
    pub(crate) udp: Vec<Endpoint>,
    pub(crate) https: Vec<HttpsUrl>,
    pub(crate) timeout: Duration,
    pub(crate) linger: Duration,
    pub(crate) family: Option<Family>,
    pub(crate) verify: Verify,
    pub(crate) urls: bool,
    pub(crate) transport: Option<Transport>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) strategy: Strategy,
    pub(crate) view: View,
    pub(crate) limits: Limits,
    pub(crate) require: Vec<ServerLabel>,
    pub(crate) prefer: Vec<ServerLabel>,
    pub(crate) exclude: Vec<ServerLabel>,
}

impl Options {
    pub(crate) fn builder(&self) -> Builder {
        let mut builder = Balance::builder()
            .timeout(self.timeout)
            .linger(self.linger)
            .verify(self.verify)
            .urls(self.urls)
            .strategy(self.strategy)
            .view(self.view)
            .limits(self.limits.clone())
            .require(self.require.clone())
            .prefer(self.prefer.clone())
            .exclude(self.exclude.clone());
        builder = self.udp.iter().cloned().fold(builder, Builder::root);
        builder = self.https.iter().cloned().fold(builder, Builder::https_root);
        if let Some(family) = self.family {
            builder = builder.family(family);
        }
        if let Some(transport) = self.transport {
            builder = builder.transport(transport);
        }
        match &self.ca_file {
            Some(file) => builder.ca_file(file),
            None => builder,
        }
    }
}

/// The roots by UDP, and those by HTTPS.
pub(crate) fn roots(py: Python<'_>, texts: &[String]) -> PyResult<(Vec<Endpoint>, Vec<HttpsUrl>)> {
    let (mut udp, mut https) = (Vec::new(), Vec::new());
    for text in texts {
        match text.parse() {
            Ok(url) => https.push(url),
            Err(HttpsUrlError::Scheme(_)) => {
                udp.push(text.parse().map_err(|error| Failed::endpoint(&error).raised(py))?);
            }
            Err(error) => return Err(Failed::endpoint(&error).raised(py)),
        }
    }
    Ok((udp, https))
}

/// The one that a word stands for.
pub(crate) fn choice<T: Copy>(option: &str, word: &str, words: &[(&str, T)]) -> PyResult<T> {
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, meant)| *meant).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| format!("'{word}'")).collect();
        wrong(option, &format!("'{}'", word.escape_debug()), &words.join(" or "))
    })
}

/// So many seconds.
pub(crate) fn seconds(option: &str, given: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let expected = "a number of seconds between 0 and a day";
    let time = Duration::try_from_secs_f64(number(option, given, expected)?).ok();
    // Far beyond what anybody waits for, and near enough that no clock ends before.
    time.filter(|time| *time <= Duration::from_secs(24 * 60 * 60))
        .ok_or_else(|| wrong(option, &given.to_string(), expected))
}

/// 4, 6 or neither.
pub(crate) fn family(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Family>> {
    let expected = "4, 6 or None";
    let Some(given) = given else { return Ok(None) };
    match number("family", given, expected)? {
        4_i64 => Ok(Some(Family::V4)),
        6 => Ok(Some(Family::V6)),
        other => Err(wrong("family", &other.to_string(), expected)),
    }
}

/// A number of Python's, which is as large as it likes: one that is too large, even to be written, is as wrong as any
/// other.
fn number<'py, T>(option: &str, given: &Bound<'py, PyAny>, expected: &str) -> PyResult<T>
where
    T: FromPyObjectOwned<'py, Error = PyErr>,
{
    given.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(given.py()) {
            wrong(option, "out of range", expected)
        } else {
            PyTypeError::new_err(format!("{option} is {given:?}, expected {expected}"))
        }
    })
}

/// Networks that lists may lead into.
pub(crate) fn prefixes(texts: &[String]) -> PyResult<Vec<Prefix>> {
    let parsed = texts.iter().map(|text| text.parse());
    let told = |error: PrefixError| PyValueError::new_err(format!("allow: {error}"));
    parsed.collect::<Result<_, _>>().map_err(told)
}

/// Labels of servers.
pub(crate) fn labels(option: &str, texts: &[String]) -> PyResult<Vec<ServerLabel>> {
    let parsed = texts.iter().map(|text| text.parse());
    let told = |error: LabelError| PyValueError::new_err(format!("{option}: {error}"));
    parsed.collect::<Result<_, _>>().map_err(told)
}

fn wrong(option: &str, is: &str, expected: &str) -> PyErr {
    PyValueError::new_err(format!("{option} is {is}, expected {expected}"))
}
