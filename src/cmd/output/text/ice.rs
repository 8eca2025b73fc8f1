//! What a WebRTC client is configured with, where that is not JSON.

use std::fmt::Write as _;

use turn_balance::{IceConfiguration, TurnCredentials};

use crate::cmd::output::style;

/// The URIs that GStreamer's webrtcbin takes (`turn-server`, `add-turn-server`), one a line. It reads
/// user and password up to the colon and decodes them, so that all of them is encoded that is no letter
/// or digit.
pub(crate) fn gst(ice: &IceConfiguration) -> String {
    let mut lines = String::new();
    for server in &ice.ice_servers {
        let user =
            server.credentials.as_ref().map(|TurnCredentials { username, password, .. }| {
                format!("{}:{}@", percent_encoded(username), percent_encoded(password))
            });
        for url in &server.urls {
            let text = url.to_string();
            let (scheme, rest) = text.split_once(':').unwrap_or(("turn", &text));
            let _ = writeln!(lines, "{scheme}://{}{rest}", user.as_deref().unwrap_or_default());
        }
    }
    lines
}

/// Why GStreamer takes none of the URIs.
pub(crate) fn nobody() -> String {
    let warning = style::paint(style::WARNING, "warning:");
    format!(
        "{warning} GStreamer refuses URIs without a user: give `--turn-secret-file`, or `--turn-user` \
         with `--turn-password-file`"
    )
}

/// Lines that a shell reads: the best URL, and who one is. Nobody is an empty text, so that a user of before
/// does not stay.
pub(crate) fn env(ice: &IceConfiguration) -> String {
    let Some(server) = ice.ice_servers.first() else { return String::new() };
    let mut lines = String::new();
    if let Some(url) = server.urls.first() {
        let _ = writeln!(lines, "TURN_URL={}", shell_quoted(&url.to_string()));
    }
    let credentials = server.credentials.as_ref();
    let (username, password) =
        credentials.map_or(("", ""), |who| (who.username.as_str(), who.password.as_str()));
    let _ = writeln!(lines, "TURN_USERNAME={}", shell_quoted(username));
    let _ = writeln!(lines, "TURN_CREDENTIAL={}", shell_quoted(password));
    lines
}

/// As the userinfo of a URI has it (RFC 3986, section 2.1).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// A text in which a shell finds nothing to do.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const EVIL: &str = "a'b\"c$(id)`id`\\:@/?#%é ";

    #[test]
    fn user_and_password_are_percent_encoded() {
        assert_eq!(percent_encoded("1795778101:tb"), "1795778101%3Atb");
        assert_eq!(percent_encoded("7Vp3+/=~"), "7Vp3%2B%2F%3D~");
        let encoded = percent_encoded(EVIL);
        assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'%'), "{encoded}");
        assert!(encoded.ends_with("%25%C3%A9%20"), "{encoded}");
    }

    #[test]
    fn a_shell_reads_what_was_meant() {
        let script = format!("A={}\nprintf %s \"$A\"", shell_quoted(EVIL));
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), EVIL);
    }
}
