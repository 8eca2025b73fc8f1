use std::fmt;

/// Days in 400 years: after these the calendar repeats.
const CYCLE: u64 = 146_097;

/// A day of the calendar, written `2026-10-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    year: u64,
    month: u64,
    day: u64,
}

impl Day {
    /// The one of a time in seconds since 1970, in UTC.
    pub(crate) fn of(seconds: u64) -> Self {
        let (mut days, mut year) = (seconds / 86_400, 1970);
        year += days / CYCLE * 400;
        days %= CYCLE;
        while days >= year_len(year) {
            days -= year_len(year);
            year += 1;
        }
        let mut month = 1;
        while days >= month_len(year, month) {
            days -= month_len(year, month);
            month += 1;
        }
        Self { year, month, day: days + 1 }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn year_len(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn month_len(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (86_400, "1970-01-02"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_790_812_800, "2026-10-01"),
            (4_107_542_399, "2100-02-28"),
            (4_107_542_400, "2100-03-01"),
            (253_402_300_799, "9999-12-31"),
        ] {
            assert_eq!(Day::of(seconds).to_string(), day);
        }
        // Whatever a certificate says.
        assert!(Day::of(u64::MAX).to_string().ends_with(|last: char| last.is_ascii_digit()));
    }
}
