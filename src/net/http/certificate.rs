//! The certificate of a listener, read again when its files change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tracing::{info, warn};

use crate::error::Error;
use crate::types::escaped;

/// How often it is looked whether a file has changed, while somebody connects.
const LOOKED: Duration = Duration::from_secs(1);

/// A certificate, and the files that it and its key are in.
#[derive(Debug)]
pub(super) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: Mutex<Renewed>,
}

struct Renewed {
    config: Arc<ServerConfig>,
    /// When the files were written that were read last, good or bad.
    written: [Option<SystemTime>; 2],
    looked: Instant,
}

impl Certificate {
    /// Reads them.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let written = [certificate, key].map(written);
        let config = config(certificate, key).map_err(|source| Error::Certificate {
            file: certificate.to_owned(),
            key: key.to_owned(),
            source,
        })?;
        let current = Mutex::new(Renewed { config, written, looked: Instant::now() });
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// What shakes hands with whoever comes now.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= LOOKED {
            current.looked = Instant::now();
            self.renew(&mut current);
        }
        current.config.clone().into()
    }

    /// Reads the files again, if one has changed. As long as they do not fit together, what was read
    /// before counts.
    fn renew(&self, current: &mut Renewed) {
        let written = [&self.certificate, &self.key].map(written);
        if current.written == written {
            return;
        }
        current.written = written;
        let file = escaped(&self.certificate.to_string_lossy());
        match config(&self.certificate, &self.key) {
            Ok(config) => {
                current.config = config;
                info!(%file, "certificate read again");
            }
            Err(error) => {
                warn!(%file, %error, "cannot use the new certificate, the old one counts")
            }
        }
    }
}

impl std::fmt::Debug for Renewed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewed").field("written", &self.written).finish_non_exhaustive()
    }
}

fn written(file: impl AsRef<Path>) -> Option<SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

fn config(certificate: &Path, key: &Path) -> io::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_slice_iter(&fs::read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(&fs::read(key)?).map_err(io::Error::other)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let config = builder.with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
