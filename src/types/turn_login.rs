use super::turn_rest::{TurnCredentials, TurnSecret};

/// For how long minted credentials are good: more than clocks differ, and a check takes.
const LIFE: u64 = 10 * 60;

/// What a check shows to a TURN server that asks who it is.
#[derive(Debug, Clone)]
pub enum TurnLogin {
    /// A user and his password.
    User(TurnCredentials),
    /// A secret that makes them, for whoever is called so.
    Secret(TurnSecret, String),
}

impl TurnLogin {
    /// Credentials for a check that is made now, in seconds since 1970.
    pub fn credentials(&self, now_unix: u64) -> TurnCredentials {
        match self {
            Self::User(credentials) => credentials.clone(),
            Self::Secret(secret, name) => secret.mint(now_unix.saturating_add(LIFE), name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_credentials_outlive_a_check() {
        let login = TurnLogin::Secret(TurnSecret::new("north-wind"), "tb".into());
        assert_eq!(login.credentials(1_795_777_501).username, "1795778101:tb");
        assert!(!format!("{login:?}").contains("north"));
        let own = TurnCredentials::new("probe", "sesame");
        assert_eq!(TurnLogin::User(own.clone()).credentials(0), own);
    }
}
