//! How many connections there may be, in all and from one address.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The most that there may be: each takes some 30 KiB, and one that asks ends in milliseconds.
const MOST: usize = 1024;

/// The part of them that one address may have: many pages may be behind one, and no single one may keep
/// all others out.
const PART_OF_ONE: usize = 8;

/// The part of all these that operators and their monitoring have beside it.
const PART_OF_OPERATORS: usize = 8;

/// The part of what the system lets this process open: the balance server needs sockets too.
const PART_OF_FILES: usize = 2;

/// Lets connections in.
#[derive(Debug)]
pub(super) struct ConnectionRoom {
    most: usize,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    all: usize,
    by_source: BTreeMap<IpAddr, usize>,
}

/// A connection that is let in, until this is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    admission: Arc<ConnectionRoom>,
    source: Option<IpAddr>,
}

impl ConnectionRoom {
    /// As many as this process can have.
    pub(super) fn new() -> Self {
        let files = open_files().map_or(MOST, |files| files / PART_OF_FILES);
        Self { most: files.min(MOST), open: Mutex::default() }
    }

    /// For the few who look after a server: so many that one of them may have a dozen, and hardly any of what
    /// others need.
    pub(super) fn of_operators() -> Self {
        let room = Self::new();
        Self { most: room.most / PART_OF_OPERATORS, ..room }
    }

    /// Lets one in from an address; `trusted`: it stands for many. `None`: there are too many.
    pub(super) fn admit(self: &Arc<Self>, from: IpAddr, trusted: bool) -> Option<Admitted> {
        let source = (!trusted).then(|| source_of(from));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.most {
            return None;
        }
        if let Some(source) = source {
            let of_one = open.by_source.entry(source).or_default();
            if *of_one >= self.most / PART_OF_ONE {
                return None;
            }
            *of_one += 1;
        }
        open.all += 1;
        Some(Admitted { admission: self.clone(), source })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        if let Some(source) = self.source
            && let Some(of_one) = open.by_source.get_mut(&source)
        {
            *of_one -= 1;
            if *of_one == 0 {
                open.by_source.remove(&source);
            }
        }
    }
}

/// Whom an address counts for: itself, or of IPv6 its /64, of which one host may have all.
pub(super) fn source_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::from((u128::from(ip) >> 64 << 64).to_be_bytes()),
        ip => ip,
    }
}

/// How many files the system lets this process open; `None`: it does not say.
fn open_files() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_others() {
        let admission = Arc::new(ConnectionRoom { most: 16, open: Mutex::default() });
        let ip = |last: u8| IpAddr::from([203, 0, 113, last]);
        let admit = |ip, trusted| admission.admit(ip, trusted);
        let two = [admit(ip(1), false), admit(ip(1), false)];
        assert!(two.iter().all(Option::is_some));
        assert!(admit(ip(1), false).is_none());
        let others: Vec<_> = (0..20).filter_map(|_| admit(ip(2), true)).collect();
        assert_eq!(others.len(), 14);
        drop(two);
        assert!(admit(ip(1), false).is_some());
        drop(others);
        let open = admission.open.lock().unwrap();
        assert_eq!((open.all, open.by_source.len()), (0, 0));
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let source = |text: &str| source_of(text.parse().unwrap());
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:203.0.113.7"), IpAddr::from([203, 0, 113, 7]));
    }
}
