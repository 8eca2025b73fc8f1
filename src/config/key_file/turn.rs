//! What stands in the files of a TURN server's credentials and certificates.

use std::io::Read;
use std::path::Path;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::error::KeyError;
use super::kind::SecretKind;
use super::open::open;
use crate::config::model::TurnServer;
use crate::types::{TurnCredentials, TurnLogin, TurnSecret};

/// More than a password may have (RFC 8489, section 9.2.2).
const MAX_SECRET: usize = 1024;

/// More than all certificates of a system take together.
const MAX_CERTIFICATES: usize = 1 << 20;

/// Who a check is where a secret makes the password, and the configuration names nobody.
const NAME: &str = "tb";

/// Reads who checks a TURN server; `None`: nobody it knows.
pub(crate) fn read_login(turn: &TurnServer) -> Result<Option<TurnLogin>, KeyError> {
    if let Some(file) = &turn.secret_file {
        let secret = secret_line(file, SecretKind::TurnSecret)?;
        let name = turn.user.as_deref().unwrap_or(NAME).to_owned();
        return Ok(Some(TurnLogin::Secret(TurnSecret::new(secret), name)));
    }
    let Some((user, file)) = turn.user.as_ref().zip(turn.password_file.as_ref()) else {
        return Ok(None);
    };
    let password = secret_line(file, SecretKind::TurnPassword)?;
    Ok(Some(TurnLogin::User(TurnCredentials::new(user, password))))
}

/// What begins some files of text that other systems write.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether a file has certificates, and nothing between their marks that is none.
pub(crate) fn check_certificates(file: &Path) -> Result<(), KeyError> {
    let what = SecretKind::Certificates;
    let (content, _) = open(file, what, MAX_CERTIFICATES)?;
    let file = file.to_owned();
    if content.len() > MAX_CERTIFICATES {
        return Err(KeyError::TooLong { file, what, most: MAX_CERTIFICATES });
    }
    let mut roots = RootCertStore::empty();
    let added = CertificateDer::pem_slice_iter(&content)
        .try_for_each(|certificate| roots.add(certificate.ok()?).ok());
    match added {
        Some(()) if !roots.is_empty() => Ok(()),
        _ => Err(KeyError::NoCertificate { file, what }),
    }
}

/// A file that is one line of text, without the end of it: a password, or a secret that is shared with a
/// TURN server.
///
/// # Errors
/// The file is not one that a secret may be in, or holds something else.
pub fn secret_line(file: &Path, what: SecretKind) -> Result<String, KeyError> {
    line_in(file, what, open(file, what, MAX_SECRET)?.0)
}

/// The same from something that is open, and called so.
///
/// # Errors
/// It cannot be read, or is no such line.
pub fn secret_from(source: impl Read, called: &Path, what: SecretKind) -> Result<String, KeyError> {
    let mut content = Vec::new();
    match source.take(MAX_SECRET as u64 + 1).read_to_end(&mut content) {
        Ok(_) => line_in(called, what, content),
        Err(source) => Err(KeyError::Unreadable { file: called.to_owned(), what, source }),
    }
}

fn line_in(file: &Path, what: SecretKind, mut content: Vec<u8>) -> Result<String, KeyError> {
    let file = file.to_owned();
    if content.len() > MAX_SECRET {
        return Err(KeyError::TooLong { file, what, most: MAX_SECRET });
    }
    if content.ends_with(b"\n") {
        content.pop();
        if content.ends_with(b"\r") {
            content.pop();
        }
    }
    if content.starts_with(BYTE_ORDER_MARK) {
        content.drain(..BYTE_ORDER_MARK.len());
    }
    match String::from_utf8(content) {
        Ok(text) if text.is_empty() => Err(KeyError::Empty { file, what }),
        Ok(text) if !text.contains(char::is_control) => Ok(text),
        _ => Err(KeyError::NotOneLine { file, what }),
    }
}
