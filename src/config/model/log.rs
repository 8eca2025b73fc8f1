use std::fmt;

/// `[log]`: what is logged.
///
/// Part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Log {
    /// The least level that is logged.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// `log.level`: how much is logged.
///
/// Named in [`Log`], part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogLevel {
    /// What made it stop.
    Error,
    /// What somebody should look at.
    Warn,
    /// What it does.
    #[default]
    Info,
    /// Why it does so.
    Debug,
    /// Every datagram.
    Trace,
}

/// `log.format`: how a line of the log looks.
///
/// Named in [`Log`], part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl LogLevel {
    /// Every level, the gravest first.
    pub(crate) const ALL: [Self; 5] =
        [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The word for it in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl LogFormat {
    /// Every format.
    pub(crate) const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The word for it in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
