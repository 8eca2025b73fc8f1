use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::SysRng;

use crate::error::Error;
use crate::net::engine::Rng;

/// A generator that the system seeds.
pub(crate) fn rng() -> Result<Rng, Error> {
    Rng::try_from_rng(&mut SysRng).map_err(|e| Error::Random(Arc::new(std::io::Error::other(e))))
}
