use std::fmt;

/// What a file holds that a configuration names.
///
/// Named by a [`KeyError`](crate::KeyError).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretKind {
    /// A key that servers share.
    Key,
    /// The password of a TURN server's user.
    TurnPassword,
    /// The secret that a TURN server makes passwords from.
    TurnSecret,
    /// Certificates, which are no secret.
    Certificates,
    /// The broker's certificate and those above it, which are no secret.
    CertificateChain,
    /// The private key of that.
    PrivateKey,
    /// Who may have credentials from the broker.
    ApiKeys,
    /// What tokens for the broker are made with.
    TokenSecret,
    /// What whoever asks the admin interface has to show.
    AdminToken,
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Key => "key file",
            Self::TurnPassword => "password file",
            Self::TurnSecret => "secret file",
            Self::Certificates => "CA file",
            Self::CertificateChain => "certificate file",
            Self::PrivateKey => "private key file",
            Self::ApiKeys => "API key file",
            Self::TokenSecret => "token secret file",
            Self::AdminToken => "admin token file",
        })
    }
}
