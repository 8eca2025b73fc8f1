/// Which candidate. They are numbered in the order in which they are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CandidateId(u32);

impl CandidateId {
    /// That of the `index`th candidate. `None`: there cannot be so many.
    pub(super) fn new(index: usize) -> Option<Self> {
        u32::try_from(index).ok().map(Self)
    }

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }

    /// How far apart two of them were met.
    pub(super) fn abs_diff(self, other: Self) -> u32 {
        self.0.abs_diff(other.0)
    }
}
