//! What an answer has beside its list, for who asks for it: in whole pieces, as many as fit.

use crate::net::engine::server::answer::listing::Listing;
use crate::net::wire::MAX_DOWN;

/// Pieces that are encoded, each a field.
#[derive(Debug, Default)]
pub(super) struct Extra {
    down: Pieces,
}

/// In the order in which they are told.
#[derive(Debug, Default)]
pub(super) struct Pieces(Box<[Box<[u8]>]>);

impl Extra {
    /// Encodes what a listing has.
    pub(super) fn new(listing: &Listing) -> Self {
        let down = listing.down.iter().take(MAX_DOWN);
        Self { down: Pieces::new(down.map(|down| |out: &mut Vec<u8>| down.put(out))) }
    }

    /// The nodes that are not offered.
    pub(super) fn down(&self) -> &Pieces {
        &self.down
    }
}

impl Pieces {
    fn new(pieces: impl Iterator<Item = impl Fn(&mut Vec<u8>)>) -> Self {
        let encode = |put: &dyn Fn(&mut Vec<u8>)| {
            let mut piece = Vec::new();
            put(&mut piece);
            piece.into_boxed_slice()
        };
        Self(pieces.map(|put| encode(&put)).collect())
    }

    /// Appends the first of them, as long as `fits` says so of the length of all that is there then.
    pub(super) fn put(&self, out: &mut Vec<u8>, fits: impl Fn(usize) -> bool) {
        for piece in self.0.iter() {
            if !fits(out.len() + piece.len()) {
                break;
            }
            out.extend_from_slice(piece);
        }
    }
}
