use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, SystemTime};

use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Registry, reload};
use turn_balance::{LogFormat, LogLevel, escaped};

use super::queue::Queue;
use super::{color, stream, style};

/// Whose events are logged: what other packages tell is not written for who runs a server, and anybody who
/// sends them a datagram may have them tell it.
const OURS: [&str; 2] = ["turn_balance", "tb"];

/// How long the end of a process waits for whoever reads its log.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the log's thread writes, where there is one.
static QUEUE: OnceLock<&Queue> = OnceLock::new();

thread_local! {
    /// Whether this is the log's thread, which does not wait for itself.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// What changes the level of the log, where there is one.
static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// Sends what the library logs to stderr, by a thread of its own.
///
/// # Errors
/// Where the system starts none.
pub(crate) fn install(level: LogLevel, format: LogFormat) -> io::Result<()> {
    let queue: &Queue = Box::leak(Box::default());
    let work = move || {
        WRITES.set(true);
        let tell = |lines| tracing::error!(lines, "nobody read the log, and it lost lines");
        queue.run(stream::stderr, tell)
    };
    thread::Builder::new().name("tb log".into()).spawn(work)?;
    let _ = QUEUE.set(queue); // not before there is somebody to write it
    let (level, handle) = reload::Layer::new(filter(level));
    let _ = LEVEL.set(handle);
    let layer = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_timer(UtcMillis)
        .with_ansi(color::on_stderr())
        .with_writer(move || LogWriter(queue))
        // A server whose log nobody reads goes on; the complaint about it would panic.
        .log_internal_errors(false);
    let ours = filter_fn(|event| OURS.iter().any(|package| event.target().starts_with(package)));
    let registry = tracing_subscriber::registry().with(level).with(ours);
    // It fails only where there is one already.
    let _ = match format {
        LogFormat::Json => {
            tracing::subscriber::set_global_default(registry.with(layer.json().flatten_event(true)))
        }
        _ => {
            let layer = layer.fmt_fields(debug_fn(field).delimited(" "));
            tracing::subscriber::set_global_default(registry.with(layer))
        }
    };
    Ok(())
}

/// Logs this from now on.
pub(crate) fn set_level(level: LogLevel) {
    if let Some(handle) = LEVEL.get() {
        let _ = handle.reload(filter(level)); // it fails only where the log is no more
    }
}

/// Says something on stderr, behind the log where there is one.
pub(super) fn say(text: &str) {
    let bytes = stream::bytes(text, color::on_stderr());
    match QUEUE.get() {
        Some(queue) => queue.push(bytes),
        None => stream::stderr(&bytes),
    }
}

/// Waits until the log is written, or it is clear that nobody reads it.
pub(super) fn drain() {
    if let Some(queue) = QUEUE.get() {
        queue.drain(PATIENCE);
    }
}

/// Takes a line at a time.
struct LogWriter(&'static Queue);

impl io::Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if WRITES.get() {
            stream::stderr(line);
        } else {
            self.0.push(line.to_vec());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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

/// RFC 3339 (section 5.6), to the millisecond.
struct UtcMillis;

impl FormatTime for UtcMillis {
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
        UtcMillis.format_time(&mut Writer::new(&mut text)).unwrap();
        assert_eq!(text.len(), "2026-11-22T15:01:07.412Z".len());
        assert!(text.ends_with('Z'), "{text}");
    }
}
