use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines that wait, at most: those of two minutes of a flood, some 200 KB.
const ROOM: usize = 1024;

/// What is to be written, for a thread of its own: nobody who says something waits for whoever reads.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    /// How many had no room.
    lost: u64,
    /// Whether some have been taken and are not written yet.
    writing: bool,
}

impl Waiting {
    fn is_idle(&self) -> bool {
        self.lines.is_empty() && self.lost == 0 && !self.writing
    }
}

impl Queue {
    /// Takes a line, if there is room.
    pub(super) fn push(&self, line: Vec<u8>) {
        let mut waiting = self.waiting();
        if waiting.lines.len() < ROOM {
            waiting.lines.push_back(line);
        } else {
            waiting.lost += 1;
        }
        drop(waiting);
        self.changed.notify_all();
    }

    /// Writes what comes, and tells how many had no room since, for ever.
    pub(super) fn run(&self, mut write: impl FnMut(&[u8]), tell: impl Fn(u64)) -> ! {
        loop {
            let mut waiting = self.waiting();
            waiting.writing = false;
            self.changed.notify_all();
            while waiting.is_idle() {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            waiting.writing = true;
            let (lines, lost) = (mem::take(&mut waiting.lines), mem::take(&mut waiting.lost));
            drop(waiting);
            for line in lines {
                write(&line);
            }
            if lost > 0 {
                tell(lost);
            }
        }
    }

    /// Waits until all is written, but not for ever. Returns whether it is.
    pub(super) fn drain(&self, patience: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.waiting(), patience, |w| !w.is_idle());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_idle()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{channel, sync_channel};
    use std::thread;

    use super::*;

    const NEVER: Duration = Duration::from_secs(60);

    #[test]
    fn whoever_does_not_read_holds_up_nobody_and_is_told_what_he_missed() {
        let queue: &Queue = Box::leak(Box::default());
        // A pipe without room.
        let (pipe, reader) = sync_channel(0);
        let told = pipe.clone();
        thread::spawn(move || {
            queue.run(
                |line| pipe.send(String::from_utf8(line.to_vec()).unwrap()).unwrap(),
                |lost| told.send(format!("{lost} lost")).unwrap(),
            )
        });
        queue.push(b"first".to_vec());
        // It is being written: the room is empty.
        while !queue.waiting().writing {
            thread::yield_now();
        }
        for number in 0..ROOM + 7 {
            queue.push(number.to_string().into_bytes());
        }
        assert!(!queue.drain(Duration::from_millis(1)));
        let (done, read) = channel();
        thread::spawn(move || reader.iter().try_for_each(|line| done.send(line)));
        assert!(queue.drain(NEVER));
        let numbers = (0..ROOM).map(|number| number.to_string());
        let expected = ["first".to_owned()].into_iter().chain(numbers);
        let expected: Vec<_> = expected.chain(["7 lost".to_owned()]).collect();
        assert_eq!(read.iter().take(expected.len()).collect::<Vec<_>>(), expected);
    }
}
