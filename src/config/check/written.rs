//! A file that the server writes, where something else is read.

use std::path::Path;

use super::mistake::Mistake;
use super::place::{Place, TurnOf};
use crate::config::model::{AdminAddr, Config, TurnServer};
use crate::types::quoted;

/// `cluster.state` in the place of another file, of which nothing would be left.
pub(super) fn written_over(config: &Config) -> Option<Mistake> {
    let state = config.cluster.state.as_deref()?;
    let (place, _) = files(config).into_iter().find(|(_, file)| *file == state)?;
    let message = format!("`state` would be written over {}", quoted(&state.to_string_lossy()));
    Some(Mistake {
        related: Some((place, "this is read from there")),
        hint: Some("name a file that is for nothing else, such as `state = \"joined\"`"),
        ..Mistake::at(Place::State, message)
    })
}

/// All that it reads or listens at, each with where it is named.
fn files(config: &Config) -> Vec<(Place, &Path)> {
    let Config { cluster, http, admin, turn, .. } = config;
    let keys = cluster.keys.iter().enumerate();
    let mut files: Vec<_> = keys.map(|(i, key)| (Place::Key(i), key.file.as_path())).collect();
    let mut named = of_turn(TurnOf::Leaf, &turn.server).to_vec();
    for (i, node) in cluster.nodes.iter().enumerate() {
        named.extend(node.turn.iter().flat_map(|server| of_turn(TurnOf::Node(i), server)));
    }
    let socket = match &admin.bind {
        Some(AdminAddr::Unix(path)) => Some(path.as_path()),
        _ => None,
    };
    named.extend([
        (Place::Cert, http.cert.as_deref()),
        (Place::PrivateKey, http.key.as_deref()),
        (Place::ApiKeys, http.api_keys.as_deref()),
        (Place::TokenSecret, http.token_secret.as_deref()),
        (Place::MintSecret, http.turn_secret.as_deref()),
        (Place::AdminToken, admin.token_file.as_deref()),
        (Place::AdminBind, socket),
    ]);
    files.extend(named.into_iter().filter_map(|(place, file)| Some((place, file?))));
    let secrets = http.turn_secrets.iter().enumerate();
    files.extend(secrets.map(|(i, secret)| (Place::NodeSecret(i), secret.file.as_path())));
    files
}

fn of_turn(of: TurnOf, server: &TurnServer) -> [(Place, Option<&Path>); 3] {
    [
        (Place::PasswordFile(of), server.password_file.as_deref()),
        (Place::SecretFile(of), server.secret_file.as_deref()),
        (Place::CaFile(of), server.ca_file.as_deref()),
    ]
}
