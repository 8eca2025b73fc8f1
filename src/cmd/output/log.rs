use std::fmt;
use std::io;
use std::time::SystemTime;

use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::FormatTime;
use turn_balance::{LogFormat, LogLevel, escaped};

use super::{color, style};

/// Sends what the library logs to stderr.
pub(crate) fn install(level: LogLevel, format: LogFormat) {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(filter(level))
        .with_target(false)
        .with_timer(Clock)
        .with_ansi(color::on_stderr())
        .with_writer(io::stderr)
        // A server whose log nobody reads goes on; the complaint about it would panic.
        .log_internal_errors(false);
    // It fails only where there is one already.
    let _ = match format {
        LogFormat::Json => {
            let subscriber = subscriber.json().flatten_event(true);
            tracing::subscriber::set_global_default(subscriber.finish())
        }
        _ => {
            let subscriber = subscriber.fmt_fields(debug_fn(field).delimited(" "));
            tracing::subscriber::set_global_default(subscriber.finish())
        }
    };
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

/// Writes a field: names of hosts and paths of files are foreign.
fn field(w: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let (name, value) = (field.name(), escaped(&format!("{value:?}")));
    if name == "message" {
        return w.write_str(&value);
    }
    if !w.has_ansi_escapes() {
        return write!(w, "{name}={value}");
    }
    let (name, equals) = (style::paint(style::FIELD, name), style::paint(style::EQUALS, "="));
    write!(w, "{name}{equals}{value}")
}

/// UTC, to the millisecond.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{}", humantime::format_rfc3339_millis(SystemTime::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_has_milliseconds_and_no_offset() {
        let mut text = String::new();
        Clock.format_time(&mut Writer::new(&mut text)).unwrap();
        assert_eq!(text.len(), "2026-11-22T15:01:07.412Z".len());
        assert!(text.ends_with('Z'), "{text}");
    }
}
