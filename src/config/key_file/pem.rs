//! Whether a file is of the form that is called PEM. Whether what is in it fits together, those who use
//! it find out.

use std::path::Path;

use super::error::KeyError;
use super::kind::SecretKind;
use super::open::open;

/// More than a private key or a chain of certificates takes.
const MAX_PEM: usize = 256 << 10;

/// Whether there is a certificate, or a private key, in a file.
pub(crate) fn check_pem(file: &Path, what: SecretKind) -> Result<(), KeyError> {
    let (content, _) = open(file, what, MAX_PEM)?;
    let file = file.to_owned();
    if content.len() > MAX_PEM {
        return Err(KeyError::TooLong { file, what, most: MAX_PEM });
    }
    let has = |words: &[u8]| content.windows(words.len()).any(|window| window == words);
    match what {
        SecretKind::PrivateKey if !has(b"PRIVATE KEY-----") => {
            Err(KeyError::NoPrivateKey { file, what })
        }
        SecretKind::CertificateChain if !has(b"-----BEGIN CERTIFICATE-----") => {
            Err(KeyError::NoCertificate { file, what })
        }
        _ => Ok(()),
    }
}
