use std::fmt;

/// How full a TURN server is: which part of what it can serve it does serve, in hundredths.
///
/// A server that it is told to (`Server::set_load`, or `turn.load` of its configuration) tells it to clients, who spread over servers that are equally near by what these have
/// free.
///
/// ```
/// use turn_balance::Load;
///
/// let load = Load::new(230.0, 400).expect("a number that is not negative");
/// assert_eq!((load.percent(), load.is_full()), (57, false));
/// assert!(Load::new(380.0, 400).is_some_and(Load::is_full));
/// assert_eq!(Load::new(f64::NAN, 400), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Load(u8);

impl Load {
    /// From which on a TURN server is full. What is free beyond it is for those who are on their way:
    /// reports are seconds old.
    pub(crate) const FULL: u8 = 95;

    /// The load of one that serves so many of `capacity`; `None`: that is no number, or a negative one.
    pub fn new(used: f64, capacity: u32) -> Option<Self> {
        let hundredths = used * 100.0 / f64::from(capacity.max(1));
        (used >= 0.0).then_some(Self(hundredths.min(100.0) as u8))
    }

    /// Of so many hundredths, or 100.
    pub(crate) fn of_percent(percent: u32) -> Self {
        Self(percent.min(100) as u8)
    }

    /// The hundredths, rounded down: 0 to 100.
    pub fn percent(self) -> u8 {
        self.0
    }

    /// The same as a part of 1, as documents have it.
    #[cfg(feature = "serde")]
    pub(crate) fn share(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Whether it takes nobody any more: 95 % and up.
    pub fn is_full(self) -> bool {
        self.0 >= Self::FULL
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}
