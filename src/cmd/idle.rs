//! Variables that have nothing to say to a command line: what is set for one must not make another wrong.

use std::ffi::{OsStr, OsString};

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::args::{PingTarget, ping_target};

/// What a command line comes to, as far as other variables depend on it.
pub(super) struct CommandLine<'a> {
    typed: &'a ArgMatches,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl<'a> CommandLine<'a> {
    /// By these words behind the command, and these variables.
    pub(super) fn new(
        typed: &'a ArgMatches,
        variable: &'a dyn Fn(&str) -> Option<OsString>,
    ) -> Self {
        Self { typed, variable }
    }

    /// Whether the variable of this option has nothing to say.
    pub(super) fn is_idle(&self, id: &str) -> bool {
        match id {
            "count" => self.has("ttl") && !self.prints(&["ice", "gst"]),
            "turn_user" => !self.logs_in() || !self.has_password() && !self.has_secret(),
            "turn_password_file" => !self.logs_in() || self.value("turn_user").is_none(),
            "turn_secret_file" => !self.logs_in(),
            "ttl" => !self.logs_in() || !self.has_secret(),
            "turn_ca_file" => !self.is_secure(),
            _ => false,
        }
    }

    /// Whether there are credentials: for a WebRTC client (`tb probe`) or a TURN server (`tb ping`).
    fn logs_in(&self) -> bool {
        match self.has("ttl") {
            true => self.prints(&["ice", "gst", "env"]),
            false => matches!(self.target(), Some(PingTarget::Turn(url)) if url.is_turn()),
        }
    }

    fn is_secure(&self) -> bool {
        matches!(self.target(), Some(PingTarget::Turn(url)) if url.is_secure())
    }

    fn target(&self) -> Option<PingTarget> {
        ping_target(self.value("server")?.to_str()?).ok()
    }

    /// Whether `tb probe` prints in one of these formats.
    fn prints(&self, formats: &[&str]) -> bool {
        let format = self.value("format");
        self.typed("json").is_none() && format.is_some_and(|it| formats.iter().any(|f| it == *f))
    }

    fn has_password(&self) -> bool {
        self.typed("turn_secret_file").is_none() && self.value("turn_password_file").is_some()
    }

    fn has_secret(&self) -> bool {
        self.typed("turn_password_file").is_none() && self.value("turn_secret_file").is_some()
    }

    /// Whether the command has such an option.
    fn has(&self, id: &str) -> bool {
        self.typed.try_get_raw(id).is_ok()
    }

    fn value(&self, id: &str) -> Option<OsString> {
        let variable = match id {
            "server" => "TB_SERVER",
            "format" => "TB_FORMAT",
            "turn_user" => "TB_TURN_USER",
            "turn_password_file" => "TB_TURN_PASSWORD_FILE",
            "turn_secret_file" => "TB_TURN_SECRET_FILE",
            _ => return self.typed(id).map(OsStr::to_owned),
        };
        let set = || (self.variable)(variable).filter(|value| !is_blank(value));
        self.typed(id).map(OsStr::to_owned).or_else(set)
    }

    fn typed(&self, id: &str) -> Option<&OsStr> {
        let mut values = self.typed.try_get_raw(id).ok().flatten()?;
        let typed = self.typed.value_source(id) == Some(ValueSource::CommandLine);
        values.next().filter(|_| typed)
    }
}

/// Whether a variable is as good as unset.
pub(super) fn is_blank(value: &OsStr) -> bool {
    value.to_str().is_some_and(|value| value.trim().is_empty())
}
