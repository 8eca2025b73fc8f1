use rand::SeedableRng;
use rand::rngs::SysRng;

use crate::error::Error;
use crate::net::engine::Rng;

/// A generator that the system seeds, each descent's its own: whoever has seen some of its ids and
/// nonces can tell none of the others (ChaCha with 12 rounds).
pub(crate) fn rng() -> Result<Rng, Error> {
    Rng::try_from_rng(&mut SysRng).map_err(|e| Error::Random(std::io::Error::other(e)))
}
