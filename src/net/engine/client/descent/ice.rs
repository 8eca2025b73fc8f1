//! What a WebRTC client is configured with.

use super::report::{Selection, Why};
use crate::types::{TurnCredentials, TurnUrl};

/// The ICE servers of a WebRTC client, the best first.
///
/// With the feature `serde` it is written as W3C's `RTCConfiguration`, which
/// `new RTCPeerConnection(...)` takes.
///
#[cfg_attr(feature = "serde", doc = "```no_run")]
#[cfg_attr(not(feature = "serde"), doc = "```ignore")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use turn_balance::{Balance, Endpoint, IceConfiguration, TurnSecret};
///
/// let root: Endpoint = "root.example".parse()?;
/// let balance = Balance::builder().root(root).urls(true).build().await?;
/// let selection = balance.select().await?;
/// let credentials = TurnSecret::new("north-wind").mint(1_795_778_101, "tb");
/// // The one that was chosen, and the next best.
/// let ice = IceConfiguration::new(&selection, 1).credentials(&credentials);
/// println!("{}", serde_json::to_string(&ice)?); // {"iceServers":[{"urls":["turn:...
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "it configures nothing by itself"]
pub struct IceConfiguration {
    /// Each TURN server once; list order decides ties.
    pub ice_servers: Vec<IceServer>,
}

/// One TURN server of an [`IceConfiguration`], by all its URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IceServer {
    /// How it is reached, the best first. Never empty.
    pub urls: Vec<TurnUrl>,
    /// Who one is to it, if that is to be said.
    pub credentials: Option<TurnCredentials>,
}

impl IceConfiguration {
    /// The TURN server that was chosen and so many of the best runners-up: browsers test all that they
    /// are given, so that each one more costs time. Those that were asked themselves in vain are left
    /// out.
    pub fn new(selection: &Selection, runners_up: usize) -> Self {
        let or_default = |urls: &[TurnUrl], turn| match urls {
            [] => vec![TurnUrl::udp(turn)],
            urls => urls.to_vec(),
        };
        let others = selection.runners_up.iter().filter(|other| other.why != Why::Silent);
        let mut all = vec![or_default(&selection.urls, selection.turn)];
        all.extend(others.map(|other| or_default(&other.urls, other.turn)));
        let mut ice_servers: Vec<IceServer> = Vec::new();
        for urls in all {
            // Two leaves may name one TURN server.
            if ice_servers.len() <= runners_up && ice_servers.iter().all(|known| known.urls != urls)
            {
                ice_servers.push(IceServer { urls, credentials: None });
            }
        }
        Self { ice_servers }
    }

    /// The same with who one is, to all of them.
    pub fn credentials(mut self, credentials: &TurnCredentials) -> Self {
        for server in &mut self.ice_servers {
            server.credentials = Some(credentials.clone());
        }
        self
    }
}
