/// What a candidate is taken for: what the list says, until it answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Balance,
    Leaf,
    Turn,
}
