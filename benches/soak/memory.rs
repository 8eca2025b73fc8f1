//! Memory and descriptors of processes, over time.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::judge::Judge;
use crate::place::Place;

/// Before that caches fill, and tables of who has asked.
const WARM_UP: Duration = Duration::from_secs(300);

/// Of less nothing is said: an allocator's steps are larger than what may grow.
const WINDOW: Duration = Duration::from_secs(600);

/// What a process may grow by within the window, KiB: each answers some 20 requests a second, so that 32 bytes
/// that each of them leaves behind are more after a quarter of an hour.
const GROWTH: f64 = 512.0;

/// The same of all on average, where an allocator's steps make no difference.
const MEAN_GROWTH: f64 = 128.0;

/// Descriptors that may be open at one time and not at another: sockets that checks leave from, of which there
/// are more while somebody is silent.
const MORE_FILES: usize = 2;

struct Sample {
    at: Instant,
    /// Resident and its own, KiB: pages of the program come and go as they are used.
    memory: f64,
    files: usize,
}

/// What each process had, by its number.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<(Place, u32), Vec<Sample>>);

impl Memory {
    pub(crate) fn sample(&mut self, place: Place, pid: u32) {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let memory = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let memory = memory.and_then(|rest| rest.trim().split(' ').next()?.parse().ok());
        let files = fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count);
        // Whoever ends meanwhile has neither.
        if let (Some(memory), Ok(files)) = (memory, files) {
            let samples = self.0.entry((place, pid)).or_default();
            samples.push(Sample { at: Instant::now(), memory, files });
        }
    }

    /// Judges all processes that have lived for long enough. Returns what is to be said of them.
    pub(crate) fn judge(&self, judge: &Judge) -> String {
        let grown = self.0.iter().filter_map(|((place, _), samples)| {
            let (memory, files) = growth(samples)?;
            Some((*place, memory, files))
        });
        let grown = grown.collect::<Vec<_>>();
        if grown.is_empty() {
            let least = (WARM_UP + WINDOW).as_secs() / 60;
            return format!("not judged, as no process has lived for {least} minutes");
        }
        for (place, memory, files) in &grown {
            if *memory > GROWTH {
                judge.fail(format!("{} has grown by {memory:.0} KiB", place.name()));
            }
            if *files > MORE_FILES as isize {
                judge.fail(format!("{} has {files} more descriptors", place.name()));
            }
        }
        let mean = grown.iter().map(|(_, memory, _)| memory).sum::<f64>() / grown.len() as f64;
        if mean > MEAN_GROWTH {
            judge.fail(format!("processes have grown by {mean:.0} KiB on average"));
        }
        let (place, most, _) =
            grown.iter().max_by(|a, b| a.1.total_cmp(&b.1)).expect("there is one");
        let files = grown.iter().map(|(.., files)| *files).max().unwrap_or_default();
        format!(
            "{} processes that lived for all the time: {mean:+.0} KiB on average, {most:+.0} KiB at most ({}); \
             descriptors {files:+} at most",
            grown.len(),
            place.name()
        )
    }
}

/// What a process has grown by after it was warm: its memory by the straight line that fits best, its descriptors by
/// the least of the first third and the least of the last.
fn growth(samples: &[Sample]) -> Option<(f64, isize)> {
    let (first, last) = (samples.first()?.at, samples.last()?.at);
    let warm: Vec<_> = samples.iter().filter(|sample| sample.at >= first + WARM_UP).collect();
    let window = last.saturating_duration_since(first + WARM_UP);
    if window < WINDOW {
        return None;
    }
    let count = warm.len() as f64;
    let time = |sample: &Sample| (sample.at - first).as_secs_f64();
    let mean_time = warm.iter().map(|sample| time(sample)).sum::<f64>() / count;
    let mean = warm.iter().map(|sample| sample.memory).sum::<f64>() / count;
    let slope = warm.iter().map(|sample| (time(sample) - mean_time) * (sample.memory - mean));
    let spread = warm.iter().map(|sample| (time(sample) - mean_time).powi(2));
    let memory = slope.sum::<f64>() / spread.sum::<f64>() * window.as_secs_f64();
    let least = |samples: &[&Sample]| samples.iter().map(|sample| sample.files).min();
    let third = warm.len() / 3;
    let files = least(&warm[warm.len() - third..])? as isize - least(&warm[..third])? as isize;
    Some((memory, files))
}
