//! The certificate of a listener, read again when its files change.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::renewed::Renewed;
use crate::error::Error;

/// A certificate and its key.
#[derive(Debug)]
pub(super) struct Certificate(Renewed<ServerConfig, io::Error>);

impl Certificate {
    /// Reads them. As long as the files do not fit together, what was read before counts.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let [file, key] = [certificate, key].map(Path::to_owned);
        let read = {
            let (file, key) = (file.clone(), key.clone());
            move || config(&file, &key)
        };
        let renewed = Renewed::new(&[&file, &key], "certificate", read);
        renewed.map(Self).map_err(|source| Error::Certificate { file, key, source })
    }

    /// What shakes hands with whoever comes now.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.0.get().into()
    }
}

fn config(certificate: &Path, key: &Path) -> io::Result<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(&fs::read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(&fs::read(key)?).map_err(io::Error::other)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let config = builder.with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
