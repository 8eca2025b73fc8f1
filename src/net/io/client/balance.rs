use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::either::descend;
use super::settings::Settings;
use crate::error::Error;
use crate::net::engine::client::descent::{Options, Progress, Selection, Trace};

/// A client of the cascade.
///
/// Cheap to clone. Each descent has ids and, unless [`Builder::socket`](crate::Builder::socket) gave
/// one, a socket and a source port of its own, so many can run at once; dropping the future of one
/// stops it.
///
/// [How it is used](crate#the-address-alone).
#[derive(Debug, Clone)]
pub struct Balance {
    pub(super) settings: Arc<Settings>,
}

impl Balance {
    /// The best TURN server's address, found in at most this many seconds.
    ///
    /// # Errors
    /// [`Error::NotFound`], and whatever kept it from asking: [`Error::Resolve`] and
    /// [`Error::NoAddress`] where no root has an address, [`Error::Socket`], [`Error::Random`].
    pub async fn probe(&self, seconds: u8) -> Result<SocketAddr, Error> {
        let timeout = Duration::from_secs(seconds.into());
        let options = Options { timeout, ..self.settings.options.clone() };
        let selection = descend::<Result<Selection, _>>(&self.settings, options, |_| {}).await??;
        Ok(selection.turn)
    }

    /// The best TURN server, how it was found and what that cost.
    ///
    /// # Errors
    /// As [`Balance::probe`].
    pub async fn select(&self) -> Result<Selection, Error> {
        self.select_with(|_| {}).await
    }

    /// As [`Balance::select`], and calls `progress` after every step: its
    /// [`provisional`](Progress::provisional) is there long before the choice is final.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use turn_balance::Balance;
    ///
    /// let balance = Balance::new("203.0.113.7:3001".parse()?).await?;
    /// let mut early = None;
    /// let selection = balance.select_with(|progress| early = progress.provisional).await?;
    /// println!("{} in the end, {early:?} at first", selection.turn);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Balance::probe`].
    pub async fn select_with(
        &self,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Selection, Error> {
        let options = self.settings.options.clone();
        Ok(descend::<Result<Selection, _>>(&self.settings, options, progress).await??)
    }

    /// Everything that a descent sees, names and slow candidates included. A descent that finds
    /// nothing is no error here: [`Trace::outcome`] says why.
    ///
    /// # Errors
    /// What kept it from asking.
    pub async fn trace(&self) -> Result<Trace, Error> {
        self.trace_with(|_| {}).await
    }

    /// As [`Balance::trace`], and calls `progress` after every step.
    ///
    /// # Errors
    /// As [`Balance::trace`].
    pub async fn trace_with(&self, progress: impl FnMut(Progress) + Send) -> Result<Trace, Error> {
        let Settings { options, linger, .. } = &*self.settings;
        let options = Options { names: true, down: true, linger: *linger, ..options.clone() };
        descend(&self.settings, options, progress).await
    }
}
