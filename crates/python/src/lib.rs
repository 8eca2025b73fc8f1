//! The extension module `turn_balance._native`: what of the client for Python must be Rust. What users
//! see of it is Python, in `python/turn_balance`.

mod client;
mod document;
mod failed;
mod options;
mod reactor;

/// The client of turn-balance. Private: `turn_balance` is what is promised.
#[pyo3::pymodule(name = "_native")]
mod native {
    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;
    use turn_balance::{TurnCredentials, TurnSecret};

    #[pymodule_export]
    use crate::client::{Client, Job};

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// The user and the password that the secret of a TURN server makes, good until `expiry` (seconds
    /// since 1970).
    #[pyfunction]
    fn mint(secret: &[u8], expiry: u64, user: &str) -> PyResult<(String, String)> {
        if secret.is_empty() {
            return Err(PyValueError::new_err("the secret is empty"));
        }
        let TurnCredentials { username, password, .. } = TurnSecret::new(secret).mint(expiry, user);
        Ok((username, password))
    }

    /// Ends all descents, and the thread that moves them: none begins any more. For the end of the
    /// interpreter.
    #[pyfunction]
    fn stop(py: Python<'_>) {
        let stopping = crate::reactor::stop();
        py.detach(|| stopping.wait());
    }
}
