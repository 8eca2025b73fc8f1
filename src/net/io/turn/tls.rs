//! TLS: whom a certificate names, and who says so.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error as TlsError, RootCertStore};

use super::fault::CheckFault;
use crate::types::TurnFault;

/// The longest file of certificates that is read: all that Mozilla trusts are 200 KiB.
const MAX_FILE: u64 = 4 << 20;

/// Who may say whom a certificate names.
#[derive(Clone)]
pub(crate) struct TlsRoots(Arc<ClientConfig>);

impl TlsRoots {
    /// Whom the system trusts.
    ///
    /// # Errors
    /// It has nobody.
    pub(crate) fn system() -> io::Result<Self> {
        let found = rustls_native_certs::load_native_certs();
        let none = || {
            let why = found.errors.first().map_or("there are none".to_owned(), ToString::to_string);
            io::Error::other(why)
        };
        if found.certs.is_empty() {
            return Err(none());
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        Self::of(roots)
    }

    /// Those whose certificates are in this file (PEM).
    ///
    /// # Errors
    /// It cannot be read, or has none.
    pub(crate) fn file(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() || metadata.len() > MAX_FILE {
            return Err(io::Error::other("no file of certificates"));
        }
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&std::fs::read(path)?) {
            let certificate = certificate.map_err(io::Error::other)?;
            roots.add(certificate).map_err(|_| io::Error::other("one in it is no certificate"))?;
        }
        if roots.is_empty() {
            return Err(io::Error::other("no certificate in it"));
        }
        Self::of(roots)
    }

    fn of(roots: RootCertStore) -> io::Result<Self> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        Ok(Self(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
    }

    /// Shakes hands with who is to be this host.
    pub(super) async fn connect(
        &self,
        host: &str,
        connection: TcpStream,
    ) -> Result<TlsStream<TcpStream>, CheckFault> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TurnFault::WrongName)?;
        let connector = TlsConnector::from(self.0.clone());
        connector.connect(name, connection).await.map_err(|error| fault(&error))
    }
}

impl fmt::Debug for TlsRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsRoots")
    }
}

/// Why hands were not shaken.
fn fault(error: &io::Error) -> CheckFault {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<TlsError>());
    let Some(TlsError::InvalidCertificate(certificate)) = tls else {
        return TurnFault::Tls.into();
    };
    match certificate {
        CertificateError::Expired => TurnFault::Expired.into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            CheckFault { expired: Some(not_after.as_secs()), ..TurnFault::Expired.into() }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TurnFault::NotYetValid.into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TurnFault::WrongName.into()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            TurnFault::NotForServers.into()
        }
        // What has no variant of rustls's own is webpki's error, by its name.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            TurnFault::NotForServers.into()
        }
        _ => TurnFault::Untrusted.into(),
    }
}
